import {
  ACCESS_TOKEN_SECONDS,
  type AccessToken,
  type Act,
  type Actor,
  type ActorId,
  ACTORS_MAX,
  appendActor,
  type Chain,
  type Delegation,
  formatAct,
  formatScope,
  type Lineage,
  parseAct,
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
  readonly may_act?: ActorId
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

/** A verified token of a chain; an access token may say who alone may act on it. */
export type Parent = Lineage & { readonly mayAct?: AccessToken['mayAct'] }

/**
 * The claims of the token after `parent` (RFC 8693 §4.1; DESIGN §1). One actor more, one audience, never longer alive
 * than the parent or the grant; who the user is, how they authenticated and the transaction stay as they were.
 *
 * Throws as {@link extended}.
 */
export function nextLineage(parent: Parent, step: Step): MintedClaims {
  const { gid, hop, rem } = parent.delegation
  const act = formatAct(extended(parent, step.actor))
  return { ...descended(parent, step), act, dlg: { gid, hop: hop + 1, rem: rem - 1, anc: ancestry(parent) } }
}

/** A part of what an agent holds, handed to another one. */
export interface Handover extends Pick<Step, 'scopes' | 'now' | 'grantEndsAt'> {
  /** Who hands over, and to which sub-agent: client ids. */
  readonly from: string
  readonly to: string
}

/**
 * The claims of the token that an agent hands to a sub-agent (DESIGN §1): for that one alone, who alone may act on it, at the
 * resource of `parent` alone. Nobody has acted yet, so the chain is the parent's.
 *
 * Throws as {@link extended}: what the sub-agent would be refused is refused while somebody can do something about it.
 */
export function handedLineage(parent: Parent, { from, to, ...step }: Handover): MintedClaims {
  const { gid, hop, rem } = parent.delegation
  const actor = { iss: parent.issuer, sub: to }
  extended(parent, actor)
  return {
    ...descended(parent, { ...step, clientId: from, audience: to }),
    act: formatAct(parent.chain),
    may_act: actor,
    dlg: { gid, hop, rem, anc: ancestry(parent), res: parent.audience },
  }
}

/**
 * The chain once `actor` acted on the token. Throws Refusal `may_act` when the token names somebody else who alone may (RFC
 * 8693 §4.4), `depth` when it may not grow further (that of a token whose `sub` is an id elsewhere never may), `loop` when the
 * actor acted before, `subject` when it is the user.
 */
export function extended(parent: Parent, actor: Actor): Chain {
  if (!mayAct(parent, actor)) throw new Refusal('may_act', 'another party may act')
  const { rem, sub: account } = parent.delegation
  if (rem < 1 || account !== undefined) throw new Refusal('depth', 'the chain may not grow further')
  if (sameActor(actor, { iss: parent.issuer, sub: parent.account }))
    throw new Refusal('subject', 'the user appears as an actor')
  return appendActor(parent.chain, actor)
}

function mayAct({ mayAct: named }: Parent, actor: Actor): boolean {
  if (named === undefined) return true
  const client = actor.client_id ?? actor.sub
  return sameActor(named, actor) && (named.client_id ?? client) === client
}

function ancestry({ delegation, jti }: Lineage): Delegation['anc'] {
  return [...delegation.anc, jti]
}

/** What does not depend on who acts. */
function descended(
  parent: Lineage,
  step: Pick<Step, 'audience' | 'clientId' | 'scopes' | 'now' | 'grantEndsAt'>,
): Omit<MintedClaims, 'act' | 'dlg'> {
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
 * ours, it comes from what the access token would have come from. Inside the trust domain `sub` is always our account id.
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
    sub: dlg.sub ?? sub,
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
