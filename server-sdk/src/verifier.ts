import { createHash, type KeyObject } from 'node:crypto'
import {
  type AccessToken,
  type Clock,
  CLOCK_SKEW_SECONDS,
  nowSeconds,
  parseAccessToken,
  parseTransactionToken,
  Refusal,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  systemClock,
  TOKEN_BYTES_MAX,
  type TransactionToken,
} from '@tetrapod/protocol'
import { compactVerify, type CryptoKey, errors } from 'jose'
import { createFlights } from './flights.ts'
import { parseJsonObject } from './json.ts'
import { createLru } from './lru.ts'

export type VerificationKey = CryptoKey | KeyObject

/**
 * The issuer's public key of this id, or undefined when it has none. Asked on every verification, remembered
 * signature or not: it must be cheap, and a key that it no longer returns no longer verifies.
 * What it throws, {@link Verifier.verify} throws.
 */
export type KeyLookup = (kid: string) => VerificationKey | undefined | Promise<VerificationKey | undefined>

export interface Verifier {
  /**
   * Verifies an access token that `audience` received (RFC 9068 §4): size, header, signature, then every claim.
   *
   * A signature is checked once per token and key; the claims are checked on every call.
   * Throws {@link Refusal} with the code of the first rule broken.
   */
  readonly verify: (token: string, audience: string) => Promise<AccessToken>
  /**
   * Verifies a transaction token the same way, for the client that holds it (`undefined`: one that cannot know its own
   * name). It tells who acts, and lets nobody in. Throws {@link Refusal}.
   */
  readonly verifyTransaction: (token: string, to: string | undefined) => Promise<TransactionToken>
}

interface Header {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly typ: unknown
}

/** A payload whose signature was found good, and by which key. */
interface Signed extends Header {
  readonly key: VerificationKey
  readonly payload: Readonly<Record<string, unknown>>
}

const SIGNATURES_MAX = 5000

/** The one verifier for access tokens of one issuer. */
export function createVerifier({
  issuer,
  keys,
  clock = systemClock,
}: {
  readonly issuer: string
  readonly keys: KeyLookup
  readonly clock?: Clock
}): Verifier {
  const remembered = createLru<Signed>(SIGNATURES_MAX)
  const flights = createFlights<Signed>()

  const signed = async (token: string): Promise<Signed> => {
    const hash = createHash('sha256').update(token).digest('base64url')
    const known = remembered.get(hash)
    const { kid, typ, alg } = known ?? checkedHeader(token)
    const key = await keys(kid)
    if (key === undefined) throw new Refusal('key', 'the issuer has no key of this id')
    // The key says what it signs with; a header may only agree (RFC 8725 §3.1).
    if (alg !== algorithmOf(key)) throw new Refusal('algorithm', 'the key is not for this algorithm')
    const good = known?.key === key ? known : await checkedOnce(hash, { kid, typ, alg, key }, token)
    if (expiresAfter(good, nowSeconds(clock))) remembered.set(hash, good)
    else remembered.delete(hash)
    return good
  }

  /** A flight that was under way with a key since replaced answers nobody who comes with the new one. */
  const checkedOnce = async (hash: string, by: Omit<Signed, 'payload'>, token: string): Promise<Signed> => {
    const check = async (): Promise<Signed> => ({ ...by, payload: await checkedPayload(token, by) })
    const flown = await flights(hash, check)
    return flown.key === by.key ? flown : check()
  }

  const read = async (token: string) => {
    if (token.length > TOKEN_BYTES_MAX) throw new Refusal('malformed', `longer than ${TOKEN_BYTES_MAX} bytes`)
    const { typ, kid, payload } = await signed(token)
    return { header: { typ, kid }, payload }
  }

  return {
    async verify(token, audience) {
      const { header, payload } = await read(token)
      return parseAccessToken(header, payload, { issuer, audience, now: nowSeconds(clock) })
    },
    async verifyTransaction(token, to) {
      const { header, payload } = await read(token)
      return parseTransactionToken(header, payload, { issuer, to, now: nowSeconds(clock) })
    },
  }
}

const COMPACT_JWS = /^([\w-]+)\.[\w-]+\.[\w-]+$/
/** Members that choose the key, or change what is signed: the issuer's own keys and RFC 7515 §5.2 are all there is. */
const HEADER_REFUSED = ['jku', 'jwk', 'x5u', 'x5c', 'b64', 'crit']

/** Reads the header of a compact JWS and refuses it before any cryptography (RFC 8725 §3.1, §3.10). */
function checkedHeader(token: string): Header {
  const encoded = COMPACT_JWS.exec(token)?.[1]
  const header = encoded === undefined ? undefined : parseJsonObject(Buffer.from(encoded, 'base64url'))
  if (header === undefined) throw new Refusal('malformed', 'not a compact JWS')
  const alg = SIGNING_ALGORITHMS.find((known) => known === header['alg'])
  if (alg === undefined) throw new Refusal('algorithm', `alg must be ${SIGNING_ALGORITHMS.join(' or ')}`)
  const refused = HEADER_REFUSED.find((member) => Object.hasOwn(header, member))
  if (refused !== undefined) throw new Refusal('header', `${refused} is not accepted`)
  const kid = header['kid']
  if (typeof kid !== 'string' || kid === '') throw new Refusal('header', 'kid is missing')
  return { kid, alg, typ: header['typ'] }
}

/** The one algorithm that a key is for. */
function algorithmOf(key: VerificationKey): SigningAlgorithm | undefined {
  if (!('algorithm' in key)) return ofKeyObject(key)
  const { name, namedCurve }: { readonly name: string; readonly namedCurve?: string } = key.algorithm
  if (name === 'ECDSA' && namedCurve === 'P-256') return 'ES256'
  return name === 'Ed25519' ? 'Ed25519' : undefined
}

function ofKeyObject({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SigningAlgorithm | undefined {
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  return asymmetricKeyType === 'ed25519' ? 'Ed25519' : undefined
}

async function checkedPayload(
  token: string,
  { key, alg }: Omit<Signed, 'payload'>,
): Promise<Signed['payload']> {
  const { payload } = await compactVerify(token, key, { algorithms: [alg] }).catch(refused)
  const claims = parseJsonObject(payload)
  if (claims === undefined) throw new Refusal('malformed', 'the payload is not a JSON object')
  return claims
}

function refused(error: unknown): never {
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    throw new Refusal('signature', 'the signature does not match')
  }
  if (error instanceof errors.JOSEError) throw new Refusal('malformed', error.message)
  throw error
}

/** True while the token could still be accepted: what cannot be is not worth remembering. */
function expiresAfter({ payload: { exp } }: Signed, now: number): boolean {
  return typeof exp === 'number' && exp + CLOCK_SKEW_SECONDS > now
}
