import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Actor,
  ACTORS_MAX,
  appendActor,
  type Chain,
  currentActor,
  formatAct,
  innermostActor,
  parseAct,
} from './chain.ts'
import { codeOf } from './refusal.fixture.ts'

const ISSUER = 'https://tetrapod.example'
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const actor: fc.Arbitrary<Actor> = fc.record(
  { iss: name, sub: name, client_id: name },
  { requiredKeys: ['iss', 'sub'] },
)
const id = ({ iss, sub }: Actor) => JSON.stringify([iss, sub])
const chainOf = (minLength: number, maxLength: number) =>
  fc.uniqueArray(actor, { minLength, maxLength, selector: id }).map((actors) => actors as unknown as Chain)
const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ iss: ISSUER, sub: `a${i}` }))

/** An `act` claim as anybody could write it, outermost first. */
function nested(nodes: readonly object[]): unknown {
  return [...nodes]
    .reverse()
    .reduce<unknown>((act, node) => ({ ...node, ...(act === undefined ? {} : { act }) }), undefined)
}

describe('a chain', () => {
  test('is read as it was written', () => {
    const property = fc.property(chainOf(1, ACTORS_MAX), (chain) => {
      expect(parseAct(JSON.parse(JSON.stringify(formatAct(chain))))).toEqual(chain)
    })
    fc.assert(property)
  })

  test('grows at the front alone: every actor before stays as it was, in its place', () => {
    const property = fc.property(chainOf(2, ACTORS_MAX), ([outermost, ...rest]) => {
      const grown = appendActor(rest as unknown as Chain, outermost)
      expect(currentActor(grown)).toEqual(outermost)
      expect(innermostActor(grown)).toEqual(rest.at(-1))
      expect(grown.slice(1)).toEqual(rest)
    })
    fc.assert(property)
  })

  test('of eight actors takes no ninth', () => {
    expect(codeOf(() => appendActor(numbered(7) as unknown as Chain, { iss: ISSUER, sub: 'b' }))).toBe(
      'accepted',
    )
    expect(codeOf(() => appendActor(numbered(8) as unknown as Chain, { iss: ISSUER, sub: 'b' }))).toBe(
      'depth',
    )
    expect(codeOf(() => parseAct(nested(numbered(8))))).toBe('accepted')
    expect(codeOf(() => parseAct(nested(numbered(9))))).toBe('depth')
  })

  test('of one actor is that of the agent who presents it', () => {
    const agent = { iss: ISSUER, sub: 'assistant' }
    expect([currentActor([agent]), innermostActor([agent])]).toEqual([agent, agent])
  })

  test('never holds an actor twice, wherever they stand and whatever client they name', () => {
    const property = fc.property(
      chainOf(1, 7),
      fc.nat(),
      fc.option(name, { nil: undefined }),
      (chain, at, client) => {
        const { iss, sub } = chain[at % chain.length] ?? chain[0]
        const again: Actor = client === undefined ? { iss, sub } : { iss, sub, client_id: client }
        expect(codeOf(() => appendActor(chain, again))).toBe('loop')
        expect(codeOf(() => parseAct(nested([again, ...chain])))).toBe('loop')
      },
    )
    fc.assert(property)
  })

  test('tells apart the same name at two issuers', () => {
    const chain = appendActor([{ iss: ISSUER, sub: 'a' }], { iss: `${ISSUER}/`, sub: 'a' })
    expect(chain).toHaveLength(2)
  })

  test('of any depth is refused quickly and without a stack', () => {
    let act: unknown = { iss: ISSUER, sub: 'a' }
    for (let depth = 0; depth < 1_000_000; depth++) act = { iss: ISSUER, sub: 'a', act }
    const began = performance.now()
    expect(codeOf(() => parseAct(act))).toBe('depth')
    expect(performance.now() - began).toBeLessThan(50)
  })

  test('nested deeper than the bound is refused before its actors are compared', () => {
    const same = Array.from({ length: 10_000 }, () => ({ iss: ISSUER, sub: 'a' }))
    expect(codeOf(() => parseAct(nested(same)))).toBe('depth')
  })

  test('is not looked at beyond its ninth node', () => {
    const tenth = {
      get iss() {
        throw new Error('looked at')
      },
    }
    const [ninth, ...outer] = numbered(9).reverse()
    const act = outer.reduce<object>((act, node) => ({ ...node, act }), { ...ninth, act: tenth })
    expect(codeOf(() => parseAct(act))).toBe('depth')
  })
})

describe('an act claim is refused as no chain when a node is', () => {
  const good = { iss: ISSUER, sub: 'a' }
  const bad: readonly (readonly [string, unknown])[] = [
    ['missing', undefined],
    ['null', null],
    ['a string', 'a'],
    ['a list of the node', [good]],
    ['an empty list', []],
    ['an empty object', {}],
    ['without an issuer', { sub: 'a' }],
    ['without a subject', { iss: ISSUER }],
    ['empty in its subject', { ...good, sub: '' }],
    ['a number in its subject', { ...good, sub: 1 }],
    ['longer than 256 characters', { ...good, sub: 'a'.repeat(257) }],
    ['a list in its client_id', { ...good, client_id: ['a'] }],
    ['with an end of its own', { ...good, exp: 1 }],
    ['with an audience of its own', { ...good, aud: 'x' }],
    ['with a member of another case', { ...good, Sub: 'b' }],
    ['with a prototype', JSON.parse(`{"iss":"${ISSUER}","sub":"a","__proto__":{"sub":"b"}}`)],
    ['nested as null', { ...good, act: null }],
  ]
  test.each(bad)('%s', (_, node) => {
    expect(codeOf(() => parseAct(node))).toBe('chain')
    expect(codeOf(() => parseAct({ iss: ISSUER, sub: 'outer', act: node }))).toBe(
      node === undefined ? 'accepted' : 'chain',
    )
  })
})
