import { ACCESS_TOKEN_SECONDS } from '@tetrapod/protocol'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { type Grants, grantedUntil } from '#grants'
import type { Clock } from '#kernel'
import type { Servers } from '#servers'
import type { KeySet } from '#tokens'
import type { Library } from './library.ts'
import { parseLoginId } from './login-id.ts'

export interface ResourceDeps {
  readonly servers: Servers
  readonly grants: Grants
  readonly clock: Clock
  readonly keys: KeySet
}

/** One resource for one token: a mount of ours (RFC 8707; DESIGN §1). The token ends with what was granted at the latest. */
export async function resourceInfo(
  ctx: KoaContextWithOIDC,
  resource: string,
  { servers, grants, clock, keys }: ResourceDeps,
  errors: Library['errors'],
) {
  if (Array.isArray(ctx.oidc.params?.['resource']))
    throw new errors.InvalidTarget('name exactly one resource')
  const server = servers.byMount(resource)
  if (server === undefined) throw new errors.InvalidTarget('this resource is not one of ours')
  const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities
  const login = parseLoginId((code ?? refresh)?.grantId ?? '')
  const grant = login === undefined ? undefined : await grants.live(login.grant)
  const endsAt = grant === undefined ? Infinity : grantedUntil(grant, server.key)
  return {
    scope: Object.keys(server.scopes).join(' '),
    audience: server.mount,
    accessTokenFormat: 'jwt' as const,
    accessTokenTTL: secondsWithin(ACCESS_TOKEN_SECONDS, endsAt, clock),
    jwt: { sign: { alg: keys.signing.algorithm } },
  }
}

/** Who asks for no scope asks for all that the resource has; consent shows them. */
export function defaultScope(servers: Servers) {
  return (ctx: KoaContextWithOIDC) => {
    const params = ctx.oidc.params
    if (params === undefined || params['scope'] !== undefined) return
    const server = servers.byMount(String(params['resource']))
    if (server !== undefined) params['scope'] = Object.keys(server.scopes).join(' ')
  }
}

/** `most` seconds, or fewer when something ends earlier (milliseconds since the epoch); at least one. */
function secondsWithin(most: number, endsAt: number, clock: Clock): number {
  return Math.max(1, Math.min(most, Math.floor((endsAt - clock.now()) / 1000)))
}
