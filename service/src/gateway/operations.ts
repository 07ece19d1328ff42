import type { ServerResponse } from 'node:http'
import { type AccessToken, formatScope, Refusal, type Scopes } from '@tetrapod/protocol'
import type { Audit, Outcome } from '#audit'
import { type Authority, type AuthorityDeps, type ObtainCredential, tokenOnRecord } from '#broker'
import type { Egress } from '#egress'
import { asFault } from '#http'
import { type Clock, type Fault, isObject, type Json, type Kind } from '#kernel'
import { scopesWithin } from '#grants'
import type { Decision, Policy } from '#policy'
import type { Server, StepUps } from '#servers'
import { type Envelope, parseCallParams, parseListParams, type RequestId } from './envelope.ts'
import { fault } from './faults.ts'
import { relay } from './relay.ts'
import type { RequestMeta } from './revision.ts'
import { type Understood, understand } from './step-up.ts'
import { callUpstream, type UpstreamRequest } from './upstream.ts'

export interface OperateDeps extends AuthorityDeps {
  readonly policy: Policy
  readonly audit: Audit
  readonly stepUps: StepUps
  readonly egress: Egress
  /** What a call is made with upstream. */
  readonly obtain: ObtainCredential
  readonly clock: Clock
}

type Result = Readonly<Record<string, unknown>>

/** One request that may be served: who calls, what, where the answer goes. */
export interface Operation {
  readonly server: Server
  readonly caller: Authority
  readonly meta: RequestMeta
  readonly id: RequestId
  readonly params: Envelope['params']
  readonly response: ServerResponse
  readonly signal: AbortSignal
}

/** What is decided and put on record before anything happens. */
interface Planned {
  readonly method: UpstreamRequest['method']
  readonly params: Readonly<Record<string, unknown>>
  readonly tool?: string
  readonly inputs?: Json
  /** What the operation needs, held or not. */
  readonly needed: Scopes
  /** What the upstream credential may do. */
  readonly scopes: Scopes
  readonly decision: Decision
  /** Why it is refused. */
  readonly refusal?: Fault
}

/**
 * `tools/list`: the server's tools, less those this caller may not call. The policy that filters is the one that guards the
 * call; a tool that only lacks a scope is shown, since the user can agree to it. What the server is called with holds no scope
 * that is for tools alone which this caller may not call.
 */
export async function listTools(operation: Operation, deps: OperateDeps): Promise<void> {
  const { server, caller } = operation
  const params = parseListParams(operation.params)
  const visible = (tool: string) => permitted(operation, deps, tool).effect === 'permit'
  const scopes = heldScopes(caller, server).intersection(callableScopes(operation, deps))
  const decision = deps.policy.decide(caller.subject, { kind: 'server', server: server.key })
  const planned: Planned = { method: 'tools/list', params, needed: new Set(), scopes, decision }
  if (decision.effect === 'deny') return answerWithNone(planned, operation, deps)
  await perform(planned, operation, deps, (result) => {
    const tools = Array.isArray(result['tools']) ? (result['tools'] as unknown[]) : []
    const shown = tools.filter(
      (tool) => isObject(tool) && typeof tool['name'] === 'string' && visible(tool['name']),
    )
    const ttlMs = typeof result['ttlMs'] === 'number' ? result['ttlMs'] : 0
    return { ...result, tools: shown, ttlMs, cacheScope: 'private' }
  })
}

const NO_TOOLS: Result = { resultType: 'complete', tools: [], ttlMs: 0, cacheScope: 'private' }

/**
 * `tools/call`: policy, then the scopes of this tool, then the decision on record, then the call. What the tool named in a
 * step-up goes with the call as far as the caller holds it; nobody is refused for the lack of it before the tool asks again.
 */
export async function callTool(operation: Operation, deps: OperateDeps): Promise<void> {
  const { server, caller } = operation
  const params = parseCallParams(operation.params)
  const { name: tool, arguments: inputs } = params
  const needed = deps.servers.toolScopes(server, tool)
  const decision = permitted(operation, deps, tool)
  const held = heldScopes(caller, server)
  const refusal = refusalOf({ needed, decision, held })
  const named = refusal === undefined ? await deps.stepUps.named(server, tool) : new Set<string>()
  await perform(
    {
      method: 'tools/call',
      params,
      tool,
      ...(inputs === undefined ? {} : { inputs }),
      needed: new Set(needed),
      scopes: new Set(needed).union(named.intersection(held)),
      decision,
      ...(refusal === undefined ? {} : { refusal }),
    },
    operation,
    deps,
    (result) => result,
  )
}

/** What the token holds at this mount, as far as the grant does too. */
function heldScopes({ token, grant }: Authority, server: Server): Scopes {
  return scopesWithin(grant, server.key, token.scopes)
}

/** The scopes of the tools that this caller may call. A pattern counts unless a rule forbids all that it stands for. */
function callableScopes({ server, caller }: Operation, { policy }: OperateDeps): Scopes {
  const callable = Object.entries(server.tools).filter(([tool]) => {
    const { effect, rule } = policy.decide(caller.subject, { kind: 'tool', server: server.key, tool })
    // No permit need name the pattern for one to name a tool that it stands for.
    return effect === 'permit' || (tool.includes('*') && rule === undefined)
  })
  return new Set(callable.flatMap(([, scopes]) => scopes))
}

function refusalOf(call: {
  readonly needed: readonly string[] | undefined
  readonly decision: Decision
  readonly held: Scopes
}): Fault | undefined {
  const { needed, decision, held } = call
  if (needed === undefined) return fault.tool_unknown()
  if (decision.effect === 'deny') return fault.policy_denied()
  return needed.every((scope) => held.has(scope))
    ? undefined
    : fault.scope_missing({ data: { scope: formatScope(needed) } })
}

/** A tool that the catalogue does not know is nobody's to call. */
function permitted({ server, caller }: Operation, deps: OperateDeps, tool: string): Decision {
  if (deps.servers.toolScopes(server, tool) === undefined) return { effect: 'deny', rule: undefined }
  return deps.policy.decide(caller.subject, { kind: 'tool', server: server.key, tool })
}

/** Decision on record, credential, upstream, outcome on record: in this order, whatever the method (DESIGN §5). */
async function perform(
  planned: Planned,
  operation: Operation,
  deps: OperateDeps,
  shape: (result: Result) => Result,
): Promise<void> {
  const { server, caller, meta, signal, id, response } = operation
  const began = deps.clock.now()
  const ref = await deps.audit.decide(decisionRecord(planned, operation))
  if (planned.refusal !== undefined) throw planned.refusal
  const ended = (status: Outcome['status'], reason?: string) =>
    deps.audit.outcome(ref, { status, reason, milliseconds: deps.clock.now() - began })
  try {
    signal.throwIfAborted()
    const { token: subject, grant } = caller
    const { scopes, tool, needed } = planned
    const credential = await deps.obtain({ subject, grant, server, scopes }).catch(tokenRefused)
    const { method, params } = planned
    const towards = relay(response, id, meta, signal)
    const request = { server, method, params, meta, credential, signal }
    const answered = await callUpstream(request, deps.egress, towards.forward)
    const { answer, missing } = await understand(answered, { server, tool, needed }, deps.stepUps)
    if (missing !== undefined && !response.headersSent) throw missing
    ended(...outcomeOf(answer, missing))
    towards.finish('result' in answer ? { result: shape(answer.result) } : answer)
  } catch (error) {
    const failure = asFault(error)
    ended(statusOf(failure), failure.code)
    throw error
  }
}

/** Who can call nothing sees nothing: the refusal is on record, and the server does not hear of them. */
async function answerWithNone(planned: Planned, operation: Operation, deps: OperateDeps): Promise<void> {
  await deps.audit.decide(decisionRecord({ ...planned, refusal: fault.policy_denied() }, operation))
  const { response, id, meta, signal } = operation
  relay(response, id, meta, signal).finish({ result: NO_TOOLS })
}

function statusOf({ kind, code, cause }: Fault): Outcome['status'] {
  if (cause instanceof Refusal && cause.code === 'revoked') return 'revoked'
  return code === STEP_UP ? 'step_up' : statusOfKind[kind]
}

/** Where a call was permitted, the one who lacks scopes is its tool. */
const STEP_UP = 'gateway.scope_missing'

/** A call that was permitted and then not answered: whose doing it was. */
const statusOfKind = {
  invalid: 'rejected',
  unauthenticated: 'rejected',
  denied: 'denied',
  missing: 'rejected',
  conflict: 'rejected',
  limited: 'rejected',
  unavailable: 'failed',
  internal: 'failed',
} as const satisfies Record<Kind, Outcome['status']>

/** A chain that may not grow is a token that does not hold here. */
function tokenRefused(cause: unknown): never {
  throw cause instanceof Refusal ? fault.token_refused({ detail: cause.code, cause }) : cause
}

function outcomeOf(
  answer: Understood['answer'],
  missing: Fault | undefined,
): readonly [Outcome['status'], string?] {
  if (missing !== undefined) return ['step_up', missing.code]
  if ('error' in answer) return ['error', String(answer.error.code)]
  return answer.result['isError'] === true ? ['error'] : ['ok']
}

function decisionRecord(planned: Planned, { server, caller, meta }: Operation) {
  const { method, tool, inputs, scopes, decision, refusal } = planned
  return {
    ...callOnRecord(caller.token, server, meta),
    method,
    tool,
    arguments: inputs,
    scopes: [...scopes],
    policy: { effect: refusal === undefined ? decision.effect : ('deny' as const), rule: decision.rule },
    reason: refusal?.code,
  }
}

/** What every record of a call says, whatever became of it. */
export function callOnRecord(token: AccessToken, server: Server, { version }: RequestMeta) {
  return {
    ...tokenOnRecord(token),
    client: token.clientId,
    server: server.key,
    audience: server.url,
    pattern: server.upstream.pattern,
    protocolVersion: version,
  }
}
