import { type Clock, nowSeconds, type Scopes } from '@tetrapod/protocol'
import type { Destination } from './discover.ts'
import { LoginRequired } from './journey-failed.ts'
import type { Redeemed } from './redeem.ts'

/** The `AuthProvider` of the official MCP client. Use it for {@link Login.resource} alone. */
export interface AuthProvider {
  token(): Promise<string | undefined>
  /** Throws {@link LoginRequired}. */
  onUnauthorized(): Promise<void>
}

/** A user's login of this agent at one MCP server. The token is not a property: printing a login shows no secret. */
export interface Login {
  /** The MCP URL: the only place the token may be sent to. */
  readonly resource: string
  readonly issuer: string
  /** What was granted, which may be less than what was asked for. */
  readonly scopes: Scopes
  /** Seconds since the epoch; undefined when the authorization server does not say. */
  readonly expiresAt: number | undefined
  /** The access token (opaque to an agent), or undefined once it has expired. */
  token(): string | undefined
  readonly authProvider: AuthProvider
}

export function createLogin(
  { resource, scopes, server }: Destination,
  redeemed: Redeemed,
  clock: Clock,
): Login {
  const { expiresAt } = redeemed
  const token = () => (expiresAt !== undefined && expiresAt <= nowSeconds(clock) ? undefined : redeemed.token)
  return {
    resource,
    issuer: server.issuer,
    scopes: redeemed.scopes ?? scopes ?? new Set(),
    expiresAt,
    token,
    authProvider: {
      token: () => Promise.resolve(token()),
      onUnauthorized: () => Promise.reject(new LoginRequired(resource)),
    },
  }
}
