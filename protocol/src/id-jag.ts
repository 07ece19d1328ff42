import { z } from 'zod'
import { parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { JWT_GRANT_SECONDS_MAX, TYP_ID_JAG } from './names.ts'
import { Refusal } from './refusal.ts'
import { parseScope, type Scopes } from './scopes.ts'
import { checkShortLived } from './times.ts'

const claimsSchema = z.looseObject({
  iss: text,
  sub: text,
  aud: soleAudience,
  client_id: text,
  jti: text,
  iat: seconds,
  exp: seconds,
  nbf: seconds.optional(),
  scope: z.string().max(4096).optional(),
  resource: text.optional(),
  tenant: text.optional(),
  auth_time: seconds.optional(),
  acr: text.optional(),
  cnf: z.unknown().optional(),
})
const confirmation = z.strictObject({ jkt: text })

/** What an identity provider lets one client ask for a user, until it expires (seconds). */
export interface IdJag {
  readonly issuer: string
  /** Of several tenants of one issuer, whose user `subject` is. */
  readonly tenant: string | undefined
  readonly subject: string
  readonly jti: string
  readonly expiresAt: number
  readonly scopes: Scopes | undefined
  readonly resource: string | undefined
  readonly authTime: number | undefined
  readonly acr: string | undefined
  /** The thumbprint of the key whose proof must come along (RFC 9449 §6.1). */
  readonly keyThumbprint: string | undefined
}

/**
 * The claims validator of one JWT kind: the identity assertion authorization grant
 * (draft-ietf-oauth-identity-assertion-authz-grant §3.1, §4.4.1). The signature is verified before; the proof of the key
 * that it is bound to and its use are checked after. An `act` in it is not read: the draft gives it no meaning.
 *
 * Throws {@link Refusal} `type`, `claims`, `issuer` (ours among them: nobody takes back an ID-JAG of their own),
 * `audience`, `agent` (given to another client), `binding` (bound in a way we cannot check), `expired`, `not_yet`.
 */
export function parseIdJag(
  typ: unknown,
  payload: unknown,
  expected: {
    readonly issuer: string
    /** Our own issuer identifier. */
    readonly audience: string
    /** The authenticated client. */
    readonly clientId: string
    readonly now: number
  },
): IdJag {
  if (!isJwtType(typ, TYP_ID_JAG)) throw new Refusal('type', `typ must be ${TYP_ID_JAG}`)
  const claims = parseClaims(claimsSchema, payload)
  if (claims.iss !== expected.issuer || claims.iss === expected.audience)
    throw new Refusal('issuer', 'issued by somebody else, or by us')
  if (claims.aud !== expected.audience) throw new Refusal('audience', 'for another authorization server')
  if (claims.client_id !== expected.clientId) throw new Refusal('agent', 'given to another client')
  checkShortLived(claims, JWT_GRANT_SECONDS_MAX, expected.now)
  return {
    issuer: claims.iss,
    tenant: claims.tenant,
    subject: claims.sub,
    jti: claims.jti,
    expiresAt: claims.exp,
    scopes: claims.scope === undefined ? undefined : parseScope(claims.scope),
    resource: claims.resource,
    authTime: claims.auth_time,
    acr: claims.acr,
    keyThumbprint: thumbprintOf(claims.cnf),
  }
}

function thumbprintOf(cnf: unknown): string | undefined {
  if (cnf === undefined) return undefined
  const parsed = confirmation.safeParse(cnf)
  if (!parsed.success) throw new Refusal('binding', 'bound to something other than a key thumbprint')
  return parsed.data.jkt
}
