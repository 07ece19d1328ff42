import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { ASSERTION_SECONDS_MAX, TYP_REQUEST_OBJECT } from './names.ts'
import { Refusal } from './refusal.ts'
import { checkShortLived } from './times.ts'

const claimsSchema = z.looseObject({
  iss: text,
  aud: soleAudience,
  exp: seconds,
  iat: seconds.optional(),
  nbf: seconds.optional(),
  client_id: text,
  request: absent,
  request_uri: absent,
  sub: absent,
})

/** What is said of the object, not of the request. */
const OF_THE_OBJECT = new Set(['iss', 'aud', 'exp', 'iat', 'nbf', 'jti'])

/** An authorization request that its client signed. */
export interface RequestObject {
  readonly clientId: string
  /** Every parameter of the request, and no other counts (RFC 9101 §5, §6.3). */
  readonly parameters: Readonly<Record<string, unknown>>
}

/**
 * The claims validator of one JWT kind: the request object (RFC 9101 §4). The signature is verified before. It holds no
 * other request object, and no `sub`, with which it could pass for a client assertion (RFC 9101 §10.8).
 *
 * Throws {@link Refusal} `type`, `claims`, `issuer` (`iss` and `client_id` must both be the client), `audience`,
 * `expired`, `not_yet`.
 */
export function parseRequestObject(
  typ: unknown,
  payload: unknown,
  expected: { readonly issuer: string; readonly clientId: string; readonly now: number },
): RequestObject {
  if (!isJwtType(typ, TYP_REQUEST_OBJECT)) throw new Refusal('type', `typ must be ${TYP_REQUEST_OBJECT}`)
  const claims = parseClaims(claimsSchema, payload)
  if (claims.iss !== expected.clientId || claims.client_id !== expected.clientId)
    throw new Refusal('issuer', 'iss and client_id must both be the client')
  if (claims.aud !== expected.issuer) throw new Refusal('audience', 'for another authorization server')
  checkShortLived(claims, ASSERTION_SECONDS_MAX, expected.now)
  const parameters = Object.entries(claims).filter(([name]) => !OF_THE_OBJECT.has(name))
  return { clientId: claims.client_id, parameters: Object.fromEntries(parameters) }
}
