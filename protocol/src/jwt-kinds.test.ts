import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type JwtKind, type JwtKindName, jwtKinds } from './jwt-kinds.fixture.ts'
import { codeOf } from './refusal.fixture.ts'

const kinds: readonly (readonly [string, JwtKind])[] = Object.entries(jwtKinds)
const pairs = kinds.flatMap(([shown, { header, claims }]) =>
  kinds.map(([asked, { read }]) => ({ shown, asked, header, claims, read })),
)

describe('no kind of JWT passes for another, where all come from one party to one other:', () => {
  test.each(pairs)('$shown, shown as $asked', ({ shown, asked, header, claims, read }) => {
    const code = codeOf(() => read(header, claims))
    if (shown === asked) expect(code).toBe('accepted')
    else expect(code).not.toBe('accepted')
  })
})

/** Those that may come without a type of their own: their claims alone tell them apart. */
const untyped: readonly JwtKindName[] = [
  'ID token',
  'client assertion',
  'JWT grant',
  'authorization response',
  'software statement',
]

describe('nor does it where its issuer wrote no type, or the one that says nothing:', () => {
  const unlike = pairs.filter(({ shown, asked }) => shown !== asked)
  test.each(unlike)('$shown, shown as $asked', ({ header, claims, read }) => {
    for (const typ of ['JWT', undefined]) {
      const { typ: _typ, ...rest } = header
      const bare = typ === undefined ? rest : { ...rest, typ }
      expect(codeOf(() => read(bare, claims))).not.toBe('accepted')
    }
  })

  test('and who must have a type is not read without it', () => {
    for (const [name, { header, claims, read }] of kinds) {
      const { typ: _typ, ...rest } = header
      const accepted = untyped.some((known) => known === name)
      expect([name, codeOf(() => read(rest, claims))]).toEqual([name, accepted ? 'accepted' : 'type'])
      expect([name, codeOf(() => read({ ...rest, typ: 'jwt' }, claims))]).toEqual([
        name,
        accepted ? 'accepted' : 'type',
      ])
    }
  })
})

test.each(kinds)(
  '%s: nothing but an object of claims is read, and nothing but a Refusal thrown',
  (_, kind) => {
    const inherited: unknown = JSON.parse(`{"__proto__":${JSON.stringify(kind.claims)}}`)
    for (const claims of [undefined, null, 1, 'x', [], [kind.claims], {}, inherited]) {
      expect(codeOf(() => kind.read(kind.header, claims))).not.toBe('accepted')
    }
  },
)

test.each(kinds)(
  '%s: its type is read in any case, with the prefix of a media type or without',
  (_, kind) => {
    const typ = String(kind.header['typ'])
    for (const spelled of [typ.toUpperCase(), `application/${typ}`]) {
      expect(codeOf(() => kind.read({ ...kind.header, typ: spelled }, kind.claims))).toBe('accepted')
    }
    for (const wrong of [`${typ} `, `application/application/${typ}`, `x/${typ}`, '', null, [typ]]) {
      expect(codeOf(() => kind.read({ ...kind.header, typ: wrong }, kind.claims))).toBe('type')
    }
  },
)

/** What a kind passes on as it is. */
const passedOn: Readonly<Record<string, readonly string[]>> = {
  'software statement': ['software_id', 'client_name'],
  'request object': ['response_type', 'scope', 'nonce', 'state'],
}

const otherTypes = [{}, [], [[]], true, null, '', 'x'.repeat(5000), -1, 0.5, 1e300]

test.each(kinds)(
  '%s: a claim of another type is refused, not read as none',
  (name, { header, claims, read }) => {
    const accepted = Object.keys(claims)
      .filter((claim) => passedOn[name]?.includes(claim) !== true)
      .flatMap((claim) => otherTypes.map((value) => ({ claim, value })))
      .filter(({ claim, value }) => codeOf(() => read(header, { ...claims, [claim]: value })) === 'accepted')
    // No scopes at all are a set of scopes.
    expect(accepted).toEqual(accepted.filter(({ claim, value }) => claim === 'scope' && value === ''))
  },
)

test.each(kinds)('%s: whatever JSON comes, it is read or refused, and nothing else is thrown', (_, kind) => {
  const names = fc.constantFrom(...Object.keys(kind.claims), 'act', 'may_act', 'cnf', 'nbf', '__proto__')
  const property = fc.property(fc.jsonValue(), names, fc.jsonValue(), (header, name, value) => {
    codeOf(() => kind.read(kind.header, value))
    codeOf(() => kind.read(kind.header, { ...kind.claims, [name]: value }))
    codeOf(() => kind.read({ ...kind.header, typ: header, jwk: value }, kind.claims))
  })
  fc.assert(property)
})
