import { type Clock, nowSeconds, type Scopes } from '@tetrapod/protocol'
import type { Handover } from './hand-over.ts'
import { LoginRequired } from './journey-failed.ts'
import type { Keeper } from './keeper.ts'

/** The `AuthProvider` of the official MCP client. Use it for {@link Login.mcpUrl} alone. */
export interface AuthProvider {
  /** Renewed before it expires; undefined when that is not possible. */
  token(): Promise<string | undefined>
  /** Renews the token. Throws {@link LoginRequired} when the login is over. */
  onUnauthorized(): Promise<void>
}

/** A user's login of this agent at one MCP server. The token is not a property: printing a login shows no secret. */
export interface Login {
  /** The MCP URL: the only place the token may be sent to. */
  readonly mcpUrl: string
  /** What the token is for (RFC 8707): the MCP URL, or the origin of a server that has one resource. */
  readonly resource: string
  readonly issuer: string
  /** What was granted, which may be less than what was asked for. */
  readonly scopes: Scopes
  /** Seconds since the epoch; undefined when the authorization server does not say. */
  readonly expiresAt: number | undefined
  /** The access token (opaque to an agent) as it is now, or undefined once it has expired. */
  token(): string | undefined
  readonly authProvider: AuthProvider
  /**
   * A fetch for any MCP client: requests to {@link mcpUrl} carry the token, renewed before it expires and when the
   * server no longer takes it. Rejects with {@link LoginRequired} or `StepUpRequired` when the user has to act.
   */
  readonly fetch: typeof globalThis.fetch
  /**
   * Hands part of this login to a sub-agent: a token that this one sub-agent exchanges with `accept`, and that is of no use
   * to anybody else, this agent included. Give it to the sub-agent, and log it nowhere. Throws {@link LoginRequired},
   * `StepUpRequired` where the user has not agreed to it, `JourneyFailed` `token.*`.
   */
  delegate(handover: Handover): Promise<string>
}

export function createLogin(
  keeper: Keeper,
  { clock, fetch, delegate }: { clock: Clock } & Pick<Login, 'fetch' | 'delegate'>,
): Login {
  const { mcpUrl, resource, server } = keeper.destination
  const token = () => {
    const { accessToken, expiresAt } = keeper.current()
    return expiresAt !== undefined && expiresAt <= nowSeconds(clock) ? undefined : accessToken
  }
  return {
    mcpUrl,
    resource,
    issuer: server.issuer,
    get scopes() {
      return keeper.current().scopes
    },
    get expiresAt() {
      return keeper.current().expiresAt
    },
    token,
    fetch,
    delegate,
    authProvider: {
      token: () => keeper.fresh().then(({ accessToken }) => accessToken, withoutLogin),
      onUnauthorized: async () => void (await keeper.renew(keeper.current().accessToken)),
    },
  }
}

/** The client then asks without a token, and is told what to do by {@link AuthProvider.onUnauthorized}. */
function withoutLogin(error: unknown): undefined {
  if (!(error instanceof LoginRequired)) throw error
}
