import { type ScopeEdges, throughCalls } from '@tetrapod/protocol'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fault } from '#kernel'
import type { Case } from './exchange-case.ts'
import { missingConsent, requestedScopes } from './exchange-scopes.ts'

const names = ['a', 'b', 'c', 'constructor'] as const
const scopes = fc.uniqueArray(fc.constantFrom(...names))
const edges: fc.Arbitrary<ScopeEdges> = fc.dictionary(fc.constantFrom(...names), scopes)
const vocabulary = Object.fromEntries(names.map((name) => [name, name]))
const given = fc.record({
  kind: fc.constantFrom('api', 'mount', 'delegate'),
  token: scopes,
  granted: scopes,
  catalogue: edges,
  shown: edges,
  agreed: fc.boolean(),
  asked: fc.option(scopes, { nil: undefined }),
})
type Given = typeof given extends fc.Arbitrary<infer T> ? T : never

/** What an exchange is decided on, as far as scopes go. */
function caseOf({ kind, token, granted, catalogue, shown, agreed }: Given): Case {
  const server = { key: 'crm', scopes: vocabulary }
  const targets = {
    api: { kind, api: { key: 'payroll', scopes: vocabulary }, edges: catalogue },
    mount: { kind, server },
    delegate: { kind, agent: 'researcher' },
  }
  const mount = {
    scopes: granted,
    calls: { payroll: shown },
    delegates: agreed ? { planner: ['researcher'] } : {},
  }
  const made: unknown = {
    caller: { kind: kind === 'api' ? 'server' : 'agent', key: 'planner' },
    target: targets[kind],
    subject: { scopes: new Set(token) },
    server,
    grant: { mounts: { crm: mount } },
  }
  return made as Case
}

/** The scopes of the token that is issued; undefined where none is. */
function issued(given: Given): ReadonlySet<string> | undefined {
  const exchanged = caseOf(given)
  try {
    const asked = requestedScopes(exchanged, { scope: given.asked?.join(' ') } as Parameters<
      typeof requestedScopes
    >[1])
    return missingConsent(exchanged, asked) === undefined ? asked : undefined
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

test('whatever is asked for, nothing is issued that token, grant, catalogue and consent do not all lead to', () => {
  let count = 0
  const property = fc.property(given, (given) => {
    const scopes = issued(given)
    if (scopes === undefined) return
    count++
    const held = new Set(given.token).intersection(new Set(given.granted))
    expect(scopes.size).toBeGreaterThan(0)
    if (given.kind !== 'api') {
      expect(scopes.isSubsetOf(held)).toBe(true)
      expect(given.kind === 'mount' || given.agreed).toBe(true)
      return
    }
    expect(scopes.isSubsetOf(throughCalls(given.catalogue, held))).toBe(true)
    expect(scopes.isSubsetOf(throughCalls(given.shown, held))).toBe(true)
  })
  fc.assert(property, { numRuns: 500 })
  expect(count).toBeGreaterThan(20)
})

test('without a word, all that can be had is issued; who hands on must say what', () => {
  const property = fc.property(given, (given) => {
    const scopes = issued({ ...given, asked: undefined })
    if (given.kind === 'delegate') expect(scopes).toBeUndefined()
    const one = [...names].map((name) => issued({ ...given, asked: [name] }))
    if (given.kind !== 'delegate')
      expect(scopes ?? new Set()).toEqual(new Set(one.flatMap((some) => [...(some ?? [])])))
  })
  fc.assert(property)
})
