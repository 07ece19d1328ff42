import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { ASSERTION_SECONDS_MAX, TYP_CLIENT_ASSERTION } from './names.ts'
import { Refusal } from './refusal.ts'
import { checkShortLived } from './times.ts'

const claimsSchema = z.looseObject({
  iss: text,
  sub: text,
  aud: soleAudience,
  jti: text,
  exp: seconds,
  iat: seconds.optional(),
  nbf: seconds.optional(),
  scope: absent,
})

/** A verified client assertion: whose, and the id that may be used once until it expires (seconds). */
export interface ClientAssertion {
  readonly clientId: string
  readonly jti: string
  readonly expiresAt: number
}

/**
 * The claims validator of one JWT kind: the client assertion (RFC 7523 §3, with rfc7523bis: the issuer is the sole
 * audience; the type is asked of those who set one). The signature is verified before, replay is checked after.
 *
 * Throws {@link Refusal} `type`, `claims`, `audience`, `expired`, `not_yet`.
 */
export function parseClientAssertion(
  typ: unknown,
  payload: unknown,
  expected: { readonly issuer: string; readonly clientId: string; readonly now: number },
): ClientAssertion {
  if (typ !== undefined && !isJwtType(typ, 'JWT') && !isJwtType(typ, TYP_CLIENT_ASSERTION)) {
    throw new Refusal('type', `typ must be ${TYP_CLIENT_ASSERTION}`)
  }
  const { iss, sub, aud, jti, ...times } = parseClaims(claimsSchema, payload)
  if (iss !== expected.clientId || sub !== expected.clientId) {
    throw new Refusal('claims', 'iss and sub must both be the client')
  }
  if (aud !== expected.issuer) throw new Refusal('audience', 'the issuer must be the sole audience')
  checkShortLived(times, ASSERTION_SECONDS_MAX, expected.now)
  return { clientId: sub, jti, expiresAt: times.exp }
}
