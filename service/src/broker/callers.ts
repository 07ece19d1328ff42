import type { Actor } from '@tetrapod/protocol'
import type { Agents } from '#agents'
import type { Server, Servers } from '#servers'
import { fault } from './faults.ts'

/** Who asks for an exchange: a server that calls an API, or an agent that works with sub-agents. Both act under their key. */
export type Caller =
  | { readonly kind: 'server'; readonly key: string; readonly server: Server }
  | { readonly kind: 'agent'; readonly key: string }

export interface CallersDeps {
  readonly servers: Servers
  readonly agents: Pick<Agents, 'exchanges'>
}

/** Step 3: the client was authenticated; this says whether it may exchange at all. Throws `broker.client_not_allowed`. */
export function callerOf(key: string, { servers, agents }: CallersDeps): Caller {
  const server = servers.find(key)
  if (server !== undefined) return { kind: 'server', key, server }
  if (agents.exchanges(key)) return { kind: 'agent', key }
  throw fault.client_not_allowed({ detail: key })
}

/** The node of the chain that the caller is once it acts. */
export function callerActor(issuer: string, { key }: Caller): Actor {
  return { iss: issuer, sub: key }
}
