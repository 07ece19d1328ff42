import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { AUTHORIZATION_RESPONSE_SECONDS_MAX } from './names.ts'
import { Refusal } from './refusal.ts'
import { checkShortLived } from './times.ts'

const claimsSchema = z.looseObject({
  iss: text,
  aud: soleAudience,
  exp: seconds,
  iat: seconds.optional(),
  nbf: seconds.optional(),
  state: text,
  code: z.string().min(1).max(4096).optional(),
  error: text.optional(),
  sub: absent,
  nonce: absent,
  events: absent,
})

/** What an authorization server answered our client: a code, or why there is none. */
export type AuthorizationResponse = { readonly code: string } | { readonly error: string }

/**
 * The claims validator of one JWT kind: the authorization response (JARM §2.1, §2.4). The signature is verified before,
 * with a key of the authorization server that this `state` was handed out for.
 *
 * Throws {@link Refusal} `type`, `claims` (neither a code nor an error, or both), `issuer`, `audience`, `expired`,
 * `not_yet`, `nonce` (the state of another request).
 */
export function parseAuthorizationResponse(
  typ: unknown,
  payload: unknown,
  expected: {
    readonly issuer: string
    readonly clientId: string
    readonly state: string
    readonly now: number
  },
): AuthorizationResponse {
  if (typ !== undefined && !isJwtType(typ, 'JWT')) throw new Refusal('type', 'typ is absent or JWT')
  const claims = parseClaims(claimsSchema, payload)
  if (claims.iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (claims.aud !== expected.clientId) throw new Refusal('audience', 'for another client')
  checkShortLived(claims, AUTHORIZATION_RESPONSE_SECONDS_MAX, expected.now)
  if (claims.state !== expected.state) throw new Refusal('nonce', 'it answers another request')
  const { code, error } = claims
  if (code !== undefined && error === undefined) return { code }
  if (error !== undefined && code === undefined) return { error }
  throw new Refusal('claims', 'it must hold a code or an error')
}
