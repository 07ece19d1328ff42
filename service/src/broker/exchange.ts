import { formatScope, Refusal, type Scopes } from '@tetrapod/protocol'
import type { Agents } from '#agents'
import type { Apis } from '#apis'
import type { Audit } from '#audit'
import { grantedUntil } from '#grants'
import { asFault } from '#http'
import { type Clock, Fault, nowSeconds } from '#kernel'
import type { Policy, PolicySubject, PolicyTarget } from '#policy'
import { extended, handedLineage, type MintedClaims, nextLineage } from '#tokens'
import { asAsked, hindranceAt, SECONDS_LEFT_MIN } from './api-terms.ts'
import { type AuthorityDeps, liveAuthority, tokenOnRecord } from './authority.ts'
import { type Caller, callerActor, callerOf } from './callers.ts'
import { type Case, nextKey, type Presented } from './exchange-case.ts'
import type { ExchangeRequest } from './exchange-request.ts'
import { missingConsent, requestedScopes } from './exchange-scopes.ts'
import { fault } from './faults.ts'
import { type ExchangeAnswer, failureOf, type Hindrance } from './outcome.ts'
import { checkMayAct, type Subject, verifiedSubject } from './subjects.ts'
import { type Target, targetOf } from './targets.ts'
import { type MintedTransaction, transactionFor } from './transaction-token.ts'

export interface ExchangeDeps extends AuthorityDeps {
  readonly agents: Pick<Agents, 'standing' | 'exchanges' | 'delegatesOf'>
  readonly apis: Apis
  readonly policy: Policy
  readonly audit: Audit
  readonly clock: Clock
  /** The address of the page where a user sees whether they are linked at a provider. */
  readonly connectUrl: (provider: string) => string
}

/**
 * RFC 8693, for a server that calls an API on its user's behalf, an agent that hands a part of what it holds to a sub-agent,
 * and that sub-agent: steps 3 to 17 of the exchange, in order; the first failure wins. The client was authenticated before.
 *
 * The new token never reaches further than the user agreed to, than the catalogue's edges, than the token presented
 * or than its end; it names the caller as the one who acts. It is on record before it is signed. Every answer is audited,
 * refusals too, with the rule that refused. Throws what is wrong with the request, by the faults of this module.
 */
export async function exchange(
  callerKey: string,
  request: ExchangeRequest,
  deps: ExchangeDeps,
): Promise<ExchangeAnswer> {
  let reached: (Presented & Partial<Case>) | undefined
  try {
    const presented = await presentedBy(callerKey, request, deps)
    reached = presented
    const opened = await openCase(presented, deps)
    reached = opened
    return await decided(opened, request, deps)
  } catch (error) {
    if (error instanceof Fault && error.code.startsWith('broker.')) {
      await refusalOnRecord(callerKey, reached, reasonOf(error), deps)
    }
    if (reached === undefined) throw error
    return failureOf(error)
  }
}

/** Steps 3, 5, 6 and 7. */
async function presentedBy(
  callerKey: string,
  request: ExchangeRequest,
  deps: ExchangeDeps,
): Promise<Presented> {
  const caller = callerOf(callerKey, deps)
  const target = targetOf(caller, request, deps)
  const { token, server } = await subjectOf(caller, target, request, deps)
  return { caller, target, subject: token, server }
}

async function subjectOf(
  caller: Caller,
  target: Target,
  request: ExchangeRequest,
  deps: ExchangeDeps,
): Promise<Subject> {
  try {
    return await verifiedSubject(caller, target, request, deps)
  } catch (cause) {
    throw subjectRefused(cause)
  }
}

/** Steps 10 to 12, and the policy's decision. */
async function openCase(presented: Presented, deps: ExchangeDeps): Promise<Case> {
  const { caller, subject } = presented
  try {
    checkMayAct(caller, subject, deps.tokens.issuer)
    extended(subject, { iss: deps.tokens.issuer, sub: nextKey(presented) })
    const authority = await liveAuthority(subject, deps)
    await checkTakesPart(presented, deps)
    const decision = deps.policy.decide(...asked(presented, authority.subject))
    return { ...presented, grant: authority.grant, user: authority.user, decision }
  } catch (cause) {
    throw subjectRefused(cause)
  }
}

/** Whoever is handed to is no actor yet: that an operator stopped it is asked here. Throws Refusal. */
async function checkTakesPart({ target }: Presented, { agents }: ExchangeDeps): Promise<void> {
  if (target.kind !== 'delegate') return
  if ((await agents.standing(target.agent))?.disabled !== false)
    throw new Refusal('actor', `${target.agent} takes no part any more`)
}

/** What the policy is asked: of the chain as it will be, so that what a sub-agent may not do is not handed to it either. */
function asked(presented: Presented, subject: PolicySubject): readonly [PolicySubject, PolicyTarget] {
  const { target, server } = presented
  if (target.kind === 'api') return [subject, { kind: 'api', server: server.key, api: target.api.key }]
  return [
    { ...subject, agents: [nextKey(presented), ...subject.agents] },
    { kind: 'server', server: server.key },
  ]
}

async function decided(
  exchanged: Case,
  request: ExchangeRequest,
  deps: ExchangeDeps,
): Promise<ExchangeAnswer> {
  const claims = nextClaims(exchanged, deps)
  const { decision } = exchanged
  if (decision.effect === 'deny') throw fault.policy_denied({ detail: decision.rule ?? 'no rule permits it' })
  const scopes = requestedScopes(exchanged, request)
  const hindrance = hindranceTo(exchanged, scopes, deps)
  if (hindrance !== undefined) {
    await refusalOnRecord(exchanged.caller.key, exchanged, `broker.${hindrance.outcome}`, deps)
    return hindrance
  }
  return issue(exchanged, forTarget({ ...claims, scope: formatScope(scopes) }, exchanged), scopes, deps)
}

/** What the user has to do first: agree, then whatever the API asks of them. */
function hindranceTo(
  exchanged: Case,
  scopes: Scopes,
  { clock, connectUrl }: ExchangeDeps,
): Hindrance | undefined {
  const missing = missingConsent(exchanged, scopes)
  if (missing !== undefined) return { outcome: 'consent_required', scopes: missing }
  const { target, subject, user } = exchanged
  if (target.kind !== 'api') return undefined
  return hindranceAt({ api: target.api, subject, user }, { now: nowSeconds(clock), connectUrl })
}

function forTarget(claims: MintedClaims, { target, subject, user }: Case): MintedClaims {
  return target.kind === 'api' ? asAsked(claims, { api: target.api, subject, user }) : claims
}

/** Step 17: on record, then signed. */
async function issue(
  exchanged: Case,
  minted: MintedClaims,
  scopes: Scopes,
  deps: ExchangeDeps,
): Promise<ExchangeAnswer> {
  const ref = await deps.audit.exchange({
    ...record(exchanged),
    scopes: [...scopes],
    policy: exchanged.decision,
    issued: minted.jti,
  })
  const signed = Promise.all([deps.tokens.mint(minted), transactionOf(exchanged, minted, deps)])
  const [token, transaction] = await signed.catch((cause: unknown) => {
    // Revoked while the record was written: the record says more than happened.
    const refusal = cause instanceof Refusal ? subjectRefused(cause) : asFault(cause)
    deps.audit.amend(ref, { status: 'failed', reason: reasonOf(refusal) })
    throw refusal
  })
  const expiresIn = minted.exp - minted.iat
  return { outcome: 'issued', token, transactionToken: transaction?.token, expiresIn, scopes }
}

/** An internal API is told the chain beside its token. */
async function transactionOf(
  { target }: Case,
  minted: MintedClaims,
  { tokens }: ExchangeDeps,
): Promise<MintedTransaction | undefined> {
  return target.kind === 'api' ? transactionFor(target.api, minted, { tokens, alone: false }) : undefined
}

/** The chain, and step 14, the end. The scope is filled in once it is decided. */
function nextClaims(
  { caller, target, subject, server, grant }: Case,
  { tokens, clock }: ExchangeDeps,
): MintedClaims {
  const now = nowSeconds(clock)
  const grantEndsAt = Math.floor(grantedUntil(grant, server.key) / 1000)
  const step = { scopes: new Set<string>(), now, grantEndsAt }
  try {
    const claims =
      target.kind === 'delegate'
        ? handedLineage(subject, { ...step, from: caller.key, to: target.agent })
        : nextLineage(subject, {
            ...step,
            actor: callerActor(tokens.issuer, caller),
            clientId: caller.key,
            audience: target.kind === 'api' ? target.api.resource : target.server.mount,
          })
    if (claims.exp - now < SECONDS_LEFT_MIN) throw new Refusal('expired', 'too little life is left')
    return claims
  } catch (cause) {
    throw subjectRefused(cause)
  }
}

/** The detail is the rule that refused: one word, which only the record and the log get to see. */
function subjectRefused(cause: unknown): Fault {
  if (cause instanceof Refusal) return fault.subject_token_refused({ detail: cause.code, cause })
  throw cause
}

function reasonOf({ code, detail }: Fault): string {
  const byRule = code === 'broker.subject_token_refused' && detail !== undefined
  return byRule ? `${code}.${detail}` : code
}

/** A token that was not verified, or not looked at, tells nothing of a user: then the record is of the client alone. */
async function refusalOnRecord(
  client: string,
  reached: (Presented & Partial<Case>) | undefined,
  reason: string,
  { audit }: ExchangeDeps,
): Promise<void> {
  if (reached === undefined) {
    await audit.event({ kind: 'exchange_refused', client, reason })
    return
  }
  const rule = reached.decision?.effect === 'deny' ? reached.decision.rule : undefined
  await audit.exchange({ ...record(reached), scopes: [], policy: { effect: 'deny', rule }, reason })
}

function record({ caller, target, subject, server }: Presented) {
  return {
    ...tokenOnRecord(subject),
    client: caller.key,
    server: server.key,
    ...addressee(target),
  }
}

function addressee(target: Target) {
  if (target.kind === 'api') return { api: target.api.key, audience: target.api.resource }
  return target.kind === 'delegate'
    ? { delegate: target.agent, audience: target.agent }
    : { audience: target.server.mount }
}
