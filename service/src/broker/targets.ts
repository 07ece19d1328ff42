import type { ScopeEdges } from '@tetrapod/protocol'
import type { Agents } from '#agents'
import type { Api, Apis } from '#apis'
import { own } from '#kernel'
import type { Server, Servers } from '#servers'
import type { Caller } from './callers.ts'
import type { ExchangeRequest } from './exchange-request.ts'
import { fault } from './faults.ts'

/**
 * What a token is asked for (DESIGN §1): an API, along the edges of the server that asks; a sub-agent, to whom an agent hands
 * a part of what it holds; a mount, at which a sub-agent uses what it was handed.
 */
export type Target =
  | { readonly kind: 'api'; readonly api: Api; readonly edges: ScopeEdges }
  | { readonly kind: 'delegate'; readonly agent: string }
  | { readonly kind: 'mount'; readonly server: Server }

export interface TargetsDeps {
  readonly servers: Servers
  readonly apis: Apis
  readonly agents: Pick<Agents, 'delegatesOf'>
}

/**
 * Step 5: `audience` and `resource` together name exactly one target, and the catalogue lets this caller ask for it. A
 * server's key means its mount, whoever asks; its own URL is nobody's to name. Throws `broker.target_unknown`.
 */
export function targetOf(caller: Caller, request: ExchangeRequest, deps: TargetsDeps): Target {
  return caller.kind === 'server'
    ? apiTarget(caller.server, request, deps)
    : agentTarget(caller.key, request, deps)
}

function apiTarget(server: Server, { audience, resource }: ExchangeRequest, { apis }: TargetsDeps): Target {
  const api = theOne([
    ...audience.map((key) => apis.find(key)),
    ...resource.map((identifier) => apis.byResource(identifier)),
  ])
  const edges = own(server.calls, api.key)
  if (edges === undefined) throw fault.target_unknown({ detail: `${server.key} has no edge to ${api.key}` })
  return { kind: 'api', api, edges }
}

function agentTarget(
  caller: string,
  { audience, resource }: ExchangeRequest,
  { servers, agents }: TargetsDeps,
): Target {
  const delegates = agents.delegatesOf(caller)
  const named = theOne([
    ...audience.map((key) => (delegates.includes(key) ? key : servers.find(key))),
    ...resource.map((identifier) => servers.byMount(identifier)),
  ])
  return typeof named === 'string' ? { kind: 'delegate', agent: named } : { kind: 'mount', server: named }
}

/** The one thing that all of these are. */
function theOne<T>(named: readonly (T | undefined)[]): T {
  const [first, ...others] = new Set(named)
  if (first === undefined || others.length > 0)
    throw fault.target_unknown({ detail: 'not exactly one target' })
  return first
}
