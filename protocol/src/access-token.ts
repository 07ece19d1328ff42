import { z } from 'zod'
import { type Actor, type Chain, parseAct, sameActor } from './chain.ts'
import { absent, seconds, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { TYP_ACCESS_TOKEN } from './names.ts'
import { Refusal } from './refusal.ts'
import { parseScope, type Scopes } from './scopes.ts'
import { checkTimes } from './times.ts'

const subjectId = z.strictObject({ format: z.literal('iss_sub'), iss: text, sub: text })
export const delegation = z.strictObject({
  gid: text,
  hop: z.int().min(1),
  rem: z.int().min(0),
  anc: z.array(text).min(1).max(64),
  res: z.exactOptional(text),
  sub: z.exactOptional(text),
})

/** The claims that every token of a chain has, as they travel. */
export const lineageClaims = {
  iss: text,
  aud: text,
  sub: text,
  jti: text,
  iat: seconds,
  exp: seconds,
  nbf: seconds.optional(),
  scope: z.string().max(4096),
  auth_time: seconds,
  acr: text,
  sid: text,
  sub_id: subjectId,
  txn: text,
  act: z.unknown(),
  cnf: z.unknown().optional(),
  dlg: delegation,
  nonce: absent,
  events: absent,
}

/** The claims of an access token that Tetrapod issues (RFC 9068, RFC 8693 §4), as they travel. */
const claimsSchema = z.looseObject({
  ...lineageClaims,
  client_id: text,
  may_act: z.strictObject({ iss: text, sub: text, client_id: z.exactOptional(text) }).optional(),
})

export type SubjectId = Readonly<z.infer<typeof subjectId>>

/** What ties a token to what it came from. */
export interface Delegation {
  /** The grant: the user's standing permission this token is a short shadow of. */
  readonly gid: string
  /** How many actors have acted. */
  readonly hop: number
  /** How many more may. */
  readonly rem: number
  /** What it came from: the login family first, then the `jti` of every ancestor. */
  readonly anc: readonly string[]
  /** Of a token that an agent handed to a sub-agent: the mount at which its scopes count. It is for nothing else. */
  readonly res?: string
  /**
   * Our account id of the user, where `sub` is their id elsewhere: in a token for an API that reads `sub` alone. Such a
   * token is the last of its chain.
   */
  readonly sub?: string
}

/** What every verified token of a chain says, whatever its kind, in words that code reads. Times are seconds since the epoch. */
export interface Lineage {
  readonly issuer: string
  readonly audience: string
  /** `sub`, as the audience reads it: our account id, or the user's id at the provider that the API goes by. */
  readonly subject: string
  /** Our own opaque account id of the user, whatever `sub` says: what grants, revocations and records go by. */
  readonly account: string
  /** The same person as the identity provider knows them (RFC 9493). */
  readonly subjectId: SubjectId
  readonly jti: string
  /** The `kid` of the key it was signed with. */
  readonly keyId: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly scopes: Scopes
  /** When and how the user authenticated, and in which session. Constant along a chain. */
  readonly authTime: number
  readonly acr: string
  readonly sessionId: string
  /** Names the whole chain of tokens that one login began (RFC 8417 §2.2). */
  readonly transaction: string
  readonly chain: Chain
  readonly delegation: Delegation
}

/** A verified access token. */
export interface AccessToken extends Lineage {
  readonly clientId: string
  /** Who alone may act next (RFC 8693 §4.4). */
  readonly mayAct: Actor | undefined
}

/** The members of a JWS header (RFC 7515 §4.1) whose signature was verified. */
export interface VerifiedHeader {
  readonly typ: unknown
  readonly kid: string
}

/** What the verifier knows beforehand. `now` is in seconds. */
export interface Expected {
  readonly issuer: string
  readonly audience: string
  readonly now: number
}

/**
 * The claims validator of one JWT kind: the access token (RFC 9068 §4, RFC 8693 §4). The signature is verified before.
 *
 * Throws {@link Refusal} with the code of the first rule broken: `type`, `claims`, `issuer`, `audience`, `expired`,
 * `not_yet`, `binding` (a sender-constrained token: nothing here can check its proof yet), `chain`, `depth`, `loop`, `subject`.
 */
export function parseAccessToken(header: VerifiedHeader, payload: unknown, expected: Expected): AccessToken {
  if (!isJwtType(header.typ, TYP_ACCESS_TOKEN)) throw new Refusal('type', `typ must be ${TYP_ACCESS_TOKEN}`)
  const parsed = claimsSchema.safeParse(payload)
  if (!parsed.success) throw new Refusal('claims', z.prettifyError(parsed.error))
  const claims = parsed.data
  const lineage = checkedLineage(header, claims, expected)
  if (claims.dlg.res !== undefined && claims.may_act === undefined) {
    throw new Refusal('claims', 'a token that was handed over names who may act')
  }
  return { ...lineage, clientId: claims.client_id, mayAct: claims.may_act }
}

/** What is asked of every token of a chain, after its kind and the shape of its claims. */
export function checkedLineage(
  { kid: keyId }: VerifiedHeader,
  claims: z.infer<z.ZodObject<typeof lineageClaims>>,
  expected: Expected,
): Lineage {
  if (claims.iss !== expected.issuer) throw new Refusal('issuer', 'issued by somebody else')
  if (claims.aud !== expected.audience) throw new Refusal('audience', 'issued for another audience')
  checkTimes(claims, expected.now)
  if (claims.cnf !== undefined) throw new Refusal('binding', 'the token is bound to a key')
  const chain = parseAct(claims.act)
  const account = claims.dlg.sub ?? claims.sub
  const asUser = [claims.sub, account].map((sub) => ({ iss: claims.iss, sub }))
  if (chain.some((actor) => asUser.some((user) => sameActor(actor, user)))) {
    throw new Refusal('subject', 'the user appears as an actor')
  }
  if (claims.dlg.hop !== chain.length) throw new Refusal('chain', 'hop does not count the actors')
  return {
    issuer: claims.iss,
    audience: claims.aud,
    subject: claims.sub,
    account,
    subjectId: claims.sub_id,
    jti: claims.jti,
    keyId,
    issuedAt: claims.iat,
    expiresAt: claims.exp,
    scopes: parseScope(claims.scope),
    authTime: claims.auth_time,
    acr: claims.acr,
    sessionId: claims.sid,
    transaction: claims.txn,
    chain,
    delegation: claims.dlg,
  }
}
