import { type ScopeEdges, type Scopes, throughCalls } from '@tetrapod/protocol'
import type { Api, Apis } from '#apis'
import type { Server } from '#servers'

/** One scope as consent shows it: in words, with what the server may do elsewhere because of it. */
export interface ShownScope {
  readonly scope: string
  readonly words: string
  readonly reaches: readonly { readonly api: string; readonly scope: string; readonly words: string }[]
}

/** The closure of `scopes` through the server's `calls`, in words: what consent shows and the grant stores. */
export function shownScopes(server: Server, scopes: Scopes, apis: Apis): readonly ShownScope[] {
  return [...scopes].map((scope) => ({
    scope,
    words: server.scopes[scope] ?? scope,
    reaches: Object.entries(server.calls).flatMap(([key, edges]) => {
      const api = apis.find(key)
      return api === undefined ? [] : reached(api, throughCalls(edges, new Set([scope])))
    }),
  }))
}

/** The edges that start at one of `scopes`: the part of `calls` that a consent to them covers. */
export function callsFrom(server: Server, scopes: Scopes): Readonly<Record<string, ScopeEdges>> {
  const from = (edges: ScopeEdges) =>
    Object.fromEntries(Object.entries(edges).filter(([scope]) => scopes.has(scope)))
  const calls = Object.entries(server.calls).map(([api, edges]) => [api, from(edges)] as const)
  return Object.fromEntries(calls.filter(([, edges]) => Object.keys(edges).length > 0))
}

function reached(api: Api, scopes: Scopes) {
  return [...scopes].map((scope) => ({ api: api.name, scope, words: api.scopes[scope] ?? scope }))
}
