import { type Actor, type Chain, GATEWAY } from '@tetrapod/protocol'
import type { Agents } from '#agents'
import type { PolicySubject } from '#policy'
import type { Servers } from '#servers'
import type { Tokens } from '#tokens'
import type { User } from '#users'

interface Known {
  /** Ours: an actor of another issuer is nobody here, whatever its name. */
  readonly tokens: Pick<Tokens, 'issuer'>
  readonly agents: Agents
  readonly servers: Servers
}

/** Who of the catalogue the actors of a chain are. */
export interface Participants {
  /** The agents, outermost first: the last one is whom the user granted. */
  readonly agents: readonly string[]
  /** The first actor that is nobody in the catalogue any more. */
  readonly unknown: Actor | undefined
}

/** Reads a chain of our own: each actor is an agent, a server, or the gateway as one of its mounts. */
export function participants(chain: Chain, known: Known): Participants {
  const found = chain.filter((actor) => isAgent(actor, known)).map((actor) => actor.sub)
  const unknown = chain.find(
    (actor) => !isAgent(actor, known) && !isServer(actor, known) && !isGateway(actor, known),
  )
  return { agents: found, unknown }
}

/** A user and the agents of a chain, as the policy asks for them. */
export function policySubject(user: User, agents: readonly string[]): PolicySubject {
  return { user: user.id, username: user.subjectId.sub, groups: user.groups, agents }
}

function isAgent({ iss, sub, client_id }: Actor, { tokens, agents }: Known): boolean {
  return iss === tokens.issuer && client_id === undefined && agents.find(sub) !== undefined
}

function isServer({ iss, sub, client_id }: Actor, { tokens, servers }: Known): boolean {
  return iss === tokens.issuer && client_id === undefined && servers.find(sub) !== undefined
}

function isGateway({ iss, sub, client_id }: Actor, { tokens, servers }: Known): boolean {
  return iss === tokens.issuer && client_id === GATEWAY && servers.byMount(sub) !== undefined
}
