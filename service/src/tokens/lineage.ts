import {
  ACCESS_TOKEN_SECONDS,
  type Act,
  type Actor,
  ACTORS_MAX,
  appendActor,
  type Chain,
  type Delegation,
  formatAct,
  formatScope,
  type Lineage,
  Refusal,
  sameActor,
  type Scopes,
  type SubjectId,
  TRANSACTION_TOKEN_SECONDS,
  trustDomainOf,
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
 * Throws Refusal `depth` when the parent may not be exchanged further, `loop` when the actor acted before, `subject` when
 * it is the user.
 */
export function nextLineage(parent: Lineage, step: Step): MintedClaims {
  const { gid, hop, rem, anc } = parent.delegation
  if (rem < 1) throw new Refusal('depth', 'the chain may not grow further')
  if (sameActor(step.actor, { iss: parent.issuer, sub: parent.subject })) {
    throw new Refusal('subject', 'the user appears as an actor')
  }
  const chain = appendActor(parent.chain, step.actor)
  return {
    iss: parent.issuer,
    aud: step.audience,
    sub: parent.subject,
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

/** All claims of a transaction token (draft-ietf-oauth-transaction-tokens §8). `aud` is the trust domain. */
export interface TransactionClaims extends LineageClaims {
  readonly iss: string
  readonly aud: string
  readonly sub: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly scope: string
  /** Who asked for it. */
  readonly req_wl: string
  readonly dlg: Delegation & { readonly to: string }
}

/**
 * The transaction token of a hop: what its access token says of user, chain and scopes, for `to` alone to exchange. Issued
 * beside that access token it names it as what it came from and ends with it; `alone`, where the hop's credential is not
 * ours, it comes from what the access token would have come from.
 */
export function transactionClaims(
  { client_id, jti, dlg, ...hop }: MintedClaims,
  { to, alone }: { readonly to: string; readonly alone: boolean },
): TransactionClaims {
  const { iss, sub, iat, exp, scope, auth_time, acr, sid, sub_id, txn, act } = hop
  const { gid, rem, anc } = dlg
  return {
    iss,
    aud: trustDomainOf(iss),
    sub,
    jti: randomId(),
    iat,
    exp: Math.min(iat + TRANSACTION_TOKEN_SECONDS, exp),
    scope,
    req_wl: client_id,
    auth_time,
    acr,
    sid,
    sub_id,
    txn,
    act,
    dlg: { gid, hop: dlg.hop, rem, anc: alone ? anc : [...anc, jti], to },
  }
}
