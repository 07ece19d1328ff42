import type { Configuration, Provider } from 'oidc-provider'
import { ACCESS_TOKEN_SECONDS, parseClientAssertion, SIGNING_ALGORITHM } from '@tetrapod/protocol'
import type { Agent } from '#agents'
import type { Audit } from '#audit'
import { configuredFetch, type Egress } from '#egress'
import { pageHeaders } from '#http'
import { type Log, nowSeconds, type Secret } from '#kernel'
import type { KeySet, Tokens } from '#tokens'
import { type AdapterDeps, stateAdapter } from './adapter.ts'
import { clientMetadata } from './client-metadata.ts'
import { renderProtocolError } from './error-page.ts'
import { LOGIN_SECONDS } from './grant-adapter.ts'
import { rootClaims } from './issue.ts'
import { type Library, loadLibrary } from './library.ts'
import { loadLogin, type LoginDeps } from './logins.ts'
import { promptPolicy } from './prompts.ts'
import { refreshAllowed } from './refresh.ts'
import { REFRESH_IDLE_SECONDS } from './refresh-tokens.ts'
import { recordRefusals } from './refusals.ts'
import { defaultScope, resourceInfo } from './resources.ts'
import { nameRefreshTokens } from './token-ids.ts'

export interface ProviderDeps extends Omit<AdapterDeps, 'errors' | 'caller' | 'grants'>, LoginDeps {
  readonly issuer: string
  /** The agents that the catalogue names. */
  readonly registered: readonly Agent[]
  readonly tokens: Tokens
  readonly audit: Audit
  readonly egress: Egress
  /** What the library signs with, and what it knows of its own. */
  readonly keys: KeySet
  /** Signs the cookies of the library. */
  readonly cookieKey: Secret<Uint8Array>
  readonly log: Log
}

/**
 * The library that owns authorize and the redemption of codes, tightened. What it is not asked to do is switched off;
 * what it decides by itself and we want otherwise is decided in the hooks below.
 */
export async function createProvider(deps: ProviderDeps): Promise<Provider> {
  const library = await loadLibrary()
  const provider = new library.Provider(deps.issuer, configuration(deps, library))
  nameRefreshTokens(library, provider.RefreshToken, deps.refreshTokens)
  recordRefusals(provider, deps)
  // Behind a proxy the scheme comes from `publicUrl`, which the front writes into the one header that is trusted here.
  provider.proxy = true
  // Whatever page the library makes by itself is held to the rules of ours: it runs nothing and sends nothing.
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.response.is('html')) ctx.set({ ...pageHeaders })
  })
  provider.on('server_error', (_ctx, error: Error) =>
    deps.log.error({ cause: error.stack }, 'authorization server failed'),
  )
  return provider
}

function configuration(deps: ProviderDeps, library: Library): Configuration {
  const { keys, servers, users, egress, cookies, cookieKey, clock } = deps
  const { errors } = library
  return {
    adapter: stateAdapter({ ...deps, errors, caller: () => library.Provider.ctx?.oidc.client?.clientId }),
    clients: deps.registered.map(clientMetadata),
    jwks: { keys: keys.published.map(({ privateJwk }) => privateJwk) },
    routes: {
      authorization: '/authorize',
      pushed_authorization_request: '/par',
      token: '/token',
      jwks: '/jwks',
    },
    scopes: ['openid'],
    responseTypes: ['code'],
    clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
    enabledJWA: {
      clientAuthSigningAlgValues: [SIGNING_ALGORITHM],
      idTokenSigningAlgValues: [keys.signing.algorithm],
    },
    clientDefaults: { id_token_signed_response_alg: keys.signing.algorithm },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: true },
      claimsParameter: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, oneOf) => {
          if (typeof oneOf === 'string') return oneOf
          throw new errors.InvalidTarget('name the MCP server in the resource parameter (RFC 8707)')
        },
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => resourceInfo(ctx, resource, deps, errors),
      },
    },
    interactions: {
      policy: promptPolicy(library, users, cookies),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    extraParams: { scope_default: defaultScope(servers) },
    findAccount: async (_ctx, id) =>
      (await users.find(id)) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    loadExistingGrant: (ctx) => loadLogin(ctx, deps),
    extraTokenClaims: (ctx, token) => rootClaims(ctx, token, deps, errors),
    // All who come here are used by a person: nobody has to ask for `offline_access`.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: refreshAllowed(deps, errors),
    // A code belongs to its login alone: another login in the same browser, to a second server perhaps, must not end it.
    expiresWithSession: () => false,
    allowOmittingSingleRegisteredRedirectUri: false,
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? ACCESS_TOKEN_SECONDS,
      AuthorizationCode: 60,
      Grant: LOGIN_SECONDS,
      IdToken: ACCESS_TOKEN_SECONDS,
      Interaction: 15 * 60,
      RefreshToken: REFRESH_IDLE_SECONDS,
      Session: 12 * 3600,
    },
    cookies: {
      names: cookies.library,
      keys: [Buffer.from(cookieKey.reveal()).toString('base64url')],
      long: { signed: true, httpOnly: true, sameSite: 'lax' },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    assertJwtClientAuthClaimsAndHeader: (_ctx, claims, header, client) => {
      try {
        parseClientAssertion(header['typ'], claims, {
          issuer: deps.issuer,
          clientId: client.clientId,
          now: nowSeconds(clock),
        })
      } catch (cause) {
        throw new errors.InvalidClientAuth(
          cause instanceof Error ? cause.message : 'the assertion does not hold',
        )
      }
    },
    renderError: renderProtocolError,
    fetch: configuredFetch(egress),
  }
}
