import {
  ACCESS_TOKEN_SECONDS,
  type AccessToken,
  type Act,
  type Actor,
  ACTORS_MAX,
  appendActor,
  type Chain,
  type Delegation,
  formatAct,
  formatScope,
  parseAct,
  Refusal,
  sameActor,
  type Scopes,
  type SubjectId,
} from '@tetrapod/protocol'
import { randomId } from '#kernel'

/** The claims that say for whom, by whom and under what a token acts. Written in this file and nowhere else. */
export interface LineageClaims {
  readonly auth_time: number
  readonly acr: string
  readonly sid: string
  readonly sub_id: SubjectId
  readonly txn: string
  readonly act: Act
  readonly dlg: Delegation
}

/** All claims of a token that the broker mints. Times are seconds since the epoch. */
export interface MintedClaims extends LineageClaims {
  readonly iss: string
  readonly aud: string
  readonly sub: string
  readonly client_id: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly scope: string
}

/** One login of an agent under a grant: what a code was given for. */
export interface Login {
  readonly grant: string
  readonly family: string
  readonly session: string
  readonly agent: string
  readonly subjectId: SubjectId
  readonly authTime: number
  readonly acr: string
}

/** The lineage of token 1, the root of a chain: the agent is its only actor. The code flow adds it to what it signs. */
export function rootLineage(issuer: string, login: Login): LineageClaims {
  const chain: Chain = [{ iss: issuer, sub: login.agent }]
  return {
    auth_time: login.authTime,
    acr: login.acr,
    sid: login.session,
    sub_id: login.subjectId,
    txn: randomId(),
    act: formatAct(chain),
    dlg: { gid: login.grant, hop: 1, rem: ACTORS_MAX - 1, anc: [login.family] },
  }
}

/** What a verified token becomes when `actor` acts on it: the next token of the chain. */
export interface Step {
  readonly actor: Actor
  readonly clientId: string
  readonly audience: string
  readonly scopes: Scopes
  /** Seconds since the epoch. */
  readonly now: number
  /** The grant's end, seconds since the epoch. */
  readonly grantEndsAt: number
}

/**
 * The claims of the token after `parent` (RFC 8693 §4.1; DESIGN §1). One actor more, one audience, never longer alive
 * than the parent or the grant; who the user is, how they authenticated and the transaction stay as they were.
 *
 * Throws Refusal `depth` when the parent may not be exchanged further (whose `sub` is not ours never may), `loop` when the
 * actor acted before, `subject` when it is the user.
 */
export function nextLineage(parent: AccessToken, step: Step): MintedClaims {
  const { gid, hop, rem, anc, sub: account } = parent.delegation
  if (rem < 1 || account !== undefined) throw new Refusal('depth', 'the chain may not grow further')
  if (sameActor(step.actor, { iss: parent.issuer, sub: parent.account })) {
    throw new Refusal('subject', 'the user appears as an actor')
  }
  const chain = appendActor(parent.chain, step.actor)
  return {
    iss: parent.issuer,
    aud: step.audience,
    sub: parent.account,
    client_id: step.clientId,
    jti: randomId(),
    iat: step.now,
    exp: Math.min(step.now + ACCESS_TOKEN_SECONDS, parent.expiresAt, step.grantEndsAt),
    scope: formatScope(step.scopes),
    auth_time: parent.authTime,
    acr: parent.acr,
    sid: parent.sessionId,
    sub_id: parent.subjectId,
    txn: parent.transaction,
    act: formatAct(chain),
    dlg: { gid, hop: hop + 1, rem: rem - 1, anc: [...anc, parent.jti] },
  }
}

/**
 * The same token for an API that reads `sub` alone: `sub` is the user's id at the provider that the API goes by, our account
 * id moves to `dlg.sub`, and nobody can exchange the token further. `sub_id` stays: it names an issuer, and that provider
 * is known here by a name of the catalogue alone.
 *
 * Throws Refusal `subject` when somebody of the chain has that id.
 */
export function knownElsewhere(claims: MintedClaims, id: string): MintedClaims {
  if (parseAct(claims.act).some((actor) => sameActor(actor, { iss: claims.iss, sub: id }))) {
    throw new Refusal('subject', 'the user appears as an actor')
  }
  return { ...claims, sub: id, dlg: { ...claims.dlg, rem: 0, sub: claims.sub } }
}
