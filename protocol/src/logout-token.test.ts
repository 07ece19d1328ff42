import { describe, expect, test } from 'vitest'
import { codeAs, NOW, PEER, readAs, US } from './jwt-kinds.fixture.ts'

describe('a logout token', () => {
  test('says which session of whom ended', () => {
    expect(readAs('logout token')).toEqual({
      issuer: PEER,
      subject: 'alice',
      sessionId: 's1',
      jti: 'j1',
      expiresAt: NOW + 60,
    })
  })

  test.each([
    ['of one session', { sub: undefined }],
    ['of all sessions of somebody', { sid: undefined }],
    ['as Keycloak writes it, with a second type among its claims', { typ: 'Logout' }],
    ['for us, in a list', { aud: [US] }],
  ])('%s is accepted', (_, change) => {
    expect(codeAs('logout token', change)).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an issuer', { iss: undefined }],
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without a beginning', { iat: undefined }],
    ['claims', 'without an end', { exp: undefined }],
    ['claims', 'without an id', { jti: undefined }],
    ['claims', 'without events', { events: undefined }],
    ['claims', 'with the event of something else', { events: { other: {} } }],
    [
      'claims',
      'with the event in a list',
      { events: ['http://schemas.openid.net/event/backchannel-logout'] },
    ],
    ['claims', 'with the nonce of an ID token', { nonce: 'n1' }],
    ['claims', 'that lives too long', { exp: NOW + 361 }],
    ['claims', 'for us and another client', { aud: [US, 'https://other.example'] }],
    ['issuer', 'of another issuer', { iss: 'https://other.example' }],
    ['audience', 'for another client', { aud: 'https://other.example' }],
    ['expired', 'after its end', { iat: NOW - 400, exp: NOW - 60 }],
    ['not_yet', 'from the future', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'before its time', { nbf: NOW + 61 }],
    ['subject', 'of nobody', { sub: undefined, sid: undefined }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('logout token', { ...change })).toBe(code)
  })
})
