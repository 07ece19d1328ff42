import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { Refusal } from './refusal.ts'
import { checkTimes } from './times.ts'

const claimsSchema = z.looseObject({
  iss: text,
  sub: text,
  aud: soleAudience,
  azp: text.optional(),
  iat: seconds,
  exp: seconds,
  nbf: seconds.optional(),
  nonce: text.optional(),
  auth_time: seconds.optional(),
  acr: text.optional(),
  sid: text.optional(),
  client_id: absent,
  scope: absent,
  scp: absent,
  events: absent,
})

/** Whom an identity provider signed in, and how. Times are seconds since the epoch. */
export interface IdToken {
  readonly issuer: string
  readonly subject: string
  readonly expiresAt: number
  readonly authTime: number | undefined
  readonly acr: string | undefined
  readonly sessionId: string | undefined
}

/**
 * The claims validator of one JWT kind: the ID token that an identity provider gave our client there (OpenID Connect Core
 * 1.0 §2, §3.1.3.7). The signature is verified before. We are its only audience: one for several clients is not proof to
 * us alone. `nonce` is what the authentication request carried; undefined only where there was no such request.
 *
 * Throws {@link Refusal} `type`, `claims` (the marks of an access token, a logout token's events), `issuer`, `audience`,
 * `expired`, `not_yet`, `nonce`.
 */
export function parseIdToken(
  typ: unknown,
  payload: unknown,
  expected: {
    readonly issuer: string
    readonly clientId: string
    readonly nonce: string | undefined
    readonly now: number
  },
): IdToken {
  if (typ !== undefined && !isJwtType(typ, 'JWT')) throw new Refusal('type', 'typ is absent or JWT')
  const claims = parseClaims(claimsSchema, payload)
  if (claims.iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (claims.aud !== expected.clientId) throw new Refusal('audience', 'issued for another client')
  if (claims.azp !== undefined && claims.azp !== expected.clientId)
    throw new Refusal('audience', 'issued to another client')
  checkTimes(claims, expected.now)
  if (expected.nonce !== undefined && claims.nonce !== expected.nonce)
    throw new Refusal('nonce', 'it answers another authentication request')
  return {
    issuer: claims.iss,
    subject: claims.sub,
    expiresAt: claims.exp,
    authTime: claims.auth_time,
    acr: claims.acr,
    sessionId: claims.sid,
  }
}
