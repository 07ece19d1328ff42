import type { SigningAlgorithm } from '@tetrapod/protocol'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { RowKey, Vault } from '#vault'
import type { SigningKeyRow } from './signing-key-store.ts'

/** One key pair we sign with. The private part never leaves this process. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: CryptoKey
  readonly privateJwk: JWK
  readonly publicKey: CryptoKey
  readonly publicJwk: JWK
}

/** Makes a key. When it signs is for whoever writes the row to say: here, at once. */
export async function makeSigningKey(
  algorithm: SigningAlgorithm,
  now: number,
  vault: Vault,
): Promise<SigningKeyRow> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(privateKey)
  const kid = await calculateJwkThumbprint(jwk)
  const sealed = await vault.seal(rowKey(kid), Buffer.from(JSON.stringify(jwk)))
  return { kid, createdAt: now, algorithm, signsAt: now, revokedAt: undefined, sealed }
}

/** Throws `vault.unopenable` for a row whose key was sealed for another. */
export async function openSigningKey(
  { kid, algorithm, sealed }: SigningKeyRow,
  vault: Vault,
): Promise<SigningKey> {
  const jwk = JSON.parse(Buffer.from(await vault.open(rowKey(kid), sealed)).toString()) as JWK
  const { d: _, ...coordinates } = jwk
  const publicJwk = { ...coordinates, kid, use: 'sig', alg: algorithm }
  const privateJwk = { ...jwk, kid, use: 'sig', alg: algorithm }
  const [privateKey, publicKey] = await Promise.all([
    importJWK(privateJwk, algorithm),
    importJWK(publicJwk, algorithm),
  ])
  return { kid, algorithm, privateKey: asKey(privateKey), privateJwk, publicKey: asKey(publicKey), publicJwk }
}

/** A key pair imports as CryptoKeys; only `oct` keys come as bytes. */
function asKey(key: CryptoKey | Uint8Array): CryptoKey {
  if (key instanceof Uint8Array) throw new Error('the signing key is no key pair')
  return key
}

function rowKey(kid: string): RowKey {
  return { purpose: 'signing', record: kid, field: 'jwk', version: 1 }
}
