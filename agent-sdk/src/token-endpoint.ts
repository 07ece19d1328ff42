import {
  allowInsecureRequests,
  clockSkew,
  customFetch,
  genericTokenEndpointRequest,
  processGenericTokenEndpointResponse,
  ResponseBodyError,
  type TokenEndpointResponse,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import {
  bearerToken,
  type Clock,
  GRANT_TOKEN_EXCHANGE,
  isObject,
  nowSeconds,
  parseScope,
  type Scopes,
} from '@tetrapod/protocol'
import type { AuthorizationServer } from './authorization-server.ts'
import { type Client, clientAuthentication } from './client.ts'
import { type Door, whole } from './door.ts'
import { JourneyFailed, TokenRefused } from './journey-failed.ts'

/** What the token endpoint gave (RFC 6749 §5.1), checked. */
export interface TokenAnswer {
  readonly token: string
  /** Seconds since the epoch; undefined when the server does not say. */
  readonly expiresAt: number | undefined
  /** Undefined when the server does not say: then it is what was asked for. */
  readonly scopes: Scopes | undefined
  readonly refreshToken: string | undefined
}

/** The parameters of a grant. One of them is the resource (RFC 8707): MCP asks for it in every token request. */
export type TokenRequest =
  | {
      readonly grantType: 'authorization_code' | 'refresh_token' | 'client_credentials'
      readonly parameters: Readonly<Record<string, string>> & { readonly resource: string }
    }
  /** The target is a resource, or the agent that is handed to (RFC 8693 §2.1). */
  | {
      readonly grantType: typeof GRANT_TOKEN_EXCHANGE
      readonly parameters: Readonly<Record<string, string>>
    }

export interface TokenEndpointDeps {
  readonly server: AuthorizationServer
  readonly client: Client
  readonly clock: Clock
  readonly door: Door
}

/**
 * Asks a token endpoint for a token (RFC 6749 §3.2), the agent proving itself as it is registered there.
 *
 * Throws {@link TokenRefused} for the server's no, {@link JourneyFailed} `token.malformed` for what is not a Bearer
 * token.
 */
export async function requestToken(
  { grantType, parameters }: TokenRequest,
  deps: TokenEndpointDeps,
): Promise<TokenAnswer> {
  const { issuer, tokenEndpoint } = deps.server
  const server = { issuer, token_endpoint: tokenEndpoint }
  const now = nowSeconds(deps.clock)
  // The library reads the machine's clock; this is how it is told ours.
  const client = { client_id: deps.client.id, [clockSkew]: now - Math.floor(Date.now() / 1000) }
  const proof = await clientAuthentication(deps.client.proof)
  const options = {
    [customFetch]: async (url: string, init: RequestInit) =>
      withoutEmpty(await whole(url, up(issuer, await deps.door(url, init)))),
    [allowInsecureRequests]: tokenEndpoint.startsWith('http:'),
  }
  try {
    const response = await genericTokenEndpointRequest(server, client, proof, grantType, parameters, options)
    return checked(
      await processGenericTokenEndpointResponse(server, client, response),
      nowSeconds(deps.clock),
    )
  } catch (error) {
    throw failure(error, issuer, grantType)
  }
}

/** What a server says that is not well says nothing about the request. */
function up(issuer: string, response: Response): Response {
  if (response.status < 500) return response
  const message = `${issuer} answered ${response.status}. Try again later.`
  throw new JourneyFailed('network.unreachable', message)
}

/** An empty member, or null, is a member that is not there: some servers write a refresh token they do not give so. */
async function withoutEmpty(response: Response): Promise<Response> {
  const { status, headers } = response
  const text = await response.text()
  return new Response(text === '' ? null : withoutEmptyMembers(text), { status, headers })
}

function withoutEmptyMembers(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return text
    const members = Object.entries(value).filter(([, member]) => member !== null && member !== '')
    return JSON.stringify(Object.fromEntries(members))
  } catch {
    return text
  }
}

function checked(response: TokenEndpointResponse, now: number): TokenAnswer {
  const { access_token, token_type, expires_in, scope, refresh_token } = response
  const token = bearerToken(`Bearer ${access_token}`)
  if (token_type !== 'bearer' || token === undefined) throw new TypeError('it is not a Bearer token')
  return {
    token,
    expiresAt: expires_in === undefined ? undefined : Math.floor(now + expires_in),
    scopes: scope === undefined ? undefined : parseScope(scope),
    refreshToken: refresh_token,
  }
}

/** The library's errors carry the response as their cause, token included: none of them goes further as a cause. */
function failure(error: unknown, issuer: string, grantType: TokenRequest['grantType']): unknown {
  if (error instanceof JourneyFailed) return error
  if (error instanceof ResponseBodyError) {
    const said = `${error.error}: ${error.error_description ?? ''}`
    return new TokenRefused(issuer, printable(error.error), printable(said), adviceFor(grantType))
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    return new TokenRefused(issuer, 'invalid_client', '401', adviceFor(grantType))
  }
  const why = error instanceof Error ? error.message : 'unknown'
  const message = `${issuer} gave no usable token (${why}). Check how the agent is registered there.`
  return new JourneyFailed('token.malformed', message)
}

function adviceFor(grantType: TokenRequest['grantType']): string {
  if (grantType !== GRANT_TOKEN_EXCHANGE)
    return 'Check client id, credential and redirect URI, or begin again.'
  return 'What was handed over may have ended or been taken back: ask for it again. Else check who may hand to whom, and what the user agreed to.'
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 200)
}
