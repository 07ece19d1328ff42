import { describe, expect, test } from 'vitest'
import { codeAs, NOW, readAs, US } from './jwt-kinds.fixture.ts'

describe('a signed introspection response', () => {
  test('says what holds of a token', () => {
    expect(readAs('introspection response')).toEqual({
      active: true,
      members: { active: true, sub: 'alice' },
    })
  })

  test('says nothing but that of a token that does not hold', () => {
    const change = { token_introspection: { active: false, sub: 'alice' } }
    expect(readAs('introspection response', change)).toEqual({ active: false, members: { active: false } })
  })

  test('counts for half a minute, and a minute for the clocks', () => {
    const codes = [NOW - 90, NOW - 89, NOW + 60, NOW + 61].map((iat) =>
      codeAs('introspection response', { iat }),
    )
    expect(codes).toEqual(['expired', 'accepted', 'accepted', 'not_yet'])
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an issuer', { iss: undefined }],
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without a time', { iat: undefined }],
    ['claims', 'without an answer', { token_introspection: undefined }],
    ['claims', 'with an answer that does not say it', { token_introspection: {} }],
    ['claims', 'with an answer that says it in words', { token_introspection: { active: 'true' } }],
    ['claims', 'with an answer that is a list', { token_introspection: [{ active: true }] }],
    ['claims', 'for us and another', { aud: [US, 'https://other.example'] }],
    ['claims', 'with the subject of a token', { sub: 'alice' }],
    ['claims', 'with the end of a token', { exp: NOW + 60 }],
    ['issuer', 'of another issuer', { iss: 'https://other.example' }],
    ['audience', 'for another resource', { aud: 'https://other.example' }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('introspection response', { ...change })).toBe(code)
  })
})
