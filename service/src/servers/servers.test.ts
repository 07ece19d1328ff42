import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createServers, type Server } from './index.ts'

const crm: Server = {
  key: 'crm',
  name: 'Customers',
  url: 'https://crm.internal/mcp',
  mount: 'https://gw.example/crm/mcp',
  internal: false,
  upstream: { pattern: 'token_exchange' },
  credential: undefined,
  calls: {},
  scopes: {},
  tools: {},
}
const scopesOf = (tools: Server['tools'], tool: string) => {
  const server = { ...crm, tools }
  return createServers([server]).toolScopes(server, tool)
}

describe('the scopes of a tool', () => {
  test('are those of its own name, then of the pattern with the most letters, then of the star', () => {
    const tools = {
      '*': ['any'],
      'delete_*': ['write'],
      delete_customer: ['crm.write'],
      'delete_cust*': ['more'],
    }
    expect(scopesOf(tools, 'delete_customer')).toEqual(['crm.write'])
    expect(scopesOf(tools, 'delete_customers')).toEqual(['more'])
    expect(scopesOf(tools, 'delete_order')).toEqual(['write'])
    expect(scopesOf(tools, 'find')).toEqual(['any'])
  })

  test.each(['delete_customer ', '\u200bdelete_customer', 'delete\u2024customer', 'a'.repeat(129), ''])(
    'are not there for %j, which only looks like a tool',
    (tool) => {
      expect(scopesOf({ '*': ['any'], delete_customer: ['crm.write'] }, tool)).toBeUndefined()
    },
  )

  test('do not depend on the order of patterns that differ in length', () => {
    const patterns = fc.uniqueArray(fc.constantFrom('*', 'a*', 'ab*', 'abc*', '*bcd', 'a*d'), {
      minLength: 1,
    })
    const property = fc.property(patterns, fc.nat(), (patterns, at) => {
      const turned = [...patterns.slice(at % patterns.length), ...patterns.slice(0, at % patterns.length)]
      const tools = (names: readonly string[]) =>
        Object.fromEntries(names.map((name) => [name, [String(name.length)]]))
      expect(scopesOf(tools(turned), 'abcd')?.[0]?.length).toEqual(
        scopesOf(tools(patterns), 'abcd')?.[0]?.length,
      )
    })
    fc.assert(property)
  })

  test('of two equals are those of the first', () => {
    expect(scopesOf({ 'a*': ['one'], '*a': ['two'] }, 'aa')).toEqual(['one'])
  })

  test('are undefined for a tool that no name or pattern matches: it does not exist', () => {
    expect(
      scopesOf({ find_customer: ['crm.read'], 'delete_*': ['crm.write'] }, 'find_customers'),
    ).toBeUndefined()
    expect(scopesOf({ find_customer: ['crm.read'] }, 'Find_customer')).toBeUndefined()
    expect(scopesOf({ find_customer: ['crm.read'] }, 'find_customer ')).toBeUndefined()
    expect(scopesOf({}, 'anything')).toBeUndefined()
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(scopesOf({ a: [] }, name)).toBeUndefined()
  })

  test('of a tool that needs none are none, which is not undefined', () => {
    expect(scopesOf({ ping: [] }, 'ping')).toEqual([])
  })

  test('of a server that is not in the catalogue are undefined', () => {
    expect(createServers([crm]).toolScopes({ ...crm, key: 'notes', tools: { '*': [] } }, 'a')).toBeUndefined()
  })
})

test('a server is found by its key and its mount, each compared exactly', () => {
  const servers = createServers([crm])
  expect(servers.find('crm')).toBe(crm)
  expect(servers.byMount(crm.mount)).toBe(crm)
  expect([servers.find('CRM'), servers.find('constructor'), servers.find(crm.url)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect([servers.byMount(crm.url), servers.byMount(`${crm.mount}/`)]).toEqual([undefined, undefined])
})
