import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { JWKS_SECONDS } from '@tetrapod/protocol'
import { Hono } from 'hono'
import { exchange, type ExchangeDeps } from '#broker'
import { anyOrigin, document, failurePage, type Handler, type Routes } from '#http'
import type { Log, Secret } from '#kernel'
import type { Feed, Revocation } from '#revocation'
import type { Tickets } from '#tickets'
import type { Tokens } from '#tokens'
import { authorize } from './authorize.ts'
import type { Client, ClientAuthenticationDeps } from './client-authentication.ts'
import { createCookies } from './cookies.ts'
import { announceTruth } from './discovery.ts'
import { heldRefreshTokens } from './held-refresh-tokens.ts'
import { type InteractionDeps, interactionRoutes } from './interaction.ts'
import { introspection } from './introspection.ts'
import { knownClients } from './known-clients.ts'
import { createProvider, type ProviderDeps } from './provider.ts'
import { pushedAuthorization } from './pushed.ts'
import { createRefreshTokens } from './refresh-tokens.ts'
import { registration } from './registration.ts'
import { revocationFeed } from './revocation-feed.ts'
import { rotatingLibrary } from './rotating-library.ts'
import { signInRoutes } from './sign-in.ts'
import { type SignOutDeps, signOutRoutes } from './sign-out.ts'
import type { CheckStatement } from './software-statement.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { tokenRevocation } from './token-revocation.ts'

export interface OAuthDeps
  extends
    Omit<ProviderDeps, 'cookies' | 'keys' | 'refreshTokens'>,
    Omit<ExchangeDeps, 'agents'>,
    Pick<InteractionDeps, 'recordConsent'>,
    Pick<SignOutDeps, 'recordSignOut'> {
  readonly clients: (id: string) => Client | undefined
  /** Verifies software statements; and whether agents may register without one. */
  readonly checkStatement: CheckStatement
  readonly openToAll: boolean
  readonly revocation: Revocation
  readonly feed: Feed
  readonly tickets: Tickets
  /** Puts a sign-in on record before it counts. */
  readonly recordSignIn: Parameters<typeof signInRoutes>[0]['recordSignIn']
  readonly cookieKey: Secret<Uint8Array>
  /** Makes refresh tokens and knows them again. */
  readonly refreshKey: Secret<Uint8Array>
  readonly log: Log
}

/** The authorization server: the library where it is good, ours in front of it where it is not (DESIGN §7). */
export async function oauthRoutes(deps: OAuthDeps): Promise<Routes> {
  const { issuer, users, tickets, tokens, log } = deps
  const cookies = createCookies(issuer)
  const refreshTokens = createRefreshTokens({ ...deps, key: deps.refreshKey })
  const libraryNow = rotatingLibrary(tokens.keys, async (keys) => {
    const provider = await createProvider({ ...deps, cookies, keys, refreshTokens })
    announceTruth(provider, deps)
    return { provider, handle: fromPublicUrl(issuer, provider.callback()) }
  })
  const library: Handler = async (request, response) => (await libraryNow()).handle(request, response)
  // Pages sign nothing: whichever build they have finds the same state.
  const { provider } = await libraryNow()
  const known = knownClients(deps)
  const clients: ClientAuthenticationDeps = {
    issuer,
    find: known.catalogue,
    replay: deps.replay,
    clock: deps.clock,
  }
  const everyClient: ClientAuthenticationDeps = { ...clients, find: known.all }
  const held = heldRefreshTokens({ ...deps, refreshTokens })
  const shared = { publicUrl: issuer, users, tickets, cookies }
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.route('/', signInRoutes({ ...shared, recordSignIn: deps.recordSignIn }))
  app.route('/', signOutRoutes({ ...shared, recordSignOut: deps.recordSignOut }))
  app.route('/', interactionRoutes({ ...deps, ...shared, provider }))
  app.onError(async (error, c) => {
    const { status, headers, body } = await failurePage(error, log)
    return c.html(body, status, headers)
  })
  const pages: Handler = getRequestListener(app.fetch)

  return {
    paths: {
      '/.well-known/oauth-authorization-server': anyOrigin(library, 'GET'),
      '/.well-known/openid-configuration': anyOrigin(library, 'GET'),
      '/jwks': anyOrigin(
        async (request, response) => document(await jwks(tokens), JWKS_SECONDS)(request, response),
        'GET',
      ),
      '/par': anyOrigin(pushedAuthorization({ library, clock: deps.clock, log }), 'POST'),
      '/token': anyOrigin(
        tokenEndpoint({
          clients,
          exchange: (caller, form) => exchange(caller, form, deps),
          check: tokens.check,
          library,
          log,
        }),
        'POST',
      ),
      '/introspect': introspection({ ...deps, clients: everyClient, ...held }),
      '/revoke': tokenRevocation({ ...deps, clients: { ...everyClient, publicToo: true }, ...held }),
      '/revocations': revocationFeed({ clients, feed: deps.feed }),
    },
    segments: {
      authorize: authorize({ ...shared, library, clock: deps.clock, log }),
      'sign-in': pages,
      'sign-out': pages,
      interaction: pages,
      ...(deps.registrationOpen
        ? { register: anyOrigin(registration({ ...deps, library }), 'POST, GET, PUT, DELETE') }
        : {}),
    },
  }
}

/** What everybody may fetch (RFC 7517 §5). */
async function jwks({ keys }: Tokens): Promise<object> {
  return { keys: (await keys.current()).published.map(({ publicJwk }) => publicJwk) }
}

/** The library derives addresses from the request; here they come from `publicUrl`, whatever a proxy or a client says. */
function fromPublicUrl(publicUrl: string, library: Handler): Handler {
  const { protocol, host } = new URL(publicUrl)
  return (request, response) => {
    for (const name of Object.keys(request.headers))
      if (name.startsWith('x-forwarded-')) delete request.headers[name]
    Object.assign(request.headers, { host, 'x-forwarded-proto': protocol.slice(0, -1) })
    return library(request, response)
  }
}
