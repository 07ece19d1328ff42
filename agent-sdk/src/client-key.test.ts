import { calculateJwkThumbprint } from 'jose'
import { expect, test } from 'vitest'
import { generateClientKey, publicJwks } from './client-key.ts'

test('the published half of a key holds no private part, and is named by its thumbprint', async () => {
  const key = await generateClientKey()
  const { keys } = publicJwks(key)
  expect(keys.map((jwk) => Object.keys(jwk).sort())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']])
  expect(JSON.stringify(keys)).not.toContain(key.d)
  expect(key.kid).toBe(await calculateJwkThumbprint({ ...key }))
})

test('two keys are never the same', async () => {
  const [one, two] = [await generateClientKey(), await generateClientKey()]
  expect(one.d).not.toBe(two.d)
})
