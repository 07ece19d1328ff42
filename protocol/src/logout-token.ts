import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { LOGOUT_TOKEN_SECONDS_MAX, TYP_LOGOUT } from './names.ts'
import { Refusal } from './refusal.ts'
import { checkShortLived } from './times.ts'

/** OpenID Connect Back-Channel Logout 1.0 §2.4. */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

const claimsSchema = z.looseObject({
  iss: text,
  aud: soleAudience,
  iat: seconds,
  exp: seconds,
  nbf: seconds.optional(),
  jti: text,
  events: z.looseObject({ [LOGOUT_EVENT]: z.looseObject({}) }),
  sub: text.optional(),
  sid: text.optional(),
  nonce: absent,
})

/** Which session ended, or all sessions of whom. At least one of the two is there. */
export interface LogoutToken {
  readonly issuer: string
  readonly subject: string | undefined
  readonly sessionId: string | undefined
  /** Counts once until then (seconds). */
  readonly jti: string
  readonly expiresAt: number
}

/**
 * The claims validator of one JWT kind: the logout token (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6). The
 * signature is verified before, replay is checked after. With a `nonce` it could pass for an ID token.
 *
 * Throws {@link Refusal} `type`, `claims`, `issuer`, `audience`, `expired`, `not_yet`, `subject` (nobody is named).
 */
export function parseLogoutToken(
  typ: unknown,
  payload: unknown,
  expected: { readonly issuer: string; readonly clientId: string; readonly now: number },
): LogoutToken {
  if (!isJwtType(typ, TYP_LOGOUT)) throw new Refusal('type', `typ must be ${TYP_LOGOUT}`)
  const claims = parseClaims(claimsSchema, payload)
  if (claims.iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (claims.aud !== expected.clientId) throw new Refusal('audience', 'for another client')
  checkShortLived(claims, LOGOUT_TOKEN_SECONDS_MAX, expected.now)
  const { iss, sub, sid, jti, exp } = claims
  if (sub === undefined && sid === undefined)
    throw new Refusal('subject', 'it names neither user nor session')
  return { issuer: iss, subject: sub, sessionId: sid, jti, expiresAt: exp }
}
