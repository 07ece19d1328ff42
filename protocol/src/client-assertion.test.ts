import { describe, expect, test } from 'vitest'
import { parseClientAssertion } from './client-assertion.ts'
import { codeOf } from './refusal.fixture.ts'

const ISSUER = 'https://tetrapod.example'
const NOW = 1_800_000_000
const TYP = 'client-authentication+jwt'
const honest = { iss: 'crm', sub: 'crm', aud: ISSUER, jti: 'j1', iat: NOW, exp: NOW + 60 }
type Change = Readonly<Record<string, unknown>>
const parsed = (change: Change = {}, typ: unknown = TYP) =>
  parseClientAssertion(typ, { ...honest, ...change }, { issuer: ISSUER, clientId: 'crm', now: NOW })
const codeWith = (change: Change, typ?: unknown) => codeOf(() => parsed(change, typ))

describe('an honest client assertion is accepted', () => {
  test('and says whose it is and how long its id is used up', () => {
    expect(parsed()).toEqual({ clientId: 'crm', jti: 'j1', expiresAt: NOW + 60 })
  })

  test.each<readonly [string, Change]>([
    ['with the issuer as the one member of a list', { aud: [ISSUER] }],
    ['without iat', { iat: undefined }],
    ['with nbf', { nbf: NOW }],
    ['that lives as long as it may', { exp: NOW + 300 }],
    ['by a clock that is a minute ahead', { iat: NOW + 60, exp: NOW + 360 }],
    ['by a clock that is almost a minute behind', { iat: NOW - 119, exp: NOW - 59 }],
  ])('%s', (_, change) => {
    expect(codeWith(change)).toBe('accepted')
  })

  test('with its type, with JWT, and by a client that sets none', () => {
    for (const typ of [TYP, TYP.toUpperCase(), 'JWT', 'jwt']) expect(codeWith({}, typ)).toBe('accepted')
    const untyped = () =>
      parseClientAssertion(undefined, honest, { issuer: ISSUER, clientId: 'crm', now: NOW })
    expect(codeOf(untyped)).toBe('accepted')
  })
})

describe('a client assertion is refused', () => {
  test.each(['at+jwt', 'oauth-id-jag+jwt', 'dpop+jwt', '', null, 1])('for the type %j', (typ) => {
    expect(codeWith({}, typ)).toBe('type')
  })

  test.each<readonly [string, string, Change]>([
    ['claims', 'with a second audience', { aud: [ISSUER, 'https://evil.example'] }],
    ['claims', 'with the issuer twice', { aud: [ISSUER, ISSUER] }],
    ['claims', 'with no audience in its list', { aud: [] }],
    ['claims', 'without an audience', { aud: undefined }],
    ['audience', 'for the token endpoint', { aud: `${ISSUER}/token` }],
    ['audience', 'for the token endpoint, in a list', { aud: [`${ISSUER}/token`] }],
    ['audience', 'for another issuer', { aud: 'https://evil.example' }],
    ['audience', 'for the issuer with a slash', { aud: `${ISSUER}/` }],
    ['claims', 'issued by another party', { iss: 'notes' }],
    ['claims', 'about another party', { sub: 'notes' }],
    ['claims', 'of another party altogether', { iss: 'notes', sub: 'notes' }],
    ['claims', 'without a subject', { sub: undefined }],
    ['claims', 'without an id', { jti: undefined }],
    ['claims', 'with an empty id', { jti: '' }],
    ['claims', 'without an end', { exp: undefined }],
    ['claims', 'with an end too far ahead', { exp: NOW + 361 }],
    ['claims', 'with a scope, as an access token has', { scope: 'crm.read' }],
    ['claims', 'with an empty scope', { scope: '' }],
    ['expired', 'after its end', { iat: NOW - 200, exp: NOW - 60 }],
    ['expired', 'after its end, without iat', { iat: undefined, exp: NOW - 60 }],
    ['not_yet', 'issued in the future', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'not valid yet', { nbf: NOW + 61 }],
    ['claims', 'that ends before it begins', { iat: NOW + 10, exp: NOW + 10 }],
  ])('%s: %s', (code, _, change) => {
    expect(codeWith(change)).toBe(code)
  })
})
