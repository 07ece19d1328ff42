import { z } from 'zod'
import { checkTimes } from './access-token.ts'
import { ASSERTION_SECONDS_MAX, CLOCK_SKEW_SECONDS, TYP_CLIENT_ASSERTION } from './names.ts'
import { Refusal } from './refusal.ts'

const text = z.string().min(1).max(512)
const seconds = z.int().nonnegative()
const claimsSchema = z.looseObject({
  iss: text,
  sub: text,
  aud: z.union([text, z.tuple([text])]),
  jti: text,
  exp: seconds,
  iat: seconds.optional(),
  nbf: seconds.optional(),
  scope: z.never().optional(),
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
  if (typ !== undefined && !isAssertionType(typ)) {
    throw new Refusal('type', `typ must be ${TYP_CLIENT_ASSERTION}`)
  }
  const parsed = claimsSchema.safeParse(payload)
  if (!parsed.success) throw new Refusal('claims', z.prettifyError(parsed.error))
  const { iss, sub, aud, jti, exp, iat, nbf } = parsed.data
  if (iss !== expected.clientId || sub !== expected.clientId) {
    throw new Refusal('claims', 'iss and sub must both be the client')
  }
  if ((Array.isArray(aud) ? aud[0] : aud) !== expected.issuer) {
    throw new Refusal('audience', 'the issuer must be the sole audience')
  }
  if (exp > expected.now + ASSERTION_SECONDS_MAX + CLOCK_SKEW_SECONDS) {
    throw new Refusal('claims', `the assertion lives longer than ${ASSERTION_SECONDS_MAX} s`)
  }
  checkTimes({ exp, nbf, iat: iat ?? Math.min(exp - 1, expected.now) }, expected.now)
  return { clientId: sub, jti, expiresAt: exp }
}

function isAssertionType(typ: unknown): boolean {
  return typeof typ === 'string' && ['jwt', TYP_CLIENT_ASSERTION].includes(typ.toLowerCase())
}
