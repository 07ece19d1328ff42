import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { JWT_GRANT_SECONDS_MAX } from './names.ts'
import { Refusal } from './refusal.ts'
import { parseScope, type Scopes } from './scopes.ts'
import { checkShortLived } from './times.ts'

const claimsSchema = z.looseObject({
  iss: text,
  sub: text,
  aud: soleAudience,
  jti: text,
  exp: seconds,
  nbf: seconds.optional(),
  iat: seconds.optional(),
  scope: z.string().max(4096).optional(),
  client_id: absent,
  azp: absent,
  nonce: absent,
  at_hash: absent,
  events: absent,
})

/** What another authorization server says of a user, for one use until it expires (seconds). */
export interface JwtGrant {
  readonly issuer: string
  readonly subject: string
  readonly jti: string
  readonly expiresAt: number
  /** Undefined where the grant names none: then our own policy alone says which. */
  readonly scopes: Scopes | undefined
}

/**
 * The claims validator of one JWT kind: the authorization grant of another domain's authorization server (RFC 7523 §3,
 * draft-ietf-oauth-identity-chaining §2.4). The signature is verified before, replay is checked after. `audiences`: the
 * names we go by, one of which must be the sole audience. No chain is read out of it.
 *
 * Throws {@link Refusal} `type`, `claims` (the marks of an access token, an ID token, an event), `issuer`, `audience`, `subject` (an issuer that speaks of itself: a client
 * assertion), `expired`, `not_yet`.
 */
export function parseJwtGrant(
  typ: unknown,
  payload: unknown,
  expected: { readonly issuer: string; readonly audiences: readonly string[]; readonly now: number },
): JwtGrant {
  if (typ !== undefined && !isJwtType(typ, 'JWT')) throw new Refusal('type', 'typ is absent or JWT')
  const claims = parseClaims(claimsSchema, payload)
  if (claims.iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (!expected.audiences.includes(claims.aud))
    throw new Refusal('audience', 'for another authorization server')
  if (claims.sub === claims.iss) throw new Refusal('subject', 'the issuer speaks of itself')
  checkShortLived(claims, JWT_GRANT_SECONDS_MAX, expected.now)
  return {
    issuer: claims.iss,
    subject: claims.sub,
    jti: claims.jti,
    expiresAt: claims.exp,
    scopes: claims.scope === undefined ? undefined : parseScope(claims.scope),
  }
}
