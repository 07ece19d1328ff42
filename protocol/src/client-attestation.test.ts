import { describe, expect, test } from 'vitest'
import { parseAttestationProof } from './client-attestation.ts'
import { codeAs, jwtKinds, KEY, NOW, PEER, readAs, US } from './jwt-kinds.fixture.ts'
import { codeOf } from './refusal.fixture.ts'

describe('a client attestation', () => {
  test('vouches for one instance of a client, by its key', () => {
    expect(readAs('client attestation', { cnf: { jwk: { ...KEY, kid: 'x' } } })).toEqual({
      clientId: 'agent',
      key: KEY,
      expiresAt: NOW + 60,
    })
    expect(codeAs('client attestation', { iat: undefined })).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an attester', { iss: undefined }],
    ['claims', 'without a client', { sub: undefined }],
    ['claims', 'without an end', { exp: undefined }],
    ['claims', 'without a key', { cnf: undefined }],
    ['claims', 'with the thumbprint of a key', { cnf: { jkt: 'x' } }],
    ['claims', 'with a key and a certificate', { cnf: { jwk: KEY, 'x5t#S256': 'x' } }],
    ['claims', 'with the scopes of a token', { scope: 'crm.read' }],
    ['issuer', 'of another attester', { iss: 'https://other.example' }],
    ['agent', 'about another client', { sub: 'other' }],
    ['expired', 'after its end', { iat: NOW - 400, exp: NOW - 60 }],
    ['not_yet', 'from the future', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'before its time', { nbf: NOW + 61 }],
    ['key', 'with a private key', { cnf: { jwk: { ...KEY, d: 'x' } } }],
    ['key', 'with a symmetric key', { cnf: { jwk: { kty: 'oct', k: 'x' } } }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('client attestation', { ...change })).toBe(code)
  })
})

describe('the proof of an attested key', () => {
  const { header, claims } = jwtKinds['attestation proof']
  const expected = {
    attestation: { clientId: PEER, key: KEY, expiresAt: NOW + 60 },
    issuer: US,
    challenge: undefined,
    now: NOW,
  }

  test('counts once until it is too old by itself', () => {
    expect(readAs('attestation proof')).toEqual({ jti: 'j1', expiresAt: NOW + 300 })
    expect(parseAttestationProof(header, claims, expected)).toEqual({ jti: 'j1', expiresAt: NOW + 60 })
    expect(codeAs('attestation proof', { iss: undefined })).toBe('accepted')
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an audience', { aud: undefined }],
    ['claims', 'without an id', { jti: undefined }],
    ['claims', 'without a time', { iat: undefined }],
    ['claims', 'for us and another', { aud: [US, 'https://other.example'] }],
    ['claims', 'with the subject of an assertion', { sub: PEER }],
    ['claims', 'with a key of its own', { cnf: { jwk: KEY } }],
    ['agent', 'of another client', { iss: 'other' }],
    ['audience', 'for another', { aud: 'https://other.example' }],
    ['audience', 'for our token endpoint', { aud: `${US}/token` }],
    ['nonce', 'with the challenge of another time', { challenge: 'c2' }],
    ['nonce', 'without the challenge', { challenge: undefined }],
    ['expired', 'too old, even with the challenge', { iat: NOW - 301 }],
    ['not_yet', 'too far ahead, even with the challenge', { iat: NOW + 301 }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('attestation proof', { ...change })).toBe(code)
  })

  test.each<readonly [string, object]>([
    ['algorithm', { alg: 'HS256' }],
    ['algorithm', { alg: 'RS256' }],
    ['header', { jku: 'https://evil.example/jwks' }],
  ])('is refused (%s) with the header %j', (code, changed) => {
    expect(codeAs('attestation proof', {}, { ...changed })).toBe(code)
  })

  test('without a challenge of ours is a minute old at most', () => {
    const codes = [NOW - 61, NOW - 60, NOW + 60, NOW + 61].map((iat) =>
      codeOf(() => parseAttestationProof(header, { ...claims, iat }, expected)),
    )
    expect(codes).toEqual(['expired', 'accepted', 'accepted', 'not_yet'])
  })
})
