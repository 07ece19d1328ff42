import { z } from 'zod'
import { absent, parseClaims, seconds, soleAudience, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { INTROSPECTION_SECONDS, TYP_INTROSPECTION } from './names.ts'
import { Refusal } from './refusal.ts'
import { checkTimes } from './times.ts'

const claimsSchema = z.looseObject({
  iss: text,
  aud: soleAudience,
  iat: seconds,
  token_introspection: z.looseObject({ active: z.boolean() }),
  sub: absent,
  exp: absent,
})

/** What an authorization server says of a token (RFC 7662 §2.2). */
export interface IntrospectionResponse {
  readonly active: boolean
  /** All members of the answer; nothing but `active` counts where that is false. */
  readonly members: Readonly<Record<string, unknown>>
}

/**
 * The claims validator of one JWT kind: the introspection response (RFC 9701 §5). The signature is verified before. It is
 * an answer of now to us alone: another resource's, or an old one, says nothing; and with `sub` or `exp` beside the answer
 * it could pass for a token (RFC 9701 §8.1).
 *
 * Throws {@link Refusal} `type`, `claims`, `issuer`, `audience`, `expired`, `not_yet`.
 */
export function parseIntrospectionResponse(
  typ: unknown,
  payload: unknown,
  expected: { readonly issuer: string; readonly audience: string; readonly now: number },
): IntrospectionResponse {
  if (!isJwtType(typ, TYP_INTROSPECTION)) throw new Refusal('type', `typ must be ${TYP_INTROSPECTION}`)
  const { iss, aud, iat, token_introspection: members } = parseClaims(claimsSchema, payload)
  if (iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (aud !== expected.audience) throw new Refusal('audience', 'an answer to another resource')
  checkTimes({ iat, exp: iat + INTROSPECTION_SECONDS }, expected.now)
  return { active: members.active, members: members.active ? members : { active: false } }
}
