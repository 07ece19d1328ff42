import { z } from 'zod'
import { isObject } from './is-object.ts'
import { Refusal } from './refusal.ts'

const base64url = z.string().regex(/^[\w-]{1,1400}$/)
const curves = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' } as const
/** RFC 7518 §6.3.1.1: 2048 bits and more, not so many that a signature costs the receiver dearly. */
const modulus = z.string().regex(/^[\w-]{342,1366}$/)

const schema = z.discriminatedUnion('kty', [
  z.object({
    kty: z.literal('EC'),
    crv: z.enum(['P-256', 'P-384', 'P-521']),
    x: base64url,
    y: base64url,
  }),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: base64url }),
  z.object({ kty: z.literal('RSA'), n: modulus, e: base64url }),
])

/** A public key (RFC 7518 §6, RFC 8037 §2) with the members its thumbprint is made of (RFC 7638 §3.2), and no others. */
export type PublicJwk = Readonly<z.infer<typeof schema>>

/** What a private or a symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const RSA_ALGORITHMS = ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512']

/**
 * Reads the public key that a JWT brings along (`jwk` of a DPoP proof, `cnf.jwk`). Throws {@link Refusal} `key` for a
 * private or a symmetric one, and for kinds nobody should sign with.
 */
export function parsePublicJwk(value: unknown): PublicJwk {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Refusal('key', z.prettifyError(parsed.error))
  if (isObject(value) && PRIVATE.some((member) => Object.hasOwn(value, member)))
    throw new Refusal('key', 'it is a private key')
  return parsed.data
}

/** The asymmetric algorithms a key of this kind signs with: a header may name one of these alone (RFC 8725 §3.1). */
export function algorithmsOf(jwk: PublicJwk): readonly string[] {
  if (jwk.kty === 'EC') return [curves[jwk.crv]]
  return jwk.kty === 'OKP' ? ['Ed25519', 'EdDSA'] : RSA_ALGORITHMS
}

/** Header members that choose another key, or change what is signed (RFC 7515 §4.1, §5.2; RFC 7797 §6). */
const HEADER_REFUSED = ['jku', 'x5u', 'x5c', 'b64', 'crit']

/**
 * The header of a JWT that `key` alone may have signed. Throws {@link Refusal} `header` for members that would say
 * otherwise, `algorithm` for one that is not the key's: none and the symmetric ones never are.
 */
export function checkKeyHeader(header: Readonly<Record<string, unknown>>, key: PublicJwk): void {
  const refused = HEADER_REFUSED.find((member) => Object.hasOwn(header, member))
  if (refused !== undefined) throw new Refusal('header', `${refused} is not accepted`)
  const { alg } = header
  if (typeof alg !== 'string' || !algorithmsOf(key).includes(alg))
    throw new Refusal('algorithm', 'the key is not for this algorithm')
}
