import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { CLOCK_SKEW_SECONDS, TYP_SECURITY_EVENT } from './names.ts'
import { Refusal } from './refusal.ts'

const claimsSchema = z.looseObject({
  iss: text,
  aud: soleAudience,
  jti: text,
  iat: seconds,
  txn: text.optional(),
  sub_id: z.looseObject({ format: text }),
  events: z.record(text, z.looseObject({})),
  sub: absent,
  exp: absent,
  nonce: absent,
})

/** Something that happened to somebody, as a transmitter tells it. Times are seconds since the epoch. */
export interface SecurityEvent {
  readonly issuer: string
  readonly jti: string
  readonly issuedAt: number
  readonly transaction: string | undefined
  /** Whom it is about (RFC 9493): a format, and the members of that format. */
  readonly subjectId: Readonly<Record<string, unknown>> & { readonly format: string }
  /** The URI that says what happened. */
  readonly type: string
  readonly event: Readonly<Record<string, unknown>>
}

/**
 * The claims validator of one JWT kind: the security event token (RFC 8417 §2.2, as the OpenID shared signals profile
 * narrows it: one event, one audience, the subject in `sub_id` alone). The signature is verified before, replay of
 * (`iss`, `jti`) is checked after. It has no end: an event that was delivered late has still happened.
 *
 * Throws {@link Refusal} `type`, `claims` (`sub` and `exp` among them: with those it could pass for a token, RFC 8417
 * §4.6), `issuer`, `audience`, `not_yet`.
 */
export function parseSecurityEvent(
  typ: unknown,
  payload: unknown,
  expected: { readonly issuer: string; readonly audience: string; readonly now: number },
): SecurityEvent {
  if (!isJwtType(typ, TYP_SECURITY_EVENT)) throw new Refusal('type', `typ must be ${TYP_SECURITY_EVENT}`)
  const { iss, aud, jti, iat, txn, sub_id, events } = parseClaims(claimsSchema, payload)
  if (iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (aud !== expected.audience) throw new Refusal('audience', 'for another receiver')
  if (iat > expected.now + CLOCK_SKEW_SECONDS) throw new Refusal('not_yet', 'issued in the future')
  const [only, second] = Object.entries(events)
  if (only === undefined || second !== undefined) throw new Refusal('claims', 'it must be one event')
  const [type, event] = only
  return { issuer: iss, jti, issuedAt: iat, transaction: txn, subjectId: sub_id, type, event }
}
