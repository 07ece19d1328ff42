import { GRANT_TOKEN_EXCHANGE } from '@tetrapod/protocol'
import type { Provider } from 'oidc-provider'
import { isObject } from '#kernel'

/**
 * Makes both discovery documents (RFC 8414, OpenID Connect Discovery) say what is true of the whole authorization server:
 * the library knows nothing of the grants that we answer in front of it.
 */
export function announceOurGrants(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next()
    if ((ctx['oidc'] as { route?: string } | undefined)?.route !== 'discovery' || !isObject(ctx.body)) return
    ctx.body = { ...ctx.body, grant_types_supported: ['authorization_code', GRANT_TOKEN_EXCHANGE] }
    ctx.set('cache-control', 'public, max-age=300')
    ctx.set('access-control-allow-origin', '*')
  })
}
