import { type ScopeEdges, type Scopes, throughCalls } from '@tetrapod/protocol'
import { own } from '#kernel'
import type { DelegateEdges, Grant } from './grant-store.ts'

/** What the grant holds at the mount of this server. */
export function grantedScopes(grant: Grant, server: string): Scopes {
  return new Set(own(grant.mounts, server)?.scopes)
}

/** Those of `scopes`, in their order, that the grant holds at the mount of this server. */
export function scopesWithin(grant: Grant, server: string, scopes: Scopes): Scopes {
  const held = grantedScopes(grant, server)
  return new Set([...scopes].filter((scope) => held.has(scope)))
}

/** True when the grant holds all of `scopes` at the mount of this server. */
export function grantsScopes(grant: Grant, server: string, scopes: Iterable<string>): boolean {
  const held = grantedScopes(grant, server)
  return [...scopes].every((scope) => held.has(scope))
}

/** When what the grant gives at this server ends, in milliseconds; where it gives nothing there, when the grant does. */
export function grantedUntil(grant: Grant, server: string): number {
  return own(grant.mounts, server)?.expiresAt ?? grant.expiresAt
}

/** True when the consent showed every edge of `calls` that starts at one of `scopes`. */
export function grantsCalls(
  grant: Grant,
  server: string,
  calls: Readonly<Record<string, ScopeEdges>>,
  scopes: Scopes,
): boolean {
  return Object.entries(calls).every(([api, edges]) => {
    const shown = grantedThrough(grant, { server, api, edges, scopes })
    return [...throughCalls(edges, scopes)].every((scope) => shown.has(scope))
  })
}

/**
 * What the holder of `scopes` at a server may ask for at an API: where an edge of the catalogue is also one that the
 * consent showed. An edge added to the catalogue later reaches nothing until the user agrees again.
 */
export function grantedThrough(
  grant: Grant,
  at: { readonly server: string; readonly api: string; readonly edges: ScopeEdges; readonly scopes: Scopes },
): Scopes {
  const shown = own(own(grant.mounts, at.server)?.calls ?? {}, at.api) ?? {}
  const agreed = Object.entries(at.edges).map(([scope, reached]) => [
    scope,
    reached.filter((target) => own(shown, scope)?.includes(target)),
  ])
  return throughCalls(Object.fromEntries(agreed) as ScopeEdges, at.scopes)
}

/**
 * True when the user agreed that `from` hands part of what it may do at this server to the sub-agent `to`. Both are keys of
 * agents; an edge added to the catalogue later is none of this grant until the user agrees again.
 */
export function grantsDelegation(grant: Grant, server: string, from: string, to: string): boolean {
  const part = own(grant.mounts, server)
  return own(part?.delegates ?? {}, from)?.includes(to) === true
}

/** True when the user agreed to every one of these hand-overs at this server. */
export function grantsDelegates(grant: Grant, server: string, delegates: DelegateEdges): boolean {
  return Object.entries(delegates).every(([from, to]) =>
    to.every((agent) => grantsDelegation(grant, server, from, agent)),
  )
}
