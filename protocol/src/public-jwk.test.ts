import { describe, expect, test } from 'vitest'
import { KEY } from './jwt-kinds.fixture.ts'
import { algorithmsOf, checkKeyHeader, parsePublicJwk } from './public-jwk.ts'
import { codeOf } from './refusal.fixture.ts'

const modulus = (bytes: number) => Buffer.alloc(bytes, 0xc1).toString('base64url')
const rsa = { kty: 'RSA', n: modulus(256), e: 'AQAB' }
const ed = { kty: 'OKP', crv: 'Ed25519', x: KEY.x }

test('a public key is reduced to what its thumbprint is made of', () => {
  const more = { kid: 'k', use: 'sig', alg: 'ES256', x5c: ['x'], key_ops: ['verify'] }
  for (const key of [KEY, rsa, ed]) expect(parsePublicJwk({ ...key, ...more })).toEqual(key)
})

describe('a key is refused', () => {
  test.each<readonly [string, unknown]>([
    ['absent', undefined],
    ['no object', 'x'],
    ['a list', [KEY]],
    ['without kind', { ...KEY, kty: undefined }],
    ['of a kind that is symmetric', { kty: 'oct', k: 'c2VjcmV0' }],
    ['of a curve nobody asked for', { ...KEY, crv: 'secp256k1' }],
    ['of a curve that only encrypts', { ...ed, crv: 'X25519' }],
    ['with a coordinate missing', { ...KEY, y: undefined }],
    ['with a coordinate that is no base64url', { ...KEY, y: 'a+b/' }],
    ['of 1024 bits', { ...rsa, n: modulus(128) }],
    ['of 16,384 bits', { ...rsa, n: modulus(2048) }],
    ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].map(
      (name) => [`with ${name}: the private one, shown to everybody`, { ...rsa, [name]: 'AQ' }] as const,
    ),
    ['with d on a curve', { ...KEY, d: 'AQ' }],
  ])('%s', (_, value) => {
    expect(codeOf(() => parsePublicJwk(value))).toBe('key')
  })
})

describe('a header names an algorithm of its key', () => {
  test.each([
    [KEY, ['ES256']],
    [{ ...KEY, crv: 'P-384' as const }, ['ES384']],
    [{ ...KEY, crv: 'P-521' as const }, ['ES512']],
    [ed, ['Ed25519', 'EdDSA']],
    [rsa, ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512']],
  ])('%j', (jwk, algorithms) => {
    const key = parsePublicJwk(jwk)
    expect(algorithmsOf(key)).toEqual(algorithms)
    for (const alg of ['none', 'None', 'HS256', 'ES256', 'ES384', 'RS256', 'EdDSA', 'ES256K', undefined, 1]) {
      const known = algorithms.some((one) => one === alg)
      expect([
        alg,
        codeOf(() => {
          checkKeyHeader({ alg }, key)
        }),
      ]).toEqual([alg, known ? 'accepted' : 'algorithm'])
    }
  })

  test.each(['jku', 'x5u', 'x5c', 'b64', 'crit'])('and nothing that leads elsewhere: %s', (name) => {
    expect(
      codeOf(() => {
        checkKeyHeader({ alg: 'ES256', [name]: [] }, KEY)
      }),
    ).toBe('header')
  })
})
