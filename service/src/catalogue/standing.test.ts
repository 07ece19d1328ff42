import { expect, test } from 'vitest'
import { load, whole } from './catalogue.fixture.ts'
import { missingFrom, standingOf } from './standing.ts'

const standing = async (text: string) => standingOf((await load(text)).catalogue)
const gone = async (from: string, to: string) => {
  expect(whole).toContain(from)
  const missing = missingFrom(await standing(whole.replace(from, to)), await standing(whole))
  return [...new Set(missing.map(({ kind, id }) => `${kind} ${id}`))]
}

test('everything that tokens may rest on stands, each under what it ends with', async () => {
  expect((await standing(whole)).map(({ kind, id }) => `${kind} ${id}`)).toEqual(
    expect.arrayContaining([
      'user alice',
      'agent assistant',
      'server crm',
      'server http://127.0.0.1:4000/crm/mcp',
      'edge robot assistant',
      'edge crm http://127.0.0.1:4002',
      'host claude.ai',
      'registration dynamic',
      'registration https://publisher.example',
    ]),
  )
})

test.each<[string, string, string, readonly string[]]>([
  ['a hand-over', ', delegates: [assistant]', '', ['edge robot assistant']],
  [
    'a scope of an edge',
    '{ crm.read: [payroll.read] }',
    '{ crm.read: [] }',
    ['edge crm http://127.0.0.1:4002'],
  ],
  ['a host', 'claude.ai, ', '', ['host claude.ai']],
  ['a way to register', 'dynamic: true', 'dynamic: false', ['registration dynamic']],
  [
    'an address of a server',
    'url: http://127.0.0.1:4001/mcp',
    'url: http://127.0.0.1:4009/mcp',
    ['server crm', 'server http://127.0.0.1:4000/crm/mcp'],
  ],
  [
    'a resource of an API',
    'resource: http://127.0.0.1:4002',
    'resource: http://127.0.0.1:4009',
    ['api payroll', 'edge crm http://127.0.0.1:4002'],
  ],
  [
    'nothing, where there is more',
    '{ crm.read: [payroll.read] }',
    '{ crm.read: [payroll.read], crm.write: [payroll.read] }',
    [],
  ],
  ['nothing, where words change', 'name: Customers', 'name: Clients', []],
])('%s that changes is missed', async (_, from, to, missing) => {
  expect(await gone(from, to)).toEqual(missing)
})
