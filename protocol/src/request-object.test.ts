import { describe, expect, test } from 'vitest'
import { codeAs, NOW, PEER, readAs, US } from './jwt-kinds.fixture.ts'

describe('a request object', () => {
  test('is the whole request, and nothing of itself', () => {
    expect(readAs('request object', { jti: 'j1', nbf: NOW })).toEqual({
      clientId: PEER,
      parameters: {
        client_id: PEER,
        response_type: 'code',
        scope: 'crm.read',
        nonce: 'n1',
        state: 's1',
      },
    })
  })

  test.each([
    ['for us, in a list', { aud: [US] }],
    ['without a beginning', { iat: undefined }],
    ['that lives as long as it may', { exp: NOW + 360 }],
  ])('%s is accepted', (_, change) => {
    expect(codeAs('request object', change)).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an issuer', { iss: undefined }],
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without an end', { exp: undefined }],
    ['claims', 'without a client', { client_id: undefined }],
    ['claims', 'that lives too long', { exp: NOW + 361 }],
    ['claims', 'for us and another', { aud: [US, 'https://other.example'] }],
    ['claims', 'with a request object in it', { request: 'x' }],
    ['claims', 'with the address of a request object in it', { request_uri: 'https://evil.example/x' }],
    ['claims', 'with the subject of a client assertion', { sub: PEER }],
    ['issuer', 'signed by another client', { iss: 'https://other.example' }],
    ['issuer', 'about another client', { client_id: 'https://other.example' }],
    ['audience', 'for another', { aud: 'https://other.example' }],
    ['expired', 'after its end', { iat: NOW - 400, exp: NOW - 60 }],
    ['not_yet', 'from the future', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'before its time', { nbf: NOW + 61 }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('request object', { ...change })).toBe(code)
  })
})
