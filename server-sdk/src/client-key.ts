import { SIGNING_ALGORITHM } from '@tetrapod/protocol'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'

/** The key a client authenticates with (RFC 7523). Its private half can sign and cannot be read. */
export interface ClientKey {
  /** The thumbprint (RFC 7638): two keys never share an id. */
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

/** Makes a private ES256 JWK: a secret, to be stored where only this program reads it. */
export async function generateClientKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: SIGNING_ALGORITHM, use: 'sig' }
}

/** Reads a private ES256 JWK. Throws for any other key. */
export async function importClientKey({ kty, crv, x, y, d }: JWK): Promise<ClientKey> {
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined || d === undefined) {
    throw new Error('A client key is a private JWK of type EC and curve P-256; generateClientKey() makes one')
  }
  const kid = await calculateJwkThumbprint({ kty, crv, x, y })
  const privateKey = await importJWK({ kty, crv, x, y, d }, SIGNING_ALGORITHM)
  if (!('type' in privateKey)) throw new Error('not an asymmetric key')
  return { kid, privateKey, publicJwk: { kty, crv, x, y, kid, alg: SIGNING_ALGORITHM, use: 'sig' } }
}
