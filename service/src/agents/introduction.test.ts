import { expect, test } from 'vitest'
import { introduce } from './index.ts'

const document = 'https://claude.ai/oauth/client.json'

test('an agent of the catalogue has the name it was given there, whatever it claims', () => {
  const introduced = introduce('planner', { given: 'Planner', claimed: 'Boss' })
  expect(introduced).toEqual({ id: 'planner', name: 'Planner', namedBy: 'administrator' })
})

test('an agent at an address of its own is introduced by its host, and its name is its own claim', () => {
  const introduced = introduce(document, { given: undefined, claimed: 'Claude' })
  expect(introduced).toEqual({ id: document, name: 'Claude', namedBy: { host: 'claude.ai' } })
})

test('an agent that registered gave itself its name', () => {
  expect(introduce('x1', { given: undefined, claimed: 'Bank' })).toMatchObject({ namedBy: 'itself' })
})

test('a host that looks like another is shown as it is sent', () => {
  const { namedBy } = introduce('https://сlaude.ai/client.json', { given: undefined })
  expect(namedBy).toEqual({ host: 'xn--laude-0ye.ai' })
})

test.each([undefined, '', ' \u202E ', '\u3164'])(
  'of an agent named %j the host is shown, or its id',
  (claimed) => {
    expect(introduce(document, { given: undefined, claimed }).name).toBe('claude.ai')
    expect(introduce('x1', { given: undefined, claimed }).name).toBe('x1')
  },
)

test('a name turns nothing around and fills no page', () => {
  expect(introduce('x1', { given: undefined, claimed: 'a\u202Eb\nc' }).name).toBe('ab c')
  expect(introduce('x1', { given: undefined, claimed: 'x'.repeat(5000) }).name).toHaveLength(60)
})
