import { type Actor, type Chain, GATEWAY } from '@tetrapod/protocol'
import type { Agents, Standing } from '#agents'
import type { PolicySubject } from '#policy'
import type { Servers } from '#servers'
import type { Tokens } from '#tokens'
import type { User } from '#users'

interface Known {
  /** Ours: an actor of another issuer is nobody here, whatever its name. */
  readonly tokens: Pick<Tokens, 'issuer'>
  readonly agents: Pick<Agents, 'standing'>
  readonly servers: Servers
}

/** Who the actors of a chain are. */
export interface Participants {
  /** The agents, outermost first: the last one is whom the user granted. */
  readonly agents: readonly string[]
  /** Those of them that no operator listed. */
  readonly unlisted: readonly string[]
  /** The first actor that is nobody (any more). */
  readonly unknown: Actor | undefined
}

/** Reads a chain of our own: each actor is an agent, a server, or the gateway as one of its mounts. */
export async function participants(chain: Chain, known: Known): Promise<Participants> {
  const parts = await Promise.all(chain.map(async (actor) => ({ actor, agent: await agentOf(actor, known) })))
  const agents = parts.filter(({ agent }) => agent !== undefined)
  const unknown = parts.find(
    ({ actor, agent }) => agent === undefined && !isServer(actor, known) && !isGateway(actor, known),
  )
  return {
    agents: agents.map(({ actor }) => actor.sub),
    unlisted: agents.filter(({ agent }) => agent?.listed === false).map(({ actor }) => actor.sub),
    unknown: unknown?.actor,
  }
}

/** A user and the agents of a chain, as the policy asks for them. */
export function policySubject(
  user: User,
  { agents, unlisted }: Pick<Participants, 'agents' | 'unlisted'>,
): PolicySubject {
  return { user: user.id, username: user.subjectId.sub, groups: user.groups, agents, unlisted }
}

/** How the agent stands that this actor is. One that an operator stopped is nobody. */
async function agentOf(
  { iss, sub, client_id }: Actor,
  { tokens, agents }: Known,
): Promise<Standing | undefined> {
  if (iss !== tokens.issuer || client_id !== undefined) return undefined
  const standing = await agents.standing(sub)
  return standing?.disabled === true ? undefined : standing
}

function isServer({ iss, sub, client_id }: Actor, { tokens, servers }: Known): boolean {
  return iss === tokens.issuer && client_id === undefined && servers.find(sub) !== undefined
}

function isGateway({ iss, sub, client_id }: Actor, { tokens, servers }: Known): boolean {
  return iss === tokens.issuer && client_id === GATEWAY && servers.byMount(sub) !== undefined
}
