import { describe, expect, test } from 'vitest'
import { parseIdJag } from './id-jag.ts'
import { codeAs, jwtKinds, NOW, PEER, readAs, US } from './jwt-kinds.fixture.ts'
import { codeOf } from './refusal.fixture.ts'

describe('an ID-JAG', () => {
  test('says for whom, for what, and bound to which key; an act in it says nothing', () => {
    expect(readAs('ID-JAG', { act: { iss: PEER, sub: 'evil' } })).toEqual({
      issuer: PEER,
      tenant: 't1',
      subject: 'alice',
      jti: 'j1',
      expiresAt: NOW + 60,
      scopes: new Set(['crm.read']),
      resource: 'https://crm.example',
      authTime: NOW - 60,
      acr: 'high',
      keyThumbprint: 'k1',
    })
  })

  test('says no more than it must', () => {
    expect(readAs('ID-JAG', { scope: undefined, cnf: undefined })).toMatchObject({
      scopes: undefined,
      keyThumbprint: undefined,
    })
  })

  test.each([
    ['for us, in a list', { aud: [US] }],
    ['that lives as long as it may', { exp: NOW + 360 }],
  ])('%s is accepted', (_, change) => {
    expect(codeAs('ID-JAG', change)).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an issuer', { iss: undefined }],
    ['claims', 'without a subject', { sub: undefined }],
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without a client', { client_id: undefined }],
    ['claims', 'without an id', { jti: undefined }],
    ['claims', 'without a beginning', { iat: undefined }],
    ['claims', 'without an end', { exp: undefined }],
    ['claims', 'that lives too long', { exp: NOW + 361 }],
    ['claims', 'for us and another', { aud: [US, 'https://other.example'] }],
    ['claims', 'with scopes that are none', { scope: 'a  b' }],
    ['issuer', 'of another issuer', { iss: 'https://other.example' }],
    ['audience', 'for another', { aud: 'https://other.example' }],
    ['audience', 'for our token endpoint', { aud: `${US}/token` }],
    ['agent', 'given to another client', { client_id: 'notes' }],
    ['binding', 'bound to a certificate', { cnf: { 'x5t#S256': 'x' } }],
    ['binding', 'bound to two things', { cnf: { jkt: 'k1', 'x5t#S256': 'x' } }],
    ['binding', 'bound to nothing', { cnf: null }],
    ['expired', 'after its end', { iat: NOW - 400, exp: NOW - 60 }],
    ['not_yet', 'from the future', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'before its time', { nbf: NOW + 61 }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('ID-JAG', { ...change })).toBe(code)
  })

  test('of our own is not taken back', () => {
    const { header, claims } = jwtKinds['ID-JAG']
    const expected = { issuer: US, audience: US, clientId: 'crm', now: NOW }
    expect(codeOf(() => parseIdJag(header['typ'], { ...claims, iss: US }, expected))).toBe('issuer')
  })
})
