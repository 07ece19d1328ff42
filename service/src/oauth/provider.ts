import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { ACCESS_TOKEN_SECONDS, parseClientAssertion, SIGNING_ALGORITHM } from '@tetrapod/protocol'
import type { Agent } from '#agents'
import { configuredFetch, type Egress } from '#egress'
import { type Grants, grantsCalls, grantsScopes } from '#grants'
import { pageHeaders } from '#http'
import { type Clock, type Log, nowSeconds, type Secret } from '#kernel'
import type { Servers } from '#servers'
import type { Tokens } from '#tokens'
import type { Users } from '#users'
import { type AdapterDeps, stateAdapter } from './adapter.ts'
import { clientMetadata } from './client-metadata.ts'
import { callsFrom } from './closure.ts'
import type { Cookies } from './cookies.ts'
import { renderProtocolError } from './error-page.ts'
import { formatLoginId, newLoginId, parseLoginId } from './login-id.ts'

export interface ProviderDeps extends Omit<AdapterDeps, 'errors'> {
  readonly issuer: string
  /** The agents that the catalogue names. */
  readonly registered: readonly Agent[]
  readonly servers: Servers
  readonly users: Users
  readonly grants: Grants
  readonly tokens: Tokens
  readonly egress: Egress
  readonly cookies: Cookies
  /** Signs the cookies of the library. */
  readonly cookieKey: Secret<Uint8Array>
  readonly clock: Clock
  readonly log: Log
}

/**
 * The library that owns authorize and the redemption of codes, tightened. What it is not asked to do is switched off;
 * what it decides by itself and we want otherwise is decided in the hooks below.
 */
export async function createProvider(deps: ProviderDeps): Promise<Provider> {
  const library = await loadLibrary()
  const provider = new library.Provider(deps.issuer, configuration(deps, library))
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

type Library = Awaited<ReturnType<typeof loadLibrary>>

/** The library warns on a Node that does not call itself LTS, as builds from npm do not. */
async function loadLibrary() {
  Object.assign(process.release, { lts: process.release.lts ?? 'npm' })
  const { default: Provider, errors, interactionPolicy } = await import('oidc-provider')
  return { Provider, errors, interactionPolicy }
}

function configuration(deps: ProviderDeps, library: Library): Configuration {
  const { tokens, servers, users, egress, cookies, cookieKey, clock } = deps
  const { errors } = library
  return {
    adapter: stateAdapter({ ...deps, errors }),
    clients: deps.registered.map(clientMetadata),
    jwks: { keys: [...tokens.privateKeys.keys] },
    routes: { authorization: '/authorize', token: '/token', jwks: '/jwks' },
    scopes: ['openid'],
    responseTypes: ['code'],
    clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
    enabledJWA: {
      clientAuthSigningAlgValues: [SIGNING_ALGORITHM],
      idTokenSigningAlgValues: [SIGNING_ALGORITHM],
    },
    clientDefaults: { id_token_signed_response_alg: SIGNING_ALGORITHM },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
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
    extraTokenClaims: (ctx, token) => rootClaims(ctx, token, deps),
    issueRefreshToken: () => false,
    // A code belongs to its login alone: another login in the same browser, to a second server perhaps, must not end it.
    expiresWithSession: () => false,
    allowOmittingSingleRegisteredRedirectUri: false,
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? ACCESS_TOKEN_SECONDS,
      AuthorizationCode: 60,
      Grant: 24 * 3600,
      IdToken: ACCESS_TOKEN_SECONDS,
      Interaction: 15 * 60,
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
    clientBasedCORS: () => false,
    fetch: configuredFetch(egress),
  }
}

/** One resource for one token: a mount of ours (RFC 8707; DESIGN §1). The token ends with its grant at the latest. */
async function resourceInfo(
  ctx: KoaContextWithOIDC,
  resource: string,
  { servers, grants, clock }: ProviderDeps,
  errors: Library['errors'],
) {
  if (Array.isArray(ctx.oidc.params?.['resource']))
    throw new errors.InvalidTarget('name exactly one resource')
  const server = servers.byMount(resource)
  if (server === undefined) throw new errors.InvalidTarget('this resource is not one of ours')
  const login = parseLoginId(ctx.oidc.entities.AuthorizationCode?.grantId ?? '')
  const grant = login === undefined ? undefined : await grants.live(login.grant)
  return {
    scope: Object.keys(server.scopes).join(' '),
    audience: server.mount,
    accessTokenFormat: 'jwt' as const,
    accessTokenTTL: secondsWithin(ACCESS_TOKEN_SECONDS, grant?.expiresAt ?? Infinity, clock),
    jwt: { sign: { alg: SIGNING_ALGORITHM } },
  }
}

/** Who asks for no scope asks for all that the resource has; consent shows them. */
function defaultScope(servers: Servers) {
  return (ctx: KoaContextWithOIDC) => {
    const params = ctx.oidc.params
    if (params === undefined || params['scope'] !== undefined) return
    const server = servers.byMount(String(params['resource']))
    if (server !== undefined) params['scope'] = Object.keys(server.scopes).join(' ')
  }
}

/** The library's own session follows ours: without a sign-in of ours, or with another one, it must be asked for again. */
function promptPolicy({ interactionPolicy }: Library, users: Users, cookies: Cookies) {
  const policy = interactionPolicy.base()
  const { Check } = interactionPolicy
  const follows = new Check('signed_in', 'the user must sign in', async (ctx) => {
    const session = await users.session(cookies.session(ctx.req.headers.cookie))
    const { accountId, loginTs } = ctx.oidc.session ?? {}
    return accountId !== undefined && (session?.account !== accountId || session.authTime !== loginTs)
  })
  policy.get('login')?.checks.add(follows)
  policy.get('consent')?.checks.remove('native_client_prompt')
  return policy
}

/** The login to give a code for: the one just agreed to, or a new one under a grant that covers the request already. */
async function loadLogin(ctx: KoaContextWithOIDC, deps: ProviderDeps) {
  const { provider, client, account, result, params } = ctx.oidc
  const agreed = result?.consent?.grantId
  if (agreed !== undefined) return provider.Grant.find(agreed)
  const server = deps.servers.byMount(String(params?.['resource']))
  const session = await deps.users.session(deps.cookies.session(ctx.req.headers.cookie))
  if (
    client === undefined ||
    account === undefined ||
    server === undefined ||
    session?.account !== account.accountId
  ) {
    return undefined
  }
  const grant = await deps.grants.liveFor(account.accountId, client.clientId)
  const scopes = requestedScopes(ctx, server.scopes)
  if (grant === undefined || scopes.size === 0 || ctx.oidc.prompts.has('consent')) return undefined
  if (!grantsScopes(grant, server.key, scopes)) return undefined
  if (!grantsCalls(grant, server.key, callsFrom(server, scopes), scopes)) return undefined
  return saveLogin(provider, {
    grant: grant.id,
    session: session.id,
    user: account.accountId,
    agent: client.clientId,
    mount: server.mount,
    scopes,
    openid: ctx.oidc.requestParamOIDCScopes.has('openid'),
  })
}

/** Records a login under a grant as the library wants it, and returns its Grant. */
export async function saveLogin(
  provider: Provider,
  login: {
    readonly grant: string
    readonly session: string
    readonly user: string
    readonly agent: string
    readonly mount: string
    readonly scopes: ReadonlySet<string>
    readonly openid: boolean
  },
) {
  const grant = new provider.Grant({ accountId: login.user, clientId: login.agent })
  grant.jti = formatLoginId(newLoginId(login.grant, login.session))
  grant.addResourceScope(login.mount, [...login.scopes].join(' '))
  if (login.openid) grant.addOIDCScope('openid')
  await grant.save()
  return grant
}

function requestedScopes(
  ctx: KoaContextWithOIDC,
  known: Readonly<Record<string, string>>,
): ReadonlySet<string> {
  return new Set([...ctx.oidc.requestParamScopes].filter((scope) => Object.hasOwn(known, scope)))
}

/** The claims that make token 1 the root of a chain. */
async function rootClaims(ctx: KoaContextWithOIDC, token: object, { tokens, users }: ProviderDeps) {
  const { AuthorizationCode: code } = ctx.oidc.entities
  const login = parseLoginId(String(code?.grantId))
  const user = code?.accountId === undefined ? undefined : await users.find(code.accountId)
  if (login === undefined || user === undefined || code?.clientId === undefined || !('scope' in token)) {
    throw new Error('an access token can only come from a code of a known user')
  }
  return {
    ...tokens.root({
      grant: login.grant,
      family: login.family,
      session: login.session,
      agent: code.clientId,
      subjectId: user.subjectId,
      authTime: code.authTime ?? 0,
      acr: code.acr ?? '',
    }),
  }
}

/** `most` seconds, or fewer when something ends earlier (milliseconds since the epoch); at least one. */
function secondsWithin(most: number, endsAt: number, clock: Clock): number {
  return Math.max(1, Math.min(most, Math.floor((endsAt - clock.now()) / 1000)))
}
