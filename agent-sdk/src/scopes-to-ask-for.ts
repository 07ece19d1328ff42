import type { Scopes } from '@tetrapod/protocol'
import type { Destination } from './discover.ts'

/** OpenID Connect Core §11: it asks for a refresh token. */
const OFFLINE_ACCESS = 'offline_access'

/**
 * The scopes of an authorization request: the application's, else the challenge's, else all the resource has; undefined
 * when nobody names any. `offline_access` is between client and authorization server: it is asked for where the server
 * lists it, whatever the resource says (MCP authorization).
 */
export function scopesToAskFor(
  { scopes: asked, server }: Destination,
  chosen: Iterable<string> | undefined,
): Scopes | undefined {
  const scopes = chosen === undefined ? asked : new Set(chosen)
  if (scopes === undefined || scopes.size === 0) return scopes
  const offline =
    server.scopes.includes(OFFLINE_ACCESS) && server.grantTypes?.includes('refresh_token') !== false
  const own = [...scopes].filter((scope) => scope !== OFFLINE_ACCESS)
  return new Set(offline ? [...own, OFFLINE_ACCESS] : own)
}
