import {
  type AccessToken,
  type Actor,
  backThroughCalls,
  formatScope,
  isScopeToken,
  Refusal,
  sameActor,
  type ScopeEdges,
  type Scopes,
} from '@tetrapod/protocol'
import type { Api, Apis } from '#apis'
import type { Audit } from '#audit'
import { type Grant, grantedThrough, grantedUntil } from '#grants'
import { asFault } from '#http'
import { type Clock, Fault, nowSeconds, own } from '#kernel'
import type { Decision, Policy } from '#policy'
import type { Server } from '#servers'
import { type MintedClaims, nextLineage } from '#tokens'
import { type AuthorityDeps, liveAuthority, tokenOnRecord } from './authority.ts'
import type { ExchangeRequest } from './exchange-request.ts'
import { fault } from './faults.ts'

/** A token with less life left than this is not worth its exchange. */
const SECONDS_LEFT_MIN = 10

export interface ExchangeDeps extends AuthorityDeps {
  readonly apis: Apis
  readonly policy: Policy
  readonly audit: Audit
  readonly clock: Clock
}

/** `consent_required` names the scope to ask the user for, in the vocabulary of the mount. */
export type ExchangeAnswer =
  | {
      readonly outcome: 'issued'
      readonly token: string
      readonly expiresIn: number
      readonly scopes: Scopes
    }
  | { readonly outcome: 'consent_required'; readonly scopes: Scopes }

/** The one API that a server asks a token for, and the edges that lead there. */
interface Target {
  readonly api: Api
  readonly edges: ScopeEdges
}

/** Who asks, for what, with which verified token. */
interface Presented {
  readonly caller: Server
  readonly target: Target
  readonly subject: AccessToken
}

/** What an exchange is decided on. */
interface Case extends Presented {
  readonly grant: Grant
  readonly decision: Decision
}

/**
 * RFC 8693 for a server that calls an API on its user's behalf: steps 3 to 17 of the exchange, in order; the first
 * failure wins. The client was authenticated before.
 *
 * The new token never reaches further than the user agreed to, than the catalogue's edges, than the token presented
 * or than its end; it names the caller as the one who acts. It is on record before it is signed. Every answer is audited,
 * refusals too, with the rule that refused. Throws the faults of this module, and `audit.unavailable`.
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
    throw error
  }
}

/** Steps 3, 5, 6 and 7. */
async function presentedBy(
  callerKey: string,
  request: ExchangeRequest,
  deps: ExchangeDeps,
): Promise<Presented> {
  const caller = deps.servers.find(callerKey)
  if (caller === undefined) throw fault.client_not_allowed({ detail: callerKey })
  const target = targetOf(caller, request, deps.apis)
  return { caller, target, subject: await verifiedSubject(caller, request.subjectToken, deps) }
}

/** Steps 10 and 12, and the policy's decision. */
async function openCase(presented: Presented, deps: ExchangeDeps): Promise<Case> {
  const { caller, target, subject } = presented
  checkMayAct(caller, subject, deps)
  const authority = await liveAuthority(subject, deps).catch((cause: unknown) => {
    throw subjectRefused(cause)
  })
  const decision = deps.policy.decide(authority.subject, {
    kind: 'api',
    server: caller.key,
    api: target.api.key,
  })
  return { ...presented, grant: authority.grant, decision }
}

async function decided(
  exchanged: Case,
  request: ExchangeRequest,
  deps: ExchangeDeps,
): Promise<ExchangeAnswer> {
  const { target, decision } = exchanged
  const claims = nextClaims(exchanged, deps)
  if (decision.effect === 'deny') throw fault.policy_denied({ detail: decision.rule ?? 'no rule permits it' })
  const available = reachable(exchanged)
  const asked = request.scope === undefined ? available : parsedScope(request.scope, target.api)
  if (asked.size === 0) throw fault.scope_invalid({ detail: 'nothing can be granted' })
  if ([...asked].some((scope) => !available.has(scope))) {
    const missing = backThroughCalls(target.edges, asked)
    if (missing === undefined) throw fault.scope_unreachable({ detail: formatScope(asked) })
    await refusalOnRecord(exchanged.caller.key, exchanged, 'broker.consent_required', deps)
    return { outcome: 'consent_required', scopes: missing }
  }
  const minted: MintedClaims = { ...claims, scope: formatScope(asked) }
  const ref = await deps.audit.exchange({
    ...record(exchanged),
    scopes: [...asked],
    policy: decision,
    issued: minted.jti,
  })
  const token = await deps.tokens.mint(minted).catch((cause: unknown) => {
    // Revoked while the record was written: the record says more than happened.
    const refusal = cause instanceof Refusal ? subjectRefused(cause) : asFault(cause)
    deps.audit.amend(ref, { status: 'failed', reason: reasonOf(refusal) })
    throw refusal
  })
  return { outcome: 'issued', token, expiresIn: minted.exp - minted.iat, scopes: asked }
}

/** Step 5: `audience` and `resource` name exactly one API, and the caller has an edge to it. */
function targetOf(caller: Server, { audience, resource }: ExchangeRequest, apis: Apis): Target {
  const named = new Set([
    ...audience.map((key) => apis.find(key)),
    ...resource.map((identifier) => apis.byResource(identifier)),
  ])
  const [api, ...others] = named
  if (api === undefined || others.length > 0) throw fault.target_unknown({ detail: 'not exactly one API' })
  const edges = own(caller.calls, api.key)
  if (edges === undefined) throw fault.target_unknown({ detail: `${caller.key} has no edge to ${api.key}` })
  return { api, edges }
}

/**
 * Steps 6 and 7: the token holds, and was given to this caller: its audience is the caller's own URL, so that a token
 * taken from another server is of no use.
 */
async function verifiedSubject(
  caller: Server,
  token: string,
  { tokens }: ExchangeDeps,
): Promise<AccessToken> {
  try {
    return await tokens.verify(token, caller.url)
  } catch (cause) {
    throw subjectRefused(cause)
  }
}

/** Step 10: `may_act`, where the token has one, names the caller, by its client id too if it says one. */
function checkMayAct(caller: Server, { mayAct }: AccessToken, { tokens }: ExchangeDeps): void {
  if (mayAct === undefined) return
  const { client_id = caller.key } = mayAct
  if (!sameActor(mayAct, callerActor(tokens.issuer, caller)) || client_id !== caller.key)
    throw fault.subject_token_refused({ detail: 'may_act' })
}

/** Steps 11 and 14: the chain with the caller in front, and the end. The scope is filled in once it is decided. */
function nextClaims({ caller, target, subject, grant }: Case, { tokens, clock }: ExchangeDeps): MintedClaims {
  const now = nowSeconds(clock)
  try {
    const claims = nextLineage(subject, {
      actor: callerActor(tokens.issuer, caller),
      clientId: caller.key,
      audience: target.api.resource,
      scopes: new Set(),
      now,
      grantEndsAt: Math.floor(grantedUntil(grant, caller.key) / 1000),
    })
    if (claims.exp - now < SECONDS_LEFT_MIN) throw new Refusal('expired', 'too little life is left')
    return claims
  } catch (cause) {
    throw subjectRefused(cause)
  }
}

/** Step 13: through the edges that the catalogue has and the consent showed, from what the presented token holds. */
function reachable({ caller, target, subject, grant }: Case): Scopes {
  const held = new Set(own(grant.mounts, caller.key)?.scopes)
  const scopes = new Set([...subject.scopes].filter((scope) => held.has(scope)))
  return grantedThrough(grant, { server: caller.key, api: target.api.key, edges: target.edges, scopes })
}

/** Every scope asked for is one of the target's own. */
function parsedScope(scope: string, api: Api): Scopes {
  const asked = new Set(scope.split(' '))
  const known = [...asked].every((token) => isScopeToken(token) && Object.hasOwn(api.scopes, token))
  if (!known) throw fault.scope_invalid({ detail: 'unknown scope' })
  return asked
}

function callerActor(issuer: string, caller: Server): Actor {
  return { iss: issuer, sub: caller.key }
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

function record({ caller, target, subject }: Presented) {
  return {
    ...tokenOnRecord(subject),
    client: caller.key,
    server: caller.key,
    api: target.api.key,
    audience: target.api.resource,
  }
}
