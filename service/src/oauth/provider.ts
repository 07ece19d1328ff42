import type { Adapter, Configuration, Provider, SigningAlgorithm } from 'oidc-provider'
import { ACCESS_TOKEN_SECONDS, parseClientAssertion } from '@tetrapod/protocol'
import { type Agents, ASSERTION_ALGORITHMS, isDocumentId, redirectAllowed } from '#agents'
import type { Audit } from '#audit'
import { pageHeaders } from '#http'
import { isObject, type Log, nowSeconds, randomId, randomToken, type Secret } from '#kernel'
import type { KeySet, Tokens } from '#tokens'
import { type AdapterDeps, stateAdapter } from './adapter.ts'
import { clientAdapter, managementAdapter } from './client-adapter.ts'
import { clientFetch, type ClientFetchDeps } from './client-fetch.ts'
import { isHashed, secretMatches } from './client-secret.ts'
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

export interface ProviderDeps
  extends Omit<AdapterDeps, 'errors' | 'caller' | 'grants'>, LoginDeps, ClientFetchDeps {
  readonly issuer: string
  readonly agents: Agents
  /** Agents may register themselves, all of them or those with a statement of somebody we trust. */
  readonly registrationOpen: boolean
  readonly tokens: Tokens
  readonly audit: Audit
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
  tightenClients(provider)
  // Behind a proxy the scheme comes from `publicUrl`, which the front writes into the one header that is trusted here.
  provider.proxy = true
  // Whatever page the library makes by itself is held to the rules of ours: it runs nothing and sends nothing.
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.response.is('html')) ctx.set({ ...pageHeaders })
    // RFC 7592: a registration is read back without its secret, which is shown once and lies here as a hash.
    if (isObject(ctx.body) && isHashed(ctx.body['client_secret'])) {
      const { client_secret: _secret, client_secret_expires_at: _expiry, ...rest } = ctx.body
      ctx.body = rest
    }
  })
  provider.on('server_error', (_ctx, error: Error) =>
    deps.log.error({ cause: error.stack }, 'authorization server failed'),
  )
  return provider
}

/** Secrets lie hashed; where an answer may go is our own rule (`redirect-uris.ts`): any port on loopback for native agents. */
function tightenClients(provider: Provider): void {
  const clients: ClientRules = provider.Client.prototype
  clients.compareClientSecret = function compare(shown) {
    return secretMatches(this.clientSecret, shown)
  }
  clients.redirectUriAllowed = function allowed(uri) {
    const registered = this.redirectUris ?? []
    return this.applicationType === 'native' ? redirectAllowed(registered, uri) : registered.includes(uri)
  }
}

interface ClientRules {
  readonly clientSecret?: string | undefined
  readonly redirectUris?: readonly string[] | undefined
  readonly applicationType?: string | undefined
  compareClientSecret(this: ClientRules, shown: string): boolean | Promise<boolean>
  redirectUriAllowed(this: ClientRules, uri: string): boolean
}

function configuration(deps: ProviderDeps, library: Library): Configuration {
  const { keys, servers, users, registrationOpen, cookies, cookieKey, clock } = deps
  const { errors } = library
  return {
    adapter: adapters(deps, library),
    jwks: { keys: keys.published.map(({ privateJwk }) => privateJwk) },
    routes: {
      authorization: '/authorize',
      pushed_authorization_request: '/par',
      registration: '/register',
      token: '/token',
      jwks: '/jwks',
    },
    scopes: ['openid'],
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'private_key_jwt', 'client_secret_basic', 'client_secret_post'],
    // Read and checked before the library sees a registration: it is to keep them.
    extraClientMetadata: { properties: ['software_id', 'software_version', 'software_statement'] },
    enabledJWA: {
      clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS] as SigningAlgorithm[],
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
      registration: {
        enabled: registrationOpen,
        // No key of the catalogue looks so, and no address.
        idFactory: () => `dyn_${randomId()}`,
        secretFactory: randomToken,
        issueRegistrationAccessToken: true,
      },
      registrationManagement: { enabled: registrationOpen, rotateRegistrationAccessToken: true },
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
    // The library dates what it signs by the clock of the machine. Whoever verifies goes by ours.
    formats: { customizers: { jwt: (_ctx, _token, { payload }) => redated(payload, nowSeconds(clock)) } },
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
          issuer: assertionAudience(deps.issuer, client.clientId, claims['aud']),
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
    fetch: clientFetch(deps, library.Provider),
  }
}

/**
 * Whom an assertion must be for: the issuer alone (RFC 7523bis). Agents that name themselves by a document may write our
 * token endpoint instead, as ChatGPT does (ADR 0013): what they send is then still for nobody else.
 */
function assertionAudience(issuer: string, clientId: string, audience: unknown): string {
  const tokenEndpoint = `${issuer}/token`
  return isDocumentId(clientId) && audience === tokenEndpoint ? tokenEndpoint : issuer
}

interface Dates {
  iat?: unknown
  exp?: unknown
}

/** In place: the library signs this very object. */
function redated(payload: Dates, now: number): void {
  if (typeof payload.iat !== 'number' || typeof payload.exp !== 'number') return
  payload.exp += now - payload.iat
  payload.iat = now
}

function adapters(deps: ProviderDeps, library: Library): (model: string) => Adapter {
  const caller = () => library.Provider.ctx?.oidc.client?.clientId
  const state = stateAdapter({ ...deps, errors: library.errors, caller })
  return (model) => {
    switch (model) {
      case 'Client':
        return clientAdapter({ ...deps, library })
      case 'RegistrationAccessToken':
        return managementAdapter({ agents: deps.agents })
      default:
        return state(model)
    }
  }
}
