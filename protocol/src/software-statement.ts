import { z } from 'zod'
import { absent, parseClaims, seconds, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { CLOCK_SKEW_SECONDS } from './names.ts'
import { Refusal } from './refusal.ts'

const claimsSchema = z.looseObject({
  iss: text,
  aud: z.union([z.string(), z.array(z.string()).max(16)]).optional(),
  iat: seconds.optional(),
  nbf: seconds.optional(),
  exp: seconds.optional(),
  nonce: absent,
  events: absent,
})

/** What is said of the statement, not of the software. */
const OF_THE_STATEMENT = new Set(['iss', 'sub', 'aud', 'iat', 'nbf', 'exp', 'jti', 'software_statement'])

/** What an honest statement says at least one of (RFC 7591 §2): a JWT that says none of these is about something else. */
const OF_SOFTWARE = [
  'software_id',
  'software_version',
  'client_name',
  'client_uri',
  'redirect_uris',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'jwks',
  'jwks_uri',
]

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
  if (typ !== undefined && !isJwtType(typ, 'JWT')) throw new Refusal('type', 'typ is absent or JWT')
  if (OWN_KEYS.some((name) => header[name] !== undefined)) throw new Refusal('key', 'it brings its own key')
  const claims = parseClaims(claimsSchema, payload)
  if (!OF_SOFTWARE.some((name) => claims[name] !== undefined))
    throw new Refusal('claims', 'it says nothing of software')
  const { iss, aud, iat, nbf, exp } = claims
  if (iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (aud !== undefined && !expected.audiences.some((one) => [aud].flat().includes(one)))
    throw new Refusal('audience', 'for another authorization server')
  if (exp !== undefined && exp + CLOCK_SKEW_SECONDS <= expected.now)
    throw new Refusal('expired', 'the statement has expired')
  if (Math.max(nbf ?? 0, iat ?? 0) > expected.now + CLOCK_SKEW_SECONDS)
    throw new Refusal('not_yet', 'the statement is not valid yet')
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_THE_STATEMENT.has(name)))
}
