import type { Agents } from '#agents'
import type { Apis } from '#apis'
import { delegatesOnwards, type Grant, grantedThrough, grantsDelegation } from '#grants'
import { own } from '#kernel'
import type { Server, Servers } from '#servers'

/** What a grant lets an agent do at one server, in words. */
export interface HeldMount {
  readonly server: string
  readonly scopes: readonly HeldScope[]
  /** Which agent may hand part of it to which, the grant's own first. */
  readonly handovers: readonly Handover[]
  /** Milliseconds. */
  readonly expiresAt: number
}

/** By the names of the agents. */
export interface Handover {
  readonly from: string
  readonly to: string
}

export interface HeldScope {
  readonly words: string
  /** What the server may do elsewhere because of it. */
  readonly reaches: readonly { readonly api: string; readonly words: string }[]
}

interface HeldDeps {
  readonly servers: Servers
  readonly apis: Apis
  readonly agents: Pick<Agents, 'delegatesOf' | 'introduce'>
}

/** What counts of a grant now: what was agreed to and the catalogue still has. */
export async function heldMounts(grant: Grant, deps: HeldDeps): Promise<readonly HeldMount[]> {
  const mounts = Object.entries(grant.mounts).map(async ([key, { scopes, expiresAt }]) => {
    const server = deps.servers.find(key)
    if (server === undefined) return []
    const held = scopes.filter((scope) => Object.hasOwn(server.scopes, scope))
    return [
      {
        server: server.name,
        scopes: held.map((scope) => heldScope(scope, { grant, server, apis: deps.apis })),
        handovers: await handovers(grant, key, deps.agents),
        expiresAt,
      },
    ]
  })
  return (await Promise.all(mounts)).flat()
}

function heldScope(
  scope: string,
  { grant, server, apis }: { readonly grant: Grant; readonly server: Server; readonly apis: Apis },
): HeldScope {
  const reaches = Object.entries(server.calls).flatMap(([key, edges]) => {
    const api = apis.find(key)
    if (api === undefined) return []
    const reached = grantedThrough(grant, { server: server.key, api: key, edges, scopes: new Set([scope]) })
    return [...reached].map((it) => ({ api: api.name, words: own(api.scopes, it) ?? it }))
  })
  return { words: own(server.scopes, scope) ?? scope, reaches }
}

function handovers(grant: Grant, server: string, agents: HeldDeps['agents']): Promise<readonly Handover[]> {
  const agreed = (from: string) =>
    agents.delegatesOf(from).filter((to) => grantsDelegation(grant, server, from, to))
  const edges = Object.entries(delegatesOnwards(grant.agent, agreed))
  const nameOf = async (id: string) => (await agents.introduce(id)).name
  return Promise.all(
    edges.flatMap(([from, all]) =>
      all.map(async (to) => ({ from: await nameOf(from), to: await nameOf(to) })),
    ),
  )
}
