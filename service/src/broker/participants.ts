import { type Actor, type Chain, GATEWAY } from '@tetrapod/protocol'
import type { Agents } from '#agents'
import type { PolicySubject } from '#policy'
import type { Servers } from '#servers'
import type { User } from '#users'

interface Known {
  readonly agents: Agents
  readonly servers: Servers
}

/** Who of the catalogue the actors of a chain are. */
export interface Participants {
  /** The agent the user granted: the innermost agent. */
  readonly agent: string | undefined
  /** All agents, outermost first. */
  readonly agents: readonly string[]
  /** The first actor that is nobody in the catalogue any more. */
  readonly unknown: Actor | undefined
}

/** Reads a chain of our own: each actor is an agent, a server, or the gateway as one of its mounts. */
export function participants(chain: Chain, { agents, servers }: Known): Participants {
  const found = chain.filter((actor) => isAgent(actor, agents)).map((actor) => actor.sub)
  const unknown = chain.find(
    (actor) => !isAgent(actor, agents) && servers.find(actor.sub) === undefined && !isGateway(actor, servers),
  )
  return { agent: found.at(-1), agents: found, unknown }
}

/** The user and the agents of a chain, as the policy asks for them. */
export function policySubject(user: User, chain: Chain, known: Known): PolicySubject {
  const { agents } = participants(chain, known)
  return { user: user.id, username: user.subjectId.sub, groups: user.groups, agents }
}

function isAgent(actor: Actor, agents: Agents): boolean {
  return actor.client_id === undefined && agents.find(actor.sub) !== undefined
}

function isGateway({ sub, client_id }: Actor, servers: Servers): boolean {
  return client_id === GATEWAY && servers.byMount(sub) !== undefined
}
