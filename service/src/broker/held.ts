import type { Apis } from '#apis'
import { grantedScopes, grantedThrough, grantsScopes } from '#grants'
import { own } from '#kernel'
import { type Authority, type AuthorityDeps, mountOf } from './authority.ts'

/**
 * True while the grant holds every scope of a token: at a mount, a server and a sub-agent what the user agreed to there; at an
 * API what that leads to, along the edges that the catalogue has and the consent showed. A consent to less leaves the grant
 * alive, and its tokens with more than it gives.
 */
export function holdsScopes(
  { token, grant }: Authority,
  { servers, apis }: Pick<AuthorityDeps, 'servers'> & { readonly apis: Apis },
): boolean {
  const server = servers.byMount(mountOf(token))
  if (server === undefined) return false
  const api = apis.byResource(token.audience)
  if (api === undefined) return grantsScopes(grant, server.key, token.scopes)
  const edges = own(server.calls, api.key) ?? {}
  const scopes = grantedScopes(grant, server.key)
  const reached = grantedThrough(grant, { server: server.key, api: api.key, edges, scopes })
  return token.scopes.isSubsetOf(reached)
}
