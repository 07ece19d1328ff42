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
import type { Agents } from '#agents'
import type { Api, Apis } from '#apis'
import type { Audit } from '#audit'
import { type Grant, grantedThrough, type Grants } from '#grants'
import { type Clock, Fault, nowSeconds } from '#kernel'
import type { Decision, Policy } from '#policy'
import type { Server, Servers } from '#servers'
import { type MintedClaims, nextLineage, type Tokens } from '#tokens'
import type { User, Users } from '#users'
import type { ExchangeRequest } from './exchange-request.ts'
import { fault } from './faults.ts'
import { participants, policySubject } from './participants.ts'

/** A token with less life left than this is not worth its exchange. */
const SECONDS_LEFT_MIN = 10

export interface ExchangeDeps {
  readonly tokens: Tokens
  readonly agents: Agents
  readonly servers: Servers
  readonly apis: Apis
  readonly users: Users
  readonly grants: Grants
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

/** What an exchange is decided on, once the presented token was verified. */
interface Case {
  readonly caller: Server
  readonly target: Target
  readonly subject: AccessToken
  readonly grant: Grant
  readonly user: User
  readonly decision: Decision
}

/**
 * RFC 8693 for a server that calls an API on its user's behalf: steps 3 to 17 of the exchange, in order; the first
 * failure wins. The client was authenticated before.
 *
 * The new token never reaches further than the user agreed to, than the catalogue's edges, than the token presented
 * or than its end; it names the caller as the one who acts. It is on record before it is signed. Every answer about a
 * token that was verified is audited, refusals too. Throws the faults of this module, and `audit.unavailable`.
 */
export async function exchange(
  callerKey: string,
  request: ExchangeRequest,
  deps: ExchangeDeps,
): Promise<ExchangeAnswer> {
  const caller = deps.servers.find(callerKey)
  if (caller === undefined) throw fault.client_not_allowed({ detail: callerKey })
  const target = targetOf(caller, request, deps.apis)
  const subject = await verifiedSubject(caller, request.subjectToken, deps)
  const { grant, user } = await liveAuthority(subject, deps)
  const decision = deps.policy.decide(policySubject(user, subject.chain, deps), {
    kind: 'api',
    server: caller.key,
    api: target.api.key,
  })
  const exchanged: Case = { caller, target, subject, grant, user, decision }
  try {
    return await decided(exchanged, request, deps)
  } catch (error) {
    if (error instanceof Fault && error.code.startsWith('broker.'))
      await refusalOnRecord(exchanged, error.code, deps)
    throw error
  }
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
    await refusalOnRecord(exchanged, 'broker.consent_required', deps)
    return { outcome: 'consent_required', scopes: missing }
  }
  const minted: MintedClaims = { ...claims, scope: formatScope(asked) }
  await deps.audit.exchange(record(exchanged, { scopes: [...asked], issued: minted.jti }))
  const token = await deps.tokens.mint(minted)
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
  const edges = Object.hasOwn(caller.calls, api.key) ? caller.calls[api.key] : undefined
  if (edges === undefined) throw fault.target_unknown({ detail: `${caller.key} has no edge to ${api.key}` })
  return { api, edges }
}

/**
 * Steps 6, 7 and 10: the token holds, was given to this caller (its audience is the caller's own URL: a token taken from
 * another server is of no use), and its `may_act`, if it has one, names the caller.
 */
async function verifiedSubject(
  caller: Server,
  token: string,
  { tokens, clock }: ExchangeDeps,
): Promise<AccessToken> {
  try {
    const subject = await tokens.verify(token, caller.url)
    if (subject.mayAct !== undefined && !sameActor(subject.mayAct, callerActor(tokens.issuer, caller))) {
      throw new Refusal('chain', 'another actor may act')
    }
    if (subject.expiresAt - nowSeconds(clock) < SECONDS_LEFT_MIN)
      throw new Refusal('expired', 'about to expire')
    return subject
  } catch (cause) {
    throw subjectRefused(cause)
  }
}

/** Step 12: the grant lives and is of this user; user and every actor still take part. */
async function liveAuthority(
  subject: AccessToken,
  deps: ExchangeDeps,
): Promise<{ grant: Grant; user: User }> {
  const grant = await deps.grants.live(subject.delegation.gid)
  const user = await deps.users.find(subject.subject)
  const { agent, unknown } = participants(subject.chain, deps)
  if (grant === undefined || grant.user !== subject.subject)
    throw subjectRefused('no live grant of this user')
  if (user === undefined) throw subjectRefused('the user is gone')
  if (unknown !== undefined) throw subjectRefused(`${unknown.sub} no longer takes part`)
  if (agent !== grant.agent) throw subjectRefused('the grant is for another agent')
  return { grant, user }
}

/** Steps 11 and 14: the chain with the caller in front, and the end. The scope is filled in once it is decided. */
function nextClaims({ caller, target, subject, grant }: Case, { tokens, clock }: ExchangeDeps): MintedClaims {
  try {
    return nextLineage(subject, {
      actor: callerActor(tokens.issuer, caller),
      clientId: caller.key,
      audience: target.api.resource,
      scopes: new Set(),
      now: nowSeconds(clock),
      grantEndsAt: Math.floor(grant.expiresAt / 1000),
    })
  } catch (cause) {
    throw subjectRefused(cause)
  }
}

/** Step 13: through the edges that the catalogue has and the consent showed, from what the presented token holds. */
function reachable({ caller, target, subject, grant }: Case): Scopes {
  const held = new Set(grant.mounts[caller.key]?.scopes)
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

function subjectRefused(cause: unknown): Fault {
  if (cause instanceof Refusal)
    return fault.subject_token_refused({ detail: `${cause.code}: ${cause.message}`, cause })
  if (typeof cause === 'string') return fault.subject_token_refused({ detail: cause })
  throw cause
}

async function refusalOnRecord(exchanged: Case, reason: string, { audit }: ExchangeDeps): Promise<void> {
  const { decision } = exchanged
  const refused = { effect: 'deny' as const, rule: decision.effect === 'deny' ? decision.rule : undefined }
  await audit.exchange({ ...record(exchanged, { scopes: [] }), policy: refused, reason })
}

function record(
  { caller, target, subject, grant, user, decision }: Case,
  given: { readonly scopes: readonly string[]; readonly issued?: string },
) {
  return {
    user: { id: user.id, username: user.subjectId.sub },
    jti: subject.jti,
    txn: subject.transaction,
    grant: grant.id,
    agent: grant.agent,
    chain: subject.chain,
    client: caller.key,
    server: caller.key,
    api: target.api.key,
    audience: target.api.resource,
    pattern: 'token_exchange',
    policy: { effect: decision.effect, rule: decision.rule },
    ...given,
  }
}
