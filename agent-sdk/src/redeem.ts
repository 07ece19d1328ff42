import { importJWK } from 'jose'
import {
  allowInsecureRequests,
  clockSkew,
  customFetch,
  genericTokenEndpointRequest,
  modifyAssertion,
  PrivateKeyJwt,
  processAuthorizationCodeResponse,
  ResponseBodyError,
  type TokenEndpointResponse,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import {
  bearerToken,
  type Clock,
  nowSeconds,
  parseScope,
  type Scopes,
  SIGNING_ALGORITHM,
  TYP_CLIENT_ASSERTION,
} from '@tetrapod/protocol'
import type { Callback } from './callback.ts'
import type { ClientKey } from './client-key.ts'
import { type Door, whole } from './door.ts'
import { JourneyFailed } from './journey-failed.ts'

/** What the token endpoint gave (RFC 6749 §5.1), checked. */
export interface Redeemed {
  readonly token: string
  /** Seconds since the epoch; undefined when the server does not say. */
  readonly expiresAt: number | undefined
  /** Undefined when the server does not say: then it is what was asked for. */
  readonly scopes: Scopes | undefined
}

export interface RedeemDeps {
  readonly client: { readonly id: string; readonly key: ClientKey }
  readonly redirectUri: string
  readonly clock: Clock
  readonly door: Door
}

/**
 * Turns a code into a token for one resource (RFC 8707), the agent proving itself with its key: an assertion whose
 * only audience is the issuer (rfc7523bis), so that no other server can use it.
 *
 * Throws {@link JourneyFailed} `token.refused` for the server's no, `token.malformed` for what is not a Bearer token.
 */
export async function redeem({ code, login }: Callback, deps: RedeemDeps): Promise<Redeemed> {
  const { issuer, tokenEndpoint } = login.server
  const server = { issuer, token_endpoint: tokenEndpoint }
  // The library reads the machine's clock; this is how it is told ours.
  const skew = nowSeconds(deps.clock) - Math.floor(Date.now() / 1000)
  const client = { client_id: deps.client.id, [clockSkew]: skew }
  const proof = await proofOf(deps.client.key)
  const parameters = {
    code,
    redirect_uri: deps.redirectUri,
    code_verifier: login.verifier,
    resource: login.resource,
  }
  try {
    const response = await genericTokenEndpointRequest(
      server,
      client,
      proof,
      'authorization_code',
      parameters,
      {
        [customFetch]: async (url, init) => whole(url, await deps.door(url, init)),
        [allowInsecureRequests]: tokenEndpoint.startsWith('http:'),
      },
    )
    return checked(await processAuthorizationCodeResponse(server, client, response), nowSeconds(deps.clock))
  } catch (error) {
    throw failure(error, issuer)
  }
}

async function proofOf(key: ClientKey) {
  const imported = await importJWK({ ...key }, SIGNING_ALGORITHM)
  if (imported instanceof Uint8Array) throw new TypeError('an agent key is an EC key')
  return PrivateKeyJwt({ key: imported, kid: key.kid }, { [modifyAssertion]: setType })
}

function setType(header: Record<string, unknown>): void {
  header['typ'] = TYP_CLIENT_ASSERTION
}

function checked(response: TokenEndpointResponse, now: number): Redeemed {
  const { access_token, token_type, expires_in, scope } = response
  const token = bearerToken(`Bearer ${access_token}`)
  if (token_type !== 'bearer' || token === undefined) throw new TypeError('it is not a Bearer token')
  return {
    token,
    expiresAt: expires_in === undefined ? undefined : Math.floor(now + expires_in),
    scopes: scope === undefined ? undefined : parseScope(scope),
  }
}

/** The library's errors carry the response as their cause, token included: none of them goes further as a cause. */
function failure(error: unknown, issuer: string): unknown {
  if (error instanceof JourneyFailed) return error
  const refused = error instanceof ResponseBodyError || error instanceof WWWAuthenticateChallengeError
  if (!refused) {
    const why = error instanceof Error ? error.message : 'unknown'
    const message = `${issuer} gave no usable token (${why}). Check how the agent is registered there.`
    return new JourneyFailed('token.malformed', message)
  }
  const said = error instanceof ResponseBodyError ? `${error.error}: ${error.error_description ?? ''}` : '401'
  const message = `${issuer} refused the token request (${printable(said)}). Check client id, key and redirect URI.`
  return new JourneyFailed('token.refused', message)
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 200)
}
