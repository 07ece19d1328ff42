import { type Clock, formatScope, nowSeconds } from '@tetrapod/protocol'
import type { Client } from './client.ts'
import type { Destination } from './discover.ts'
import type { Door } from './door.ts'
import { LoginRequired, TokenRefused } from './journey-failed.ts'
import { type Delegation, takeUp } from './delegation.ts'
import { requestToken, type TokenRequest } from './token-endpoint.ts'
import { formatTokens, mergeTokens, parseTokens, type Tokens } from './tokens.ts'
import type { StoreKey, TokenStore } from './token-store.ts'

/** What a keeper keeps tokens for: one resource, at the authorization server that gives them, to one client there. */
export interface Kept {
  readonly destination: Destination
  readonly client: Client
  /** Whose login, where one agent acts for many. */
  readonly user: string | undefined
  /** The agent acts for nobody but itself: it asks again with what it is known by (RFC 6749 §4.4). */
  readonly asItself?: boolean
  /** What another agent handed to this one: it is exchanged again for the next token. */
  readonly delegation?: Delegation
}

/** The tokens of one login, and the only place that renews them. */
export interface Keeper extends Kept {
  /** What it has now; it may have expired. */
  current(): Tokens
  /**
   * What to send now, renewed when it is about to expire. What has not expired yet is sent all the same when the
   * renewal fails: the failure may pass. Throws {@link LoginRequired} when there is nothing to renew with.
   * With `seconds` it is renewed that long before.
   */
  fresh(seconds?: number): Promise<Tokens>
  /**
   * The resource did not take `sent`: gives another token, renewed at most once for all who ask at the same time.
   * Throws {@link LoginRequired} when the login is over.
   */
  renew(sent: string): Promise<Tokens>
  /** A new login takes the place of the one before. */
  replace(tokens: Tokens): Promise<void>
}

export interface KeeperDeps {
  readonly store: TokenStore
  readonly clock: Clock
  readonly door: Door
  /** The authorization server no longer knows the client: the next login has to register anew. */
  readonly clientRefused: () => Promise<void>
}

/** Renewed this long before the end, so that a call does not arrive with a token that has just expired. */
const EARLY_SECONDS = 30

/** Keeps tokens that are in the store already. One keeper for one key of a store in a process: the callers share it. */
export function createKeeper(kept: Kept, tokens: Tokens, deps: KeeperDeps): Keeper {
  const { store, clock, door } = deps
  const key = keyOf(kept)
  const { mcpUrl, server } = kept.destination
  let current = tokens
  let unsaved: Tokens | undefined
  let flight: Promise<Tokens> | undefined

  const expiresWithin = (seconds: number, { expiresAt }: Tokens) =>
    expiresAt !== undefined && expiresAt <= nowSeconds(clock) + seconds

  /** A token is used once it is stored: were it lost in a crash, the one before it would be used up already. */
  async function keep(next: Tokens): Promise<Tokens> {
    unsaved = next
    await store.save(key, formatTokens(next))
    unsaved = undefined
    current = next
    return next
  }

  async function refresh(): Promise<Tokens> {
    if (unsaved !== undefined) return keep(unsaved)
    // Another process may have renewed it, and the token it renewed is used up.
    const stored = parseTokens(await store.load(key))
    if (stored !== undefined && stored.accessToken !== current.accessToken) {
      current = stored
      if (!expiresWithin(EARLY_SECONDS, stored)) return stored
    }
    const request = await renewalOf(kept, current)
    if (request === undefined) throw new LoginRequired(mcpUrl)
    return redeem(request)
  }

  async function redeem(request: TokenRequest): Promise<Tokens> {
    const before = current
    try {
      const answer = await requestToken(request, { server, client: kept.client, clock, door })
      return await keep(mergeTokens(before, answer))
    } catch (error) {
      // What was handed over is for another agent to renew.
      if (!(error instanceof TokenRefused) || kept.delegation !== undefined) throw error
      if (error.error === 'invalid_grant') return refused(before.refreshToken)
      if (error.error !== 'invalid_client') throw error
      await deps.clientRefused()
      throw new LoginRequired(mcpUrl)
    }
  }

  /** The end, unless somebody else renewed in between: then the stored token is not the one that was sent. */
  async function refused(sent: string | undefined): Promise<Tokens> {
    const stored = parseTokens(await store.load(key))
    if (stored !== undefined && stored.refreshToken !== sent) return (current = stored)
    await store.delete(key)
    current = { ...current, refreshToken: undefined }
    throw new LoginRequired(mcpUrl)
  }

  function renewed(): Promise<Tokens> {
    flight ??= refresh().finally(() => (flight = undefined))
    return flight
  }

  return {
    ...kept,
    current: () => current,
    async fresh(seconds = EARLY_SECONDS) {
      // Whoever was handed one token gets no other that ends later.
      const early = typeof kept.delegation === 'string' ? 0 : seconds
      if (!expiresWithin(early, current)) return current
      try {
        return await renewed()
      } catch (error) {
        if (expiresWithin(0, current)) throw error
        return current
      }
    },
    renew: (sent) => (current.accessToken === sent ? renewed() : Promise.resolve(current)),
    replace: async (tokens) => void (await keep(tokens)),
  }
}

/** The request for the next token, with the resource of the first; undefined: a user has to log in. */
export async function renewalOf(
  { destination, asItself, delegation }: Pick<Kept, 'destination' | 'asItself' | 'delegation'>,
  { refreshToken, requested }: Pick<Tokens, 'refreshToken' | 'requested'>,
): Promise<TokenRequest | undefined> {
  if (delegation !== undefined) return takeUp(destination, delegation, requested)
  const { resource } = destination
  if (asItself === true) {
    const scope = requested.size === 0 ? {} : { scope: formatScope(requested) }
    return { grantType: 'client_credentials', parameters: { ...scope, resource } }
  }
  if (refreshToken === undefined) return undefined
  return { grantType: 'refresh_token', parameters: { refresh_token: refreshToken, resource } }
}

export function keyOf({ destination: { resource, server }, client, user }: Kept): StoreKey {
  const key = { issuer: server.issuer, resource, clientId: client.id }
  return user === undefined ? key : { ...key, user }
}
