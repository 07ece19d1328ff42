import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from './refusal.fixture.ts'
import {
  backThroughCalls,
  formatScope,
  isScopeToken,
  parseScope,
  type ScopeEdges,
  throughCalls,
} from './scopes.ts'

const scope = fc.constantFrom('a', 'b', 'c', 'd', 'constructor', '__proto__', 'toString')
const target = fc.constantFrom('x', 'y', 'z', 'valueOf')
const edges: fc.Arbitrary<ScopeEdges> = fc
  .uniqueArray(fc.tuple(scope, fc.uniqueArray(target)), { selector: ([from]) => from })
  .map((entries) => Object.fromEntries(entries))
const scopes = fc.uniqueArray(scope).map((list) => new Set(list))
const targets = fc.uniqueArray(target).map((list) => new Set(list))

describe('through the edges of calls', () => {
  test('more scopes never reach less, and what is reached has an edge from a scope that is held', () => {
    const property = fc.property(edges, scopes, scopes, (edges, some, more) => {
      const reached = throughCalls(edges, some)
      expect(reached.isSubsetOf(throughCalls(edges, some.union(more)))).toBe(true)
      for (const to of reached)
        expect([...some].some((from) => Object.hasOwn(edges, from) && edges[from]?.includes(to))).toBe(true)
    })
    fc.assert(property)
  })

  test('nothing is reached from no scopes, and nothing without edges', () => {
    const property = fc.property(edges, scopes, (edges, scopes) => {
      expect(throughCalls(edges, new Set()).size).toBe(0)
      expect(throughCalls({}, scopes).size).toBe(0)
    })
    fc.assert(property)
  })

  test('over any number of resources, whoever asks for less on the way gets no more at the end', () => {
    const hop = fc.record({ edges, asked: scopes })
    const same = (from: ReadonlySet<string>) => from
    const property = fc.property(fc.array(hop, { maxLength: 7 }), scopes, scopes, (hops, some, more) => {
      const end = (
        from: ReadonlySet<string>,
        narrowed: (scopes: ReadonlySet<string>, to: ReadonlySet<string>) => ReadonlySet<string>,
      ) => hops.reduce((held, { edges, asked }) => narrowed(renamed(throughCalls(edges, held)), asked), from)
      const whole = end(some.union(more), same)
      expect(end(some, same).isSubsetOf(whole)).toBe(true)
      expect(end(some.union(more), (held, asked) => held.intersection(asked)).isSubsetOf(whole)).toBe(true)
    })
    fc.assert(property)
  })

  /** What was reached at one resource, as the scopes that the next one's edges begin at. */
  function renamed(reached: ReadonlySet<string>): ReadonlySet<string> {
    const names: Readonly<Record<string, string>> = { x: 'a', y: 'b', z: 'c', valueOf: '__proto__' }
    return new Set([...reached].map((target) => names[target] ?? target))
  }

  test('backwards, what is named would reach all that is wanted', () => {
    const property = fc.property(edges, targets, (edges, wanted) => {
      const needed = backThroughCalls(edges, wanted)
      if (needed === undefined) return
      expect(wanted.isSubsetOf(throughCalls(edges, needed))).toBe(true)
      expect(needed.size).toBeLessThanOrEqual(wanted.size)
    })
    fc.assert(property)
  })

  test('backwards, only what no scope at all reaches is unreachable', () => {
    const property = fc.property(edges, targets, (edges, wanted) => {
      const all = throughCalls(edges, new Set(Object.keys(edges)))
      expect(backThroughCalls(edges, wanted) === undefined).toBe(!wanted.isSubsetOf(all))
    })
    fc.assert(property)
  })
})

describe('a scope value', () => {
  test('is read as it was written', () => {
    const token = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCodePoint(c)),
      minLength: 1,
    })
    const property = fc.property(fc.uniqueArray(token.filter((t) => !/["\\]/.test(t))), (tokens) => {
      expect([...parseScope(formatScope(tokens))]).toEqual(tokens)
    })
    fc.assert(property)
  })

  test.each(['a  b', ' a', 'a ', 'a\tb', 'a\nb', '"a"', 'a\\b', 'ä', 'a\u0000', 'a'.repeat(257)])(
    'that is no list of scope tokens is refused: %j',
    (value) => {
      expect(codeOf(() => parseScope(value))).toBe('claims')
      expect(isScopeToken(value)).toBe(false)
    },
  )

  test('that is empty is the empty set, and no token', () => {
    expect(parseScope('').size).toBe(0)
    expect(isScopeToken('')).toBe(false)
  })
})
