import { isObject, JWKS_SECONDS, type SigningAlgorithm, createFlights } from '@tetrapod/protocol'
import { type CryptoKey, importJWK, type JWK } from 'jose'
import { KeysUnavailable } from './errors.ts'
import { fetchJson } from './fetch-json.ts'
import { type Io, ioOf } from './io.ts'
import { issuerMetadata } from './issuer-metadata.ts'
import type { KeyLookup } from './verifier.ts'

type KeySet = ReadonlyMap<string, CryptoKey>

/** A set this old is read again; a key that was withdrawn verifies no longer than this. */
const FRESH_MS = JWKS_SECONDS * 1000
/** While the issuer does not answer, what was read last serves this long. */
const STALE_MS = 3_600_000
/** An unknown key id reads the set again at most this often, whoever invents ids. */
const RETRY_MS = 60_000

/**
 * The public keys of an issuer, found through its metadata (RFC 8414) and remembered. Looking up throws
 * {@link KeysUnavailable} when the keys were never read, not for too long, or could not be read for an unknown id.
 */
export function remoteKeys(issuer: string, io: Io = {}): KeyLookup {
  const { fetch, clock } = ioOf(io)
  const metadata = issuerMetadata(issuer, { fetch, clock })
  const flights = createFlights<void>()
  let keys: KeySet | undefined
  let readAt = -Infinity
  let triedAt = -Infinity
  let failure: unknown

  const read = async (): Promise<void> => {
    triedAt = clock.now()
    try {
      const { status, body } = await fetchJson(fetch, (await metadata()).jwks_uri)
      if (status !== 200) throw new Error(`the keys of ${issuer} answered ${status}`)
      keys = await importKeys(body['keys'])
      readAt = triedAt
      failure = undefined
    } catch (error) {
      failure = error
    }
  }

  const mayRead = (): boolean => keys === undefined || clock.now() - triedAt >= RETRY_MS

  const lookUp = async (kid: string): Promise<CryptoKey | undefined> => {
    if (mayRead()) await flights('', read)
    const key = clock.now() - readAt < STALE_MS ? keys?.get(kid) : undefined
    if (key === undefined && failure !== undefined) {
      throw new KeysUnavailable(`The keys of ${issuer} cannot be read`, { cause: failure })
    }
    return key
  }

  return (kid) => (clock.now() - readAt < FRESH_MS ? keys?.get(kid) : undefined) ?? lookUp(kid)
}

/** Takes the keys we can use out of a JWK set (RFC 7517 §5: the others are ignored). */
async function importKeys(jwks: unknown): Promise<KeySet> {
  if (!Array.isArray(jwks)) throw new Error('not a JWK set')
  const keys = new Map<string, CryptoKey>()
  for (const jwk of jwks as readonly unknown[]) {
    if (!isObject(jwk)) continue
    const { kid, use = 'sig', alg } = jwk
    const usable = usableKey(jwk)
    if (usable === undefined || typeof kid !== 'string' || use !== 'sig') continue
    if (alg !== undefined && alg !== usable.alg) continue
    const key = await importJWK(usable.jwk, usable.alg).catch(() => undefined)
    if (key !== undefined && 'type' in key) keys.set(kid, key)
  }
  return keys
}

/** The members of a public key that we verify with, and the one algorithm it is for. */
function usableKey(
  jwk: Readonly<Record<string, unknown>>,
): { readonly jwk: JWK; readonly alg: SigningAlgorithm } | undefined {
  const { kty, crv, x, y } = jwk
  if (typeof x !== 'string') return undefined
  if (kty === 'OKP' && crv === 'Ed25519') return { jwk: { kty, crv, x }, alg: 'Ed25519' }
  if (kty === 'EC' && crv === 'P-256' && typeof y === 'string') {
    return { jwk: { kty, crv, x, y }, alg: 'ES256' }
  }
  return undefined
}
