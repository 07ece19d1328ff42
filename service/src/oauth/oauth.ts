import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { exchange, type ExchangeDeps } from '#broker'
import { document, failurePage, type Handler, type Routes } from '#http'
import type { Log, Secret } from '#kernel'
import type { Feed } from '#revocation'
import type { Tickets } from '#tickets'
import { authorize } from './authorize.ts'
import type { Client, ClientAuthenticationDeps } from './client-authentication.ts'
import { createCookies } from './cookies.ts'
import { announceTruth } from './discovery.ts'
import { type InteractionDeps, interactionRoutes } from './interaction.ts'
import { createProvider, type ProviderDeps } from './provider.ts'
import { revocationFeed } from './revocation-feed.ts'
import { signInRoutes } from './sign-in.ts'
import { type SignOutDeps, signOutRoutes } from './sign-out.ts'
import { tokenEndpoint } from './token-endpoint.ts'

export interface OAuthDeps
  extends
    Omit<ProviderDeps, 'cookies'>,
    ExchangeDeps,
    Pick<InteractionDeps, 'recordConsent'>,
    Pick<SignOutDeps, 'recordSignOut'> {
  readonly clients: (id: string) => Client | undefined
  readonly feed: Feed
  readonly tickets: Tickets
  /** Puts a sign-in on record before it counts. */
  readonly recordSignIn: Parameters<typeof signInRoutes>[0]['recordSignIn']
  readonly cookieKey: Secret<Uint8Array>
  readonly log: Log
}

/** The authorization server: the library where it is good, ours in front of it where it is not (DESIGN §7). */
export async function oauthRoutes(deps: OAuthDeps): Promise<Routes> {
  const { issuer, users, tickets, tokens, log } = deps
  const cookies = createCookies(issuer)
  const provider = await createProvider({ ...deps, cookies })
  announceTruth(provider, deps.servers)
  const library = fromPublicUrl(issuer, provider.callback())
  const clients: ClientAuthenticationDeps = {
    issuer,
    find: deps.clients,
    replay: deps.replay,
    clock: deps.clock,
  }
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
      '/.well-known/oauth-authorization-server': library,
      '/.well-known/openid-configuration': library,
      '/jwks': document(tokens.publicKeys),
      '/token': tokenEndpoint({
        clients,
        exchange: (caller, request) => exchange(caller, request, deps),
        library,
        log,
      }),
      '/revocations': revocationFeed({ clients, feed: deps.feed }),
    },
    segments: {
      authorize: authorize({ ...shared, library, clock: deps.clock, log }),
      'sign-in': pages,
      'sign-out': pages,
      interaction: pages,
    },
  }
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
