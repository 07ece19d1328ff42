import { describe, expect, test } from 'vitest'
import { codeAs, NOW, PEER, readAs, US } from './jwt-kinds.fixture.ts'

describe('the grant of another domain', () => {
  test('says for whom, and for what', () => {
    expect(readAs('JWT grant')).toEqual({
      issuer: PEER,
      subject: 'alice',
      jti: 'j1',
      expiresAt: NOW + 60,
      scopes: new Set(['crm.read']),
    })
  })

  test('names no scopes, and then there are none: nor is a chain read out of it', () => {
    expect(readAs('JWT grant', { scope: undefined, act: { iss: PEER, sub: 'evil' } })).toEqual({
      issuer: PEER,
      subject: 'alice',
      jti: 'j1',
      expiresAt: NOW + 60,
      scopes: undefined,
    })
  })

  test.each([
    ['for us, in a list', { aud: [US] }],
    ['without a beginning', { iat: undefined }],
    ['that lives as long as it may', { exp: NOW + 360 }],
  ])('%s is accepted', (_, change) => {
    expect(codeAs('JWT grant', change)).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an issuer', { iss: undefined }],
    ['claims', 'without a subject', { sub: undefined }],
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without an id, which could be used again', { jti: undefined }],
    ['claims', 'without an end', { exp: undefined }],
    ['claims', 'that lives too long', { exp: NOW + 361 }],
    ['claims', 'for us and another', { aud: [US, 'https://other.example'] }],
    ['claims', 'with the client of an access token', { client_id: 'crm' }],
    ['claims', 'with the client of an ID token', { azp: 'crm' }],
    ['claims', 'with the nonce of an ID token', { nonce: 'n1' }],
    ['claims', 'with the hash of an ID token', { at_hash: 'h1' }],
    ['claims', 'with the events of a logout token', { events: {} }],
    ['claims', 'with scopes that are none', { scope: 'a  b' }],
    ['issuer', 'of another issuer', { iss: 'https://other.example' }],
    ['audience', 'for another', { aud: 'https://other.example' }],
    ['audience', 'for our token endpoint, which is no name of ours here', { aud: `${US}/token` }],
    ['subject', 'whose issuer speaks of itself', { sub: PEER }],
    ['expired', 'after its end', { iat: NOW - 400, exp: NOW - 60 }],
    ['not_yet', 'from the future', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'before its time', { nbf: NOW + 61 }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('JWT grant', { ...change })).toBe(code)
  })
})
