import { z } from 'zod'
import { CLOCK_SKEW_SECONDS } from './names.ts'
import { Refusal } from './refusal.ts'

const seconds = z.int().nonnegative()
const claimsSchema = z.looseObject({
  iss: z.string().min(1).max(512),
  aud: z.union([z.string(), z.array(z.string()).max(16)]).optional(),
  iat: seconds.optional(),
  nbf: seconds.optional(),
  exp: seconds.optional(),
})

/** What is said of the statement, not of the software. */
const OF_THE_STATEMENT = new Set(['iss', 'sub', 'aud', 'iat', 'nbf', 'exp', 'jti', 'software_statement'])

/** Header parameters by which a JWT would bring its own key along. */
const OWN_KEYS = ['jku', 'jwk', 'x5u', 'x5c']

/**
 * The claims validator of one JWT kind: the software statement (RFC 7591 §2.3). The signature is verified before. Returns
 * what it says of the software. `audiences`: who we are, if it names somebody; `now` in seconds.
 *
 * Throws {@link Refusal} `type`, `key`, `claims`, `issuer`, `audience`, `expired`, `not_yet`.
 */
export function parseSoftwareStatement(
  header: Readonly<Record<string, unknown>>,
  payload: unknown,
  expected: { readonly issuer: string; readonly audiences: readonly string[]; readonly now: number },
): Readonly<Record<string, unknown>> {
  const { typ } = header
  if (typ !== undefined && (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT'))
    throw new Refusal('type', 'typ is absent or JWT')
  if (OWN_KEYS.some((name) => header[name] !== undefined)) throw new Refusal('key', 'it brings its own key')
  const parsed = claimsSchema.safeParse(payload)
  if (!parsed.success) throw new Refusal('claims', z.prettifyError(parsed.error))
  const { iss, aud, iat, nbf, exp } = parsed.data
  if (iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (aud !== undefined && !expected.audiences.some((one) => [aud].flat().includes(one)))
    throw new Refusal('audience', 'for another authorization server')
  if (exp !== undefined && exp + CLOCK_SKEW_SECONDS <= expected.now)
    throw new Refusal('expired', 'the statement has expired')
  if (Math.max(nbf ?? 0, iat ?? 0) > expected.now + CLOCK_SKEW_SECONDS)
    throw new Refusal('not_yet', 'the statement is not valid yet')
  return Object.fromEntries(Object.entries(parsed.data).filter(([name]) => !OF_THE_STATEMENT.has(name)))
}
