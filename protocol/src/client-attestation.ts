import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { DPOP_NONCE_SECONDS, DPOP_SECONDS, TYP_ATTESTATION, TYP_ATTESTATION_POP } from './names.ts'
import { checkKeyHeader, parsePublicJwk, type PublicJwk } from './public-jwk.ts'
import { Refusal } from './refusal.ts'
import { checkFresh, checkTimes } from './times.ts'

const attestationSchema = z.looseObject({
  iss: text,
  sub: text,
  exp: seconds,
  iat: seconds.optional(),
  nbf: seconds.optional(),
  cnf: z.strictObject({ jwk: z.unknown() }),
  scope: absent,
})

/** An instance of a client that an attester vouches for, until then (seconds). */
export interface ClientAttestation {
  readonly clientId: string
  /** Of this instance: it must prove that it holds it, see {@link parseAttestationProof}. */
  readonly key: PublicJwk
  readonly expiresAt: number
}

/**
 * The claims validator of one JWT kind: the client attestation (draft-ietf-oauth-attestation-based-client-auth §5.1). The
 * signature is verified before, with a key of the attester. Alone it proves nothing: anybody may have seen it.
 *
 * Throws {@link Refusal} `type`, `claims`, `issuer`, `agent` (about another client), `expired`, `not_yet`, `key`.
 */
export function parseClientAttestation(
  typ: unknown,
  payload: unknown,
  expected: { readonly attester: string; readonly clientId: string; readonly now: number },
): ClientAttestation {
  if (!isJwtType(typ, TYP_ATTESTATION)) throw new Refusal('type', `typ must be ${TYP_ATTESTATION}`)
  const claims = parseClaims(attestationSchema, payload)
  if (claims.iss !== expected.attester) throw new Refusal('issuer', 'issued by somebody else')
  if (claims.sub !== expected.clientId) throw new Refusal('agent', 'about another client')
  checkTimes(claims, expected.now)
  return { clientId: claims.sub, key: parsePublicJwk(claims.cnf.jwk), expiresAt: claims.exp }
}

const proofSchema = z.looseObject({
  iss: text.optional(),
  aud: soleAudience,
  jti: text,
  iat: seconds,
  challenge: text.optional(),
  sub: absent,
  cnf: absent,
})

/** A proof of the attested key, for one use. */
export interface AttestationProof {
  readonly jti: string
  /** After this second the proof is too old by itself (seconds). */
  readonly expiresAt: number
}

/**
 * The claims validator of one JWT kind: the proof of possession of a client attestation (the same draft, §5.2). The
 * signature is verified before, with the key of the attestation; replay is checked after. `challenge` is what we gave out,
 * undefined where we asked for none.
 *
 * Throws {@link Refusal} `type`, `header`, `algorithm`, `claims`, `agent`, `audience`, `nonce`, `expired`, `not_yet`.
 */
export function parseAttestationProof(
  header: Readonly<Record<string, unknown>>,
  payload: unknown,
  expected: {
    readonly attestation: ClientAttestation
    /** Our own issuer identifier. */
    readonly issuer: string
    readonly challenge: string | undefined
    readonly now: number
  },
): AttestationProof {
  if (!isJwtType(header['typ'], TYP_ATTESTATION_POP))
    throw new Refusal('type', `typ must be ${TYP_ATTESTATION_POP}`)
  checkKeyHeader(header, expected.attestation.key)
  const { iss, aud, jti, iat, challenge } = parseClaims(proofSchema, payload)
  if (iss !== undefined && iss !== expected.attestation.clientId)
    throw new Refusal('agent', 'made by another client')
  if (aud !== expected.issuer) throw new Refusal('audience', 'for another authorization server')
  if (expected.challenge !== undefined && challenge !== expected.challenge)
    throw new Refusal('nonce', 'without our challenge')
  const window = expected.challenge === undefined ? DPOP_SECONDS : DPOP_NONCE_SECONDS
  checkFresh(iat, window, expected.now)
  return { jti, expiresAt: iat + window }
}
