import { z } from 'zod'
import { parseClaims, seconds, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { DPOP_NONCE_SECONDS, DPOP_SECONDS, TYP_DPOP } from './names.ts'
import { checkKeyHeader, parsePublicJwk, type PublicJwk } from './public-jwk.ts'
import { Refusal } from './refusal.ts'
import { checkFresh } from './times.ts'

const claimsSchema = z.looseObject({
  jti: text,
  htm: text,
  htu: z.string().max(2048),
  iat: seconds,
  ath: text.optional(),
  nonce: text.optional(),
})

/** A proof that the sender of one request holds a key. */
export interface DpopProof {
  readonly jti: string
  /** After this second the proof is too old by itself; until then its `jti` must not come again for this key and URL. */
  readonly expiresAt: number
}

/** The request that carried the proof, as it came to us. `now` in seconds. */
export interface DpopRequest {
  readonly method: string
  /** Built from our own configured address, never from what a header says of it. */
  readonly url: string
  /** base64url(SHA-256(access token)); undefined where none was presented (the token endpoint). */
  readonly accessTokenHash: string | undefined
  /** The nonce that we gave out; undefined where we asked for none. */
  readonly nonce: string | undefined
  readonly now: number
}

type Header = Readonly<Record<string, unknown>>

/**
 * The header half of a DPoP proof (RFC 9449 §4.2, §4.3): asked before the signature, since the key comes out of it.
 * Returns that key, reduced to what its thumbprint is made of.
 *
 * Throws {@link Refusal} `type`, `key` (none, a private or a symmetric one), `header`, `algorithm`.
 */
export function parseDpopKey(header: Header): PublicJwk {
  if (!isJwtType(header['typ'], TYP_DPOP)) throw new Refusal('type', `typ must be ${TYP_DPOP}`)
  const key = parsePublicJwk(header['jwk'])
  checkKeyHeader(header, key)
  return key
}

/**
 * The claims validator of one JWT kind: the DPoP proof (RFC 9449 §4.3). The signature is verified before, with the key of
 * {@link parseDpopKey}. That this key is the one the token is bound to, and that `jti` is new, is checked after.
 *
 * Throws {@link Refusal} what `parseDpopKey` does, `claims`, `binding` (for another request or another token), `nonce`,
 * `expired`, `not_yet`.
 */
export function parseDpopProof(header: Header, payload: unknown, request: DpopRequest): DpopProof {
  parseDpopKey(header)
  const { jti, htm, htu, iat, ath, nonce } = parseClaims(claimsSchema, payload)
  if (htm !== request.method) throw new Refusal('binding', 'for another method')
  if (!sameTarget(htu, request.url)) throw new Refusal('binding', 'for another URL')
  if (request.nonce !== undefined && nonce !== request.nonce) throw new Refusal('nonce', 'without our nonce')
  const window = request.nonce === undefined ? DPOP_SECONDS : DPOP_NONCE_SECONDS
  checkFresh(iat, window, request.now)
  if (request.accessTokenHash !== undefined && ath !== request.accessTokenHash)
    throw new Refusal('binding', 'for another access token')
  return { jti, expiresAt: iat + window }
}

/** RFC 9449 §4.3, RFC 3986 §6.2: the same scheme, host, port and path; `htu` has neither query nor fragment. */
function sameTarget(htu: string, requested: string): boolean {
  const { origin, pathname } = new URL(requested)
  return URL.canParse(htu) && new URL(htu).href === `${origin}${pathname}`
}
