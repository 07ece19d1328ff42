import { type ScopeEdges, throughCalls } from '@tetrapod/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type DelegateEdges,
  type Grant,
  grantedThrough,
  grantedUntil,
  grantsCalls,
  grantsDelegates,
  grantsDelegation,
  grantsScopes,
} from './index.ts'

const scope = fc.constantFrom('a', 'b', 'constructor', 'toString')
const target = fc.constantFrom('x', 'y', 'z')
const edges: fc.Arbitrary<ScopeEdges> = fc.dictionary(scope, fc.uniqueArray(target))
const scopes = fc.uniqueArray(scope).map((list) => new Set(list))

function grantOf(shown: ScopeEdges, held: Iterable<string> = [], delegates: DelegateEdges = {}): Grant {
  const mounts = { crm: { scopes: [...held], calls: { payroll: shown }, delegates, since: 0, expiresAt: 1 } }
  return {
    id: 'g1',
    version: 1,
    user: 'u1',
    agent: 'planner',
    redirectUris: [],
    mounts,
    createdAt: 0,
    expiresAt: 1,
    revokedAt: undefined,
  }
}
const at = (edges: ScopeEdges, scopes: ReadonlySet<string>) => ({
  server: 'crm',
  api: 'payroll',
  edges,
  scopes,
})

describe('what a grant lets a server ask for', () => {
  test('is never more than the catalogue has, nor than the consent showed', () => {
    const property = fc.property(edges, edges, scopes, (catalogue, shown, scopes) => {
      const reached = grantedThrough(grantOf(shown), at(catalogue, scopes))
      expect(reached.isSubsetOf(throughCalls(catalogue, scopes))).toBe(true)
      expect(reached.isSubsetOf(throughCalls(shown, scopes))).toBe(true)
    })
    fc.assert(property)
  })

  test('only shrinks where the token holds less, the catalogue has less, or the consent showed less', () => {
    const property = fc.property(
      edges,
      edges,
      edges,
      scopes,
      scopes,
      (catalogue, shown, kept, some, more) => {
        const all = grantedThrough(grantOf(shown), at(catalogue, some.union(more)))
        const fewer = (from: ScopeEdges): ScopeEdges =>
          Object.fromEntries(Object.entries(from).filter(([scope]) => Object.hasOwn(kept, scope)))
        for (const less of [
          grantedThrough(grantOf(shown), at(catalogue, some)),
          grantedThrough(grantOf(shown), at(fewer(catalogue), some.union(more))),
          grantedThrough(grantOf(fewer(shown)), at(catalogue, some.union(more))),
        ])
          expect(less.isSubsetOf(all)).toBe(true)
      },
    )
    fc.assert(property)
  })

  test('is all that the catalogue has, where the consent showed just that', () => {
    const property = fc.property(edges, scopes, (edges, scopes) => {
      expect(grantedThrough(grantOf(edges), at(edges, scopes))).toEqual(throughCalls(edges, scopes))
    })
    fc.assert(property)
  })

  test('does not change when an edge is added to the catalogue later', () => {
    const property = fc.property(edges, edges, scopes, (shown, added, scopes) => {
      const later = Object.fromEntries(
        [...new Set([...Object.keys(shown), ...Object.keys(added)])].map((key) => [
          key,
          [
            ...(Object.hasOwn(shown, key) ? (shown[key] ?? []) : []),
            ...(Object.hasOwn(added, key) ? (added[key] ?? []) : []),
          ],
        ]),
      )
      const before = grantedThrough(grantOf(shown), at(shown, scopes))
      expect(new Set(grantedThrough(grantOf(shown), at(later, scopes)))).toEqual(before)
    })
    fc.assert(property)
  })

  test('does not join an edge that was shown for one scope with an edge of another', () => {
    const grant = grantOf({ a: ['x'], b: ['y'] })
    expect(grantedThrough(grant, at({ a: ['y'], b: ['x'] }, new Set(['a', 'b']))).size).toBe(0)
  })

  test('is nothing at another server or API, whatever they are called', () => {
    const grant = grantOf({ a: ['x'] })
    for (const name of ['notes', 'constructor', '__proto__', 'toString']) {
      const through = { edges: { a: ['x'] }, scopes: new Set(['a']) }
      expect(grantedThrough(grant, { ...through, server: name, api: 'payroll' }).size).toBe(0)
      expect(grantedThrough(grant, { ...through, server: 'crm', api: name }).size).toBe(0)
      expect(grantsScopes(grant, name, ['a'])).toBe(false)
    }
  })
})

describe('a consent is not asked for again', () => {
  test('only where every scope is held at this very mount', () => {
    const grant = grantOf({}, ['a', 'b'])
    expect(grantsScopes(grant, 'crm', ['a'])).toBe(true)
    expect(grantsScopes(grant, 'crm', ['a', 'b'])).toBe(true)
    expect(grantsScopes(grant, 'crm', ['a', 'c'])).toBe(false)
    expect(grantsScopes(grant, 'notes', ['a'])).toBe(false)
  })

  test('only where it showed all that the scopes lead to now', () => {
    const property = fc.property(edges, edges, scopes, (catalogue, shown, scopes) => {
      const covered = grantsCalls(grantOf(shown), 'crm', { payroll: catalogue }, scopes)
      const reached = grantedThrough(grantOf(shown), at(catalogue, scopes))
      expect(covered).toBe(throughCalls(catalogue, scopes).isSubsetOf(reached))
    })
    fc.assert(property)
  })

  test('unless an API was added to what they lead to', () => {
    const calls = { payroll: { a: ['x'] }, ledger: { a: ['x'] } }
    expect(grantsCalls(grantOf({ a: ['x'] }), 'crm', { payroll: calls.payroll }, new Set(['a']))).toBe(true)
    expect(grantsCalls(grantOf({ a: ['x'] }), 'crm', calls, new Set(['a']))).toBe(false)
  })
})

describe('a hand-over is agreed to', () => {
  const delegates = { planner: ['researcher'], researcher: ['fetcher'] }
  const grant = grantOf({}, [], delegates)

  test('from the one agent to the other, at this very mount', () => {
    expect(grantsDelegation(grant, 'crm', 'planner', 'researcher')).toBe(true)
    expect(grantsDelegation(grant, 'crm', 'researcher', 'fetcher')).toBe(true)
    expect(grantsDelegation(grant, 'notes', 'planner', 'researcher')).toBe(false)
  })

  test('in no other direction, and over no agent in between', () => {
    expect(grantsDelegation(grant, 'crm', 'researcher', 'planner')).toBe(false)
    expect(grantsDelegation(grant, 'crm', 'planner', 'fetcher')).toBe(false)
    expect(grantsDelegation(grant, 'crm', 'planner', 'writer')).toBe(false)
  })

  test('by nobody, whatever the names are', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(grantsDelegation(grant, name, 'planner', 'researcher')).toBe(false)
      expect(grantsDelegation(grant, 'crm', name, 'researcher')).toBe(false)
      expect(grantsDelegation(grant, 'crm', 'planner', name)).toBe(false)
    }
  })

  test('as a whole only where each of them is', () => {
    expect(grantsDelegates(grant, 'crm', {})).toBe(true)
    expect(grantsDelegates(grant, 'crm', { planner: [] })).toBe(true)
    expect(grantsDelegates(grant, 'crm', delegates)).toBe(true)
    expect(grantsDelegates(grant, 'crm', { planner: ['researcher', 'writer'] })).toBe(false)
    expect(grantsDelegates(grant, 'crm', { ...delegates, fetcher: ['writer'] })).toBe(false)
    expect(grantsDelegates(grant, 'notes', delegates)).toBe(false)
  })
})

describe('what a grant gives at a server', () => {
  test('ends with its part; where it gives nothing, with the grant', () => {
    const grant = { ...grantOf({}), expiresAt: 9 }
    expect([grantedUntil(grant, 'crm'), grantedUntil(grant, 'notes')]).toEqual([1, 9])
  })
})
