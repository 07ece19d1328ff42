import { describe, expect, test } from 'vitest'
import { codeAs, NOW, readAs, US } from './jwt-kinds.fixture.ts'

describe('a signed authorization response', () => {
  test('is a code, or why there is none', () => {
    expect(readAs('authorization response')).toEqual({ code: 'c1' })
    const change = { code: undefined, error: 'access_denied' }
    expect(readAs('authorization response', change)).toEqual({ error: 'access_denied' })
  })

  test.each([
    ['for us, in a list', { aud: [US] }],
    ['that lives as long as it may', { exp: NOW + 660, iat: undefined }],
  ])('%s is accepted', (_, change) => {
    expect(codeAs('authorization response', change)).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an issuer', { iss: undefined }],
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without an end', { exp: undefined }],
    ['claims', 'without a state', { state: undefined }],
    ['claims', 'without an answer', { code: undefined }],
    ['claims', 'with two answers', { error: 'access_denied' }],
    ['claims', 'with an empty code', { code: '' }],
    ['claims', 'that lives too long', { exp: NOW + 661 }],
    ['claims', 'for us and another client', { aud: [US, 'https://other.example'] }],
    ['claims', 'with the subject of an ID token', { sub: 'alice' }],
    ['claims', 'with the nonce of an ID token', { nonce: 'n1' }],
    ['claims', 'with the events of a logout token', { events: {} }],
    ['issuer', 'of another authorization server', { iss: 'https://other.example' }],
    ['audience', 'for another client', { aud: 'https://other.example' }],
    ['expired', 'after its end', { iat: NOW - 400, exp: NOW - 60 }],
    ['not_yet', 'from the future', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'before its time', { nbf: NOW + 61 }],
    ['nonce', 'to another request', { state: 's2' }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('authorization response', { ...change })).toBe(code)
  })
})
