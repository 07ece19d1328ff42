import type { Apis } from '#apis'
import { type Grant, grantedThrough } from '#grants'
import { own } from '#kernel'
import type { Servers } from '#servers'

/** What a grant lets an agent do at one server, in words. */
export interface HeldMount {
  readonly server: string
  readonly scopes: readonly HeldScope[]
  /** Milliseconds. */
  readonly expiresAt: number
}

export interface HeldScope {
  readonly words: string
  /** What the server may do elsewhere because of it. */
  readonly reaches: readonly { readonly api: string; readonly words: string }[]
}

/** What counts of a grant now: what was agreed to and the catalogue still has. */
export function heldMounts(grant: Grant, servers: Servers, apis: Apis): readonly HeldMount[] {
  return Object.entries(grant.mounts).flatMap(([key, { scopes, expiresAt }]) => {
    const server = servers.find(key)
    if (server === undefined) return []
    const reached = (scope: string) =>
      Object.entries(server.calls).flatMap(([apiKey, edges]) => {
        const api = apis.find(apiKey)
        const through = { server: key, api: apiKey, edges, scopes: new Set([scope]) }
        if (api === undefined) return []
        return [...grantedThrough(grant, through)].map((it) => ({
          api: api.name,
          words: own(api.scopes, it) ?? it,
        }))
      })
    const held = scopes.filter((scope) => Object.hasOwn(server.scopes, scope))
    return [
      {
        server: server.name,
        scopes: held.map((scope) => ({ words: own(server.scopes, scope) ?? scope, reaches: reached(scope) })),
        expiresAt,
      },
    ]
  })
}
