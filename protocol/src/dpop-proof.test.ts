import { describe, expect, test } from 'vitest'
import { type DpopRequest, parseDpopKey, parseDpopProof } from './dpop-proof.ts'
import { codeAs, jwtKinds, KEY, NOW, readAs, US } from './jwt-kinds.fixture.ts'
import { codeOf } from './refusal.fixture.ts'

const { header, claims } = jwtKinds['DPoP proof']
const request: DpopRequest = {
  method: 'POST',
  url: `${US}/token`,
  accessTokenHash: 'h1',
  nonce: undefined,
  now: NOW,
}
const codeFor = (change: Partial<DpopRequest>, changed: object = {}) =>
  codeOf(() => parseDpopProof(header, { ...claims, ...changed }, { ...request, ...change }))

describe('the key of a DPoP proof', () => {
  test('comes out of its header, without what does not belong to it', () => {
    expect(parseDpopKey({ ...header, jwk: { ...KEY, kid: 'k', alg: 'ES256' } })).toEqual(KEY)
  })

  test.each<readonly [string, string, object]>([
    ['type', 'no type', { typ: undefined }],
    ['type', 'another type', { typ: 'JWT' }],
    ['key', 'no key', { jwk: undefined }],
    ['key', 'a private key', { jwk: { ...KEY, d: 'x' } }],
    ['key', 'a symmetric key', { jwk: { kty: 'oct', k: 'x' } }],
    ['algorithm', 'no algorithm', { alg: undefined }],
    ['algorithm', 'no signature', { alg: 'none' }],
    ['algorithm', 'a shared secret', { alg: 'HS256' }],
    ['algorithm', 'an algorithm of another key', { alg: 'RS256' }],
    ['header', 'keys elsewhere', { jku: 'https://evil.example/jwks' }],
    ['header', 'a certificate', { x5c: ['x'] }],
    ['header', 'something critical', { crit: ['exp'] }],
  ])('is refused (%s): %s, before the signature and after it', (code, _, changed) => {
    expect(codeOf(() => parseDpopKey({ ...header, ...changed }))).toBe(code)
    expect(codeAs('DPoP proof', {}, { ...changed })).toBe(code)
  })
})

describe('a DPoP proof', () => {
  test('counts once until it is too old by itself', () => {
    expect(readAs('DPoP proof')).toEqual({ jti: 'j1', expiresAt: NOW + 300 })
    expect(parseDpopProof(header, claims, request)).toEqual({ jti: 'j1', expiresAt: NOW + 60 })
  })

  test.each<readonly [string, string, object]>([
    ['claims', 'without an id', { jti: undefined }],
    ['claims', 'without a method', { htm: undefined }],
    ['claims', 'without a URL', { htu: undefined }],
    ['claims', 'without a time', { iat: undefined }],
    ['claims', 'with a time that is no number', { iat: `${NOW}` }],
    ['binding', 'for another method', { htm: 'GET' }],
    ['binding', 'for the method in another case', { htm: 'post' }],
    ['binding', 'for another token', { ath: 'h2' }],
    ['binding', 'for no token', { ath: undefined }],
    ['nonce', 'with the nonce of another time', { nonce: 'n2' }],
    ['nonce', 'without the nonce', { nonce: undefined }],
    ['expired', 'too old, even with the nonce', { iat: NOW - 301 }],
    ['not_yet', 'too far ahead, even with the nonce', { iat: NOW + 301 }],
  ])('is refused (%s) %s', (code, _, change) => {
    expect(codeAs('DPoP proof', { ...change })).toBe(code)
  })

  test('without a nonce of ours is a minute old at most, by whatever nonce it brings along', () => {
    const codes = [NOW - 61, NOW - 60, NOW + 60, NOW + 61].map((iat) => codeFor({}, { iat }))
    expect(codes).toEqual(['expired', 'accepted', 'accepted', 'not_yet'])
  })

  test('needs no token where none is presented', () => {
    expect(codeFor({ accessTokenHash: undefined }, { ath: undefined })).toBe('accepted')
  })
})

describe('the URL of a DPoP proof is that of the request', () => {
  test.each([
    ['the same', 'https://us.example/token', 'https://us.example/token'],
    ['in another case of scheme and host', 'HTTPS://US.Example/token', 'https://us.example/token'],
    ['with the port that needs no naming', 'https://us.example:443/token', 'https://us.example/token'],
    ['with dots that lead back', 'https://us.example/x/../token', 'https://us.example/token'],
    ['of a request with a query', 'https://us.example/token', 'https://us.example/token?x=1'],
    ['without a path', 'https://us.example', 'https://us.example/'],
  ])('%s: accepted', (_, htu, url) => {
    expect(codeFor({ url }, { htu })).toBe('accepted')
  })

  test.each([
    ['another path', 'https://us.example/tokens'],
    ['the path in another case', 'https://us.example/Token'],
    ['a slash behind it', 'https://us.example/token/'],
    ['another host', 'https://us.example.evil/token'],
    ['another scheme', 'http://us.example/token'],
    ['another port', 'https://us.example:8443/token'],
    ['a user before the host', 'https://us.example@us.example/token'],
    ['a query', 'https://us.example/token?'],
    ['a fragment', 'https://us.example/token#x'],
    ['a path alone', '/token'],
    ['nothing', ''],
  ])('%s: refused', (_, htu) => {
    expect(codeFor({}, { htu })).toBe('binding')
  })
})
