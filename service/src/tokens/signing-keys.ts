import { SIGNING_ALGORITHM } from '@tetrapod/protocol'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { Clock } from '#kernel'
import type { RowKey, Vault } from '#vault'
import type { SigningKeyStore } from './signing-key-store.ts'

/** One key pair we sign with. The private part never leaves this process. */
export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly privateJwk: JWK
  readonly publicKey: CryptoKey
  readonly publicJwk: JWK
}

/** Our signing keys, the first made at the first start. The newest signs; all of them verify. */
export async function openSigningKeys(deps: {
  readonly store: SigningKeyStore
  readonly vault: Vault
  readonly clock: Clock
}): Promise<readonly [SigningKey, ...SigningKey[]]> {
  const { store, vault, clock } = deps
  if ((await store.list()).length === 0) await makeFirst(deps)
  const rows = await store.list()
  const keys = await Promise.all(
    rows.map(async ({ kid, sealed }) => {
      const jwk = Buffer.from(await vault.open(rowKey(kid), sealed)).toString()
      return signingKey(kid, JSON.parse(jwk) as JWK)
    }),
  )
  const [newest, ...older] = keys.reverse()
  if (newest === undefined) throw new Error('a signing key was neither found nor made')
  return [newest, ...older]

  async function makeFirst({ store, vault }: { readonly store: SigningKeyStore; readonly vault: Vault }) {
    const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
    const jwk = await exportJWK(privateKey)
    const kid = await calculateJwkThumbprint(jwk)
    const sealed = await vault.seal(rowKey(kid), Buffer.from(JSON.stringify(jwk)))
    await store.insertFirst({ kid, createdAt: clock.now(), sealed })
  }
}

async function signingKey(kid: string, jwk: JWK): Promise<SigningKey> {
  const { d: _, ...coordinates } = jwk
  const publicJwk = { ...coordinates, kid, use: 'sig', alg: SIGNING_ALGORITHM }
  const privateJwk = { ...jwk, kid, use: 'sig', alg: SIGNING_ALGORITHM }
  const [privateKey, publicKey] = await Promise.all([
    importJWK(privateJwk, SIGNING_ALGORITHM),
    importJWK(publicJwk, SIGNING_ALGORITHM),
  ])
  return { kid, privateKey: asKey(privateKey), privateJwk, publicKey: asKey(publicKey), publicJwk }
}

/** An EC key imports as a CryptoKey; only `oct` keys come as bytes. */
function asKey(key: CryptoKey | Uint8Array): CryptoKey {
  if (key instanceof Uint8Array) throw new Error('the signing key is not an EC key')
  return key
}

function rowKey(kid: string): RowKey {
  return { purpose: 'signing', record: kid, field: 'jwk', version: 1 }
}
