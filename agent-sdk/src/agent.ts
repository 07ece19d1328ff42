import { generateRandomCodeVerifier, generateRandomState } from 'oauth4webapi'
import { type Clock, isLoopback, systemClock } from '@tetrapod/protocol'
import { authorizationUrl, type LoginOptions } from './authorization-url.ts'
import { readCallback } from './callback.ts'
import type { ClientKey } from './client-key.ts'
import { discover } from './discover.ts'
import { createDoor } from './door.ts'
import { JourneyFailed } from './journey-failed.ts'
import { createLogin, type Login } from './login.ts'
import { atLoopback, type LoopbackOptions } from './loopback.ts'
import { createPendingLogins } from './pending-logins.ts'
import { redeem } from './redeem.ts'

export interface AgentOptions {
  readonly client: {
    /** The agent's client id, as registered. */
    readonly id: string
    /** The agent's own key; its public half is registered. See `generateClientKey`. */
    readonly key: ClientKey
    /** The only authorization server to use this id and key at. Without it: the first that an MCP server names. */
    readonly issuer?: string
  }
  /** As registered: https, or http on loopback. */
  readonly redirectUri: string
  readonly clock?: Clock
  /** How the agent reaches the network. An agent that runs on a server hands in a fetch that checks addresses. */
  readonly fetch?: typeof globalThis.fetch
}

export interface Agent {
  /**
   * Begins a login at an MCP server: send the user's browser to `url`. Keep `state` in that browser's session and give
   * it to {@link finish}: only so can nobody slip their own login to another user (RFC 6749 §10.12).
   * Throws {@link JourneyFailed}.
   */
  begin(mcpUrl: string, options?: LoginOptions): Promise<{ readonly url: string; readonly state: string }>
  /**
   * Ends a login with the full URL the browser came back to. `state` is what {@link begin} gave this browser,
   * out of its session: never the one in the URL.
   * A callback counts once, within ten minutes. Throws {@link JourneyFailed}.
   */
  finish(callbackUrl: string, state: string): Promise<Login>
  /**
   * The whole login for an agent on the user's own machine: listens on the redirect URI (http on loopback), has the
   * browser opened, and resolves when it came back. Throws {@link JourneyFailed}.
   */
  login(mcpUrl: string, options: LoginOptions & LoopbackOptions): Promise<Login>
}

/**
 * An agent that is registered with its own key, and gets from an MCP URL to a token for that one URL.
 * Logins that have begun are kept in memory. Throws {@link JourneyFailed} `agent.redirect_refused`.
 */
export function createAgent({ client, redirectUri, ...options }: AgentOptions): Agent {
  checkRedirect(redirectUri)
  const { clock = systemClock, fetch = globalThis.fetch } = options
  const door = createDoor(fetch)
  const pending = createPendingLogins(clock)

  async function begin(mcpUrl: string, options: LoginOptions = {}) {
    const found = await discover(mcpUrl, { door, issuer: client.issuer })
    const scopes = options.scopes === undefined ? found.scopes : new Set(options.scopes)
    const login = { ...found, scopes, verifier: generateRandomCodeVerifier() }
    const state = generateRandomState()
    const url = await authorizationUrl(login, { clientId: client.id, redirectUri, state }, options)
    pending.add(state, login)
    return { url, state }
  }

  async function finish(callbackUrl: string, state: string) {
    const callback = readCallback(callbackUrl, { pending, expectedState: state })
    const redeemed = await redeem(callback, { client, redirectUri, clock, door })
    return createLogin(callback.login, redeemed, clock)
  }

  return {
    begin,
    finish,
    login: (mcpUrl, options) =>
      atLoopback(redirectUri, options, { begin: () => begin(mcpUrl, options), finish }),
  }
}

function checkRedirect(redirectUri: string): void {
  const url = URL.canParse(redirectUri) ? new URL(redirectUri) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))) return
  const message = 'The redirect URI must be https, or http on this machine. Register one that is.'
  throw new JourneyFailed('agent.redirect_refused', message)
}
