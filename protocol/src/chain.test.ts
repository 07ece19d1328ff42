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
import { TOKEN_BYTES_MAX } from './names.ts'
import { codeOf } from './refusal.fixture.ts'
import { parseStrictJson } from './strict-json.ts'

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

  test('is written as it was read', () => {
    const property = fc.property(chainOf(1, ACTORS_MAX), (chain) => {
      const claim: unknown = JSON.parse(JSON.stringify(nested(chain)))
      expect(formatAct(parseAct(claim))).toEqual(claim)
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

  test.each([9, 16, 17, 10_000, 1_000_000])(
    'of %i actors is refused quickly and without a stack',
    (depth) => {
      let act: unknown
      for (let i = 0; i < depth; i++) act = { iss: ISSUER, sub: `a${i}`, ...(i === 0 ? {} : { act }) }
      const began = performance.now()
      expect(codeOf(() => parseAct(act))).toBe('depth')
      expect(performance.now() - began).toBeLessThan(50)
    },
  )

  test('tells apart two actors of one client by their own names', () => {
    const mount = (name: string) => ({ iss: ISSUER, sub: `${ISSUER}/${name}/mcp`, client_id: 'gateway' })
    expect(appendActor([mount('crm')], mount('notes'))).toHaveLength(2)
    expect(codeOf(() => appendActor([mount('crm')], { ...mount('crm'), client_id: 'other' }))).toBe('loop')
  })

  test('is read or refused, whatever JSON comes', () => {
    const node = fc.record(
      { iss: fc.jsonValue(), sub: fc.jsonValue(), client_id: fc.jsonValue(), act: fc.jsonValue() },
      { requiredKeys: [] },
    )
    const property = fc.property(fc.oneof(fc.jsonValue(), node), (claim) => {
      codeOf(() => parseAct(claim))
      codeOf(() => parseAct({ iss: ISSUER, sub: 'outer', act: claim }))
    })
    fc.assert(property)
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
    ['that is a client alone, which is no name of an actor', { iss: ISSUER, client_id: 'a' }],
    ...['iss', 'sub', 'client_id'].flatMap((member) => [
      [`empty in ${member}`, { ...good, [member]: '' }] as const,
      [`longer than 256 characters in ${member}`, { ...good, [member]: 'a'.repeat(257) }] as const,
      [`a number in ${member}`, { ...good, [member]: 1 }] as const,
      [`null in ${member}`, { ...good, [member]: null }] as const,
    ]),
    ['a list in its client_id', { ...good, client_id: ['a'] }],
    ['with an end of its own', { ...good, exp: 1 }],
    ['with an audience of its own', { ...good, aud: 'x' }],
    ['with a member of another case', { ...good, Sub: 'b' }],
    ['with a prototype', JSON.parse(`{"iss":"${ISSUER}","sub":"a","__proto__":{"sub":"b"}}`)],
    [
      'with the name of a property of every object',
      JSON.parse(`{"iss":"${ISSUER}","sub":"a","constructor":{}}`),
    ],
    ['with nothing of its own', JSON.parse(`{"__proto__":{"iss":"${ISSUER}","sub":"a"}}`)],
    ['nested as null', { ...good, act: null }],
    ['nested as a list', { ...good, act: [{ iss: ISSUER, sub: 'b' }] }],
    ['nested as a text', { ...good, act: JSON.stringify({ iss: ISSUER, sub: 'b' }) }],
  ]
  test.each(bad)('%s', (_, node) => {
    expect(codeOf(() => parseAct(node))).toBe('chain')
    expect(codeOf(() => parseAct({ iss: ISSUER, sub: 'outer', act: node }))).toBe(
      node === undefined ? 'accepted' : 'chain',
    )
  })
})

test('names of 256 characters are as long as they may be', () => {
  const long = 'a'.repeat(256)
  expect(parseAct({ iss: long, sub: long, client_id: long })).toEqual([
    { iss: long, sub: long, client_id: long },
  ])
})

describe('as the text of a token of eight kibibytes', () => {
  const bytesOf = (depth: number) => Buffer.from(`${'{"act":'.repeat(depth)}{}${'}'.repeat(depth)}`)
  // What is left of 8192 characters of base64url for the payload, were there nothing else in the token.
  const deepest = Math.floor(((TOKEN_BYTES_MAX / 4) * 3 - 2) / '{"act":}'.length)

  test.each([9, 16, 17, 60])('a chain of %i actors is JSON, and refused for its depth', (depth) => {
    const text = JSON.stringify(nested(numbered(depth)))
    expect(codeOf(() => parseAct(parseStrictJson(Buffer.from(text))))).toBe('depth')
  })

  test('the deepest chain there is room for is refused as JSON, quickly', () => {
    expect(deepest).toBeGreaterThan(700)
    const began = performance.now()
    expect(() => parseStrictJson(bytesOf(deepest))).toThrow(RangeError)
    expect(performance.now() - began).toBeLessThan(50)
  })

  test('so are chains that no token has room for', () => {
    for (const depth of [10_000, 1_000_000]) {
      const began = performance.now()
      expect(() => parseStrictJson(bytesOf(depth))).toThrow(RangeError)
      expect(performance.now() - began).toBeLessThan(2000)
    }
  })

  test('an actor that names a member twice is refused, wherever it stands and whatever it names', () => {
    const property = fc.property(
      chainOf(1, ACTORS_MAX),
      fc.nat(),
      fc.constantFrom('"iss":"x"', '"sub":"x"', '"\\u0073ub":"x"', '"act":{}'),
      (chain, at, member) => {
        const outer = chain.slice(0, at % chain.length)
        const inner = chain.slice(at % chain.length)
        const twice = JSON.stringify({ act: {}, ...(nested(inner) as object) }).replace('{', `{${member},`)
        const claim = [...outer]
          .reverse()
          .reduce(
            (act, { iss, sub }) => `{"iss":${JSON.stringify(iss)},"sub":${JSON.stringify(sub)},"act":${act}}`,
            twice,
          )
        expect(() => parseStrictJson(Buffer.from(claim))).toThrow(SyntaxError)
      },
    )
    fc.assert(property)
  })
})
