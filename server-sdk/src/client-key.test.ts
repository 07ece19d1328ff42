import { calculateJwkThumbprint, exportJWK } from 'jose'
import { expect, test } from 'vitest'
import { generateClientKey, importClientKey } from './client-key.ts'

test('a generated key is imported under its thumbprint, and its public half holds nothing private', async () => {
  const jwk = await generateClientKey()
  const key = await importClientKey(jwk)
  expect(key.kid).toBe(await calculateJwkThumbprint(jwk))
  expect(key.kid).toBe(jwk.kid)
  expect(Object.keys(key.publicJwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})

test('an imported private key cannot be read back', async () => {
  const { privateKey } = await importClientKey(await generateClientKey())
  await expect(exportJWK(privateKey)).rejects.toThrow()
})

test.each([
  ['a public key', { d: undefined }],
  ['a key of another curve', { crv: 'P-384' }],
  ['a symmetric key', { kty: 'oct' }],
])('%s is no client key', async (_, change) => {
  await expect(importClientKey({ ...(await generateClientKey()), ...change } as never)).rejects.toThrow(
    /client key/,
  )
})
