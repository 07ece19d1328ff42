import { describe, expect, test } from 'vitest'
import { parseIdToken } from './id-token.ts'
import { codeAs, jwtKinds, NOW, PEER, readAs, US } from './jwt-kinds.fixture.ts'
import { codeOf } from './refusal.fixture.ts'

describe('an ID token', () => {
  test('says who signed in, and how', () => {
    expect(readAs('ID token')).toEqual({
      issuer: PEER,
      subject: 'alice',
      expiresAt: NOW + 60,
      authTime: NOW - 60,
      acr: 'high',
      sessionId: 's1',
    })
  })

  test.each([
    ['for us, in a list', { aud: [US] }],
    ['without what providers may leave out', { azp: undefined, auth_time: undefined, acr: undefined }],
    ['of a day', { exp: NOW + 86_400 }],
  ])('%s is accepted', (_, change) => {
    expect(codeAs('ID token', change)).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an issuer', { iss: undefined }],
    ['claims', 'without a subject', { sub: undefined }],
    ['claims', 'with an empty subject', { sub: '' }],
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without a beginning', { iat: undefined }],
    ['claims', 'without an end', { exp: undefined }],
    ['claims', 'for us and another client', { aud: [US, 'https://other.example'] }],
    ['claims', 'for us twice', { aud: [US, US] }],
    ['claims', 'with the client of an access token', { client_id: US }],
    ['claims', 'with the scopes of an access token', { scope: 'openid' }],
    ['claims', 'with the scopes of an access token, as some write them', { scp: ['openid'] }],
    ['claims', 'with the events of a logout token', { events: {} }],
    ['issuer', 'of another issuer', { iss: `${PEER}/` }],
    ['audience', 'for another client', { aud: 'https://other.example' }],
    ['audience', 'for us, given to another client', { azp: 'https://other.example' }],
    ['expired', 'after its end', { iat: NOW - 400, exp: NOW - 60 }],
    ['not_yet', 'from the future', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'before its time', { nbf: NOW + 61 }],
    ['nonce', 'of another authentication request', { nonce: 'n2' }],
    ['nonce', 'of no authentication request', { nonce: undefined }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('ID token', { ...change })).toBe(code)
  })

  test('is asked for no nonce where we sent none', () => {
    const { header, claims } = jwtKinds['ID token']
    const expected = { issuer: PEER, clientId: US, nonce: undefined, now: NOW }
    expect(codeOf(() => parseIdToken(header['typ'], claims, expected))).toBe('accepted')
  })

  test.each(['at+jwt', 'logout+jwt'])('is no token of the type %s', (typ) => {
    expect(codeAs('ID token', {}, { typ })).toBe('type')
  })
})
