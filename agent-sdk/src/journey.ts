import type { Scopes } from '@tetrapod/protocol'
import { generateRandomCodeVerifier, generateRandomState } from 'oauth4webapi'
import { authorizationUrl, type LoginOptions } from './authorization-url.ts'
import { readCallback } from './callback.ts'
import type { Delegation } from './delegation.ts'
import { type Destination, discover, type DiscoverDeps } from './discover.ts'
import { identify, type IdentifyDeps, knownClient } from './identify.ts'
import { JourneyFailed, LoginRequired, TokenRefused } from './journey-failed.ts'
import { createKeeper, type Keeper, type Kept, keyOf, renewalOf } from './keeper.ts'
import type { PendingLogin, PendingLogins } from './pending-logins.ts'
import { scopesToAskFor } from './scopes-to-ask-for.ts'
import { requestToken } from './token-endpoint.ts'
import { formatKey, memoryStore, type TokenStore } from './token-store.ts'
import { firstTokens, formatTokens, parseTokens, type Tokens } from './tokens.ts'

export interface JourneyDeps extends IdentifyDeps {
  readonly pending: PendingLogins
}

/** Where the tokens of a login go, and where its browser comes back to. */
export interface Return {
  readonly redirectUri: string
  readonly store: TokenStore
}

/** The steps between an MCP URL and tokens that are kept. */
export interface Journey {
  discover(mcpUrl: string, challenge?: DiscoverDeps['challenge']): Promise<Destination>
  /** The tokens there are already, still good or renewed; undefined: the user has to log in. */
  resume(destination: Destination, user: string | undefined): Promise<Keeper | undefined>
  begin(
    destination: Destination,
    back: Return,
    options: LoginOptions,
  ): Promise<{ readonly url: string; readonly state: string }>
  finish(callbackUrl: string, state: string): Promise<Keeper>
  /** Forgets how the agent registered itself at an issuer, which may not know it any more. */
  forget(issuer: string): Promise<void>
  /** Tokens for the agent itself, without a user. */
  asItself(destination: Destination, scopes: Iterable<string> | undefined): Promise<Keeper>
  /** Tokens for a user whose login is another agent's, which handed part of it to this one. */
  accept(destination: Destination, delegation: Delegation, scopes: Iterable<string>): Promise<Keeper>
}

export function createJourney(deps: JourneyDeps): Journey {
  const { pending, client, clock, door, store } = deps
  const keepers = new Map<string, Keeper>()

  async function redeem({ code, login }: { code: string; login: PendingLogin }): Promise<Tokens> {
    const { destination, client, redirectUri, verifier, scopes } = login
    const { server, resource } = destination
    const parameters = { code, redirect_uri: redirectUri, code_verifier: verifier, resource }
    try {
      const request = { grantType: 'authorization_code', parameters } as const
      return firstTokens(await requestToken(request, { server, client, clock, door }), scopes ?? new Set())
    } catch (error) {
      if (error instanceof TokenRefused && error.error === 'invalid_client') await forget(server.issuer)
      throw error
    }
  }

  const forget = (issuer: string) => store.delete({ issuer })

  function keeperOf(kept: Kept, tokens: Tokens, own: TokenStore): Keeper {
    const { issuer } = kept.destination.server
    const keeper = createKeeper(kept, tokens, {
      store: own,
      clock,
      door,
      clientRefused: () => forget(issuer),
    })
    // One for all, so that no token is renewed twice; a login that is kept in itself alone has its own.
    if (own === store) keepers.set(formatKey(keyOf(kept)), keeper)
    return keeper
  }

  async function stored(kept: Kept): Promise<Keeper | undefined> {
    const key = keyOf(kept)
    const tokens = parseTokens(await store.load(key))
    return keepers.get(formatKey(key)) ?? (tokens && keeperOf(kept, tokens, store))
  }

  return {
    discover: (mcpUrl, challenge) => discover(mcpUrl, { door, issuer: client?.issuer, challenge }),

    async resume(destination, user) {
      const client = await knownClient(destination.server, deps)
      const keeper = client && (await stored({ destination, client, user }))
      try {
        await keeper?.fresh()
        return keeper
      } catch (error) {
        if (error instanceof LoginRequired) return undefined
        throw error
      }
    },

    async begin(destination, { redirectUri, store }, options) {
      const client = await identify(destination.server, deps)
      const scopes = scopesToAskFor(destination, options.scopes)
      const state = generateRandomState()
      const verifier = generateRandomCodeVerifier()
      const { user } = options
      const login = { destination, client, user, scopes, redirectUri, store, verifier }
      const url = await authorizationUrl(login, state, options)
      pending.add(state, login)
      return { url, state }
    },

    async finish(callbackUrl, state) {
      const callback = readCallback(callbackUrl, { pending, expectedState: state })
      const { destination, client, user, store: own } = callback.login
      const kept = { destination, client, user }
      const tokens = await redeem(callback)
      const keeper = own === store ? keepers.get(formatKey(keyOf(kept))) : undefined
      if (keeper === undefined) {
        await own.save(keyOf(kept), formatTokens(tokens))
        return keeperOf(kept, tokens, own)
      }
      await keeper.replace(tokens)
      return keeper
    },

    forget,

    asItself: (destination, chosen) =>
      proven({ destination, asItself: true }, new Set(chosen ?? destination.scopes ?? [])),

    accept: (destination, delegation, scopes) => proven({ destination, delegation }, new Set(scopes)),
  }

  /** Tokens that the agent gets for proving who it is. They are kept in the login alone. */
  async function proven(
    how: Pick<Kept, 'destination' | 'asItself' | 'delegation'>,
    requested: Scopes,
  ): Promise<Keeper> {
    const { mcpUrl, server } = how.destination
    const client = await knownClient(server, deps)
    if (client === undefined || client.proof.method === 'none') throw unproven(server.issuer)
    const request = await renewalOf(how, { requested, refreshToken: undefined })
    if (request === undefined) throw new LoginRequired(mcpUrl)
    const answer = await requestToken(request, { ...deps, server, client })
    return keeperOf({ ...how, client, user: undefined }, firstTokens(answer, requested), memoryStore())
  }
}

function unproven(issuer: string): JourneyFailed {
  const message = `Without a login of its own the agent proves who it is. Register it at ${issuer} with its key, or with a secret, and give its client id.`
  return new JourneyFailed('client.unidentified', message)
}
