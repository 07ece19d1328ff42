import { GRANT_TOKEN_EXCHANGE, SIGNING_ALGORITHM } from '@tetrapod/protocol'
import type { Provider } from 'oidc-provider'
import type { DocumentHost } from '#agents'
import { isObject } from '#kernel'
import type { Servers } from '#servers'

/** What the library says of itself and we cannot promise; and what nobody needs to be told, because it is the default. */
const WITHDRAWN = new Set(['claims_supported', 'claim_types_supported', 'claims_parameter_supported'])

/** How a client proves itself to the endpoints that are ours (`authenticateClient`). */
const AUTH_METHODS = ['private_key_jwt', 'client_secret_basic', 'client_secret_post']

/**
 * Makes both discovery documents (RFC 8414, OpenID Connect Discovery) say what is true of the whole authorization server:
 * the library knows nothing of the grants that we answer in front of it, nor of the resources (RFC 9728 §4).
 */
export function announceTruth(
  provider: Provider,
  { servers, documentHosts }: { readonly servers: Servers; readonly documentHosts: readonly DocumentHost[] },
): void {
  const { issuer } = provider
  const ours = {
    grant_types_supported: ['authorization_code', 'refresh_token', GRANT_TOKEN_EXCHANGE],
    response_modes_supported: ['query'],
    // Clients take this way only where `none` is among the authentication methods as well.
    ...(documentHosts.length > 0 ? { client_id_metadata_document_supported: true } : {}),
    protected_resources: servers.all.map(({ mount }) => mount),
    introspection_endpoint: `${issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: AUTH_METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: [SIGNING_ALGORITHM],
    revocation_endpoint: `${issuer}/revoke`,
    revocation_endpoint_auth_methods_supported: AUTH_METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: [SIGNING_ALGORITHM],
  }
  provider.use(async (ctx, next) => {
    await next()
    if ((ctx['oidc'] as { route?: string } | undefined)?.route !== 'discovery' || !isObject(ctx.body)) return
    const said = Object.entries(ctx.body).filter(([member]) => !WITHDRAWN.has(member))
    ctx.body = { ...Object.fromEntries(said), ...ours }
    ctx.set('cache-control', 'public, max-age=300')
  })
}
