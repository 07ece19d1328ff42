import { createHash } from 'node:crypto'
import {
  bearerToken,
  formatScope,
  GRANT_TOKEN_EXCHANGE,
  HEADER_TRANSACTION_TOKEN,
  TOKEN_TYPE_ACCESS_TOKEN,
  type TOKEN_TYPE_TRANSACTION_TOKEN,
  TRANSACTION_TOKEN_SECONDS,
} from '@tetrapod/protocol'
import { type Client, clientAuthentication } from './client.ts'
import { ExchangeRefused, ExchangeUnavailable } from './errors.ts'
import { fetchJson, isTrustworthy, type JsonAnswer } from './fetch-json.ts'
import { createFlights } from './flights.ts'
import { type Io, ioOf } from './io.ts'
import { issuerMetadata } from './issuer-metadata.ts'
import { createLru } from './lru.ts'

/** The headers of a request to an API: what authorises it, and for an internal one who acts; never the bare token. */
export type RequestHeaders = Readonly<Record<string, string>>

/**
 * Trades the token that was received for the headers of a request to `api` (RFC 8693). They are remembered until 20 s
 * before they expire; all who ask for the same while it is asked for share one request.
 * Throws {@link ExchangeRefused} or {@link ExchangeUnavailable}; neither is remembered.
 */
export type Exchange = (
  subjectToken: string,
  api: string,
  scopes: readonly string[],
  subjectTokenType?: typeof TOKEN_TYPE_ACCESS_TOKEN | typeof TOKEN_TYPE_TRANSACTION_TOKEN,
) => Promise<RequestHeaders>

interface Issued {
  readonly headers: RequestHeaders
  /** Milliseconds. */
  readonly usableUntil: number
}

const ISSUED_MAX = 5000
/** A request made with what is remembered needs this long to arrive. */
const MARGIN_SECONDS = 20

export function createExchange(issuer: string, client: Client, io: Io = {}): Exchange {
  const { fetch, clock } = ioOf(io)
  const metadata = issuerMetadata(issuer, { fetch, clock })
  const remembered = createLru<Issued>(ISSUED_MAX)
  const flights = createFlights<Issued>()

  const ask = async (
    subjectToken: string,
    subjectTokenType: string,
    api: string,
    scope: string,
  ): Promise<Issued> => {
    const askedAt = clock.now()
    const form = new URLSearchParams({
      grant_type: GRANT_TOKEN_EXCHANGE,
      subject_token: subjectToken,
      subject_token_type: subjectTokenType,
      requested_token_type: TOKEN_TYPE_ACCESS_TOKEN,
      audience: api,
      scope,
      ...(await clientAuthentication(client, issuer, clock)),
    })
    const answer = await metadata()
      .then(({ token_endpoint }) => fetchJson(fetch, token_endpoint, { method: 'POST', body: form }))
      .catch(unavailable)
    return issued(answer, askedAt)
  }

  return async (subjectToken, api, scopes, type = TOKEN_TYPE_ACCESS_TOKEN) => {
    const scope = formatScope([...new Set(scopes)].sort())
    const key = JSON.stringify([createHash('sha256').update(subjectToken).digest('base64url'), api, scope])
    const known = remembered.get(key)
    if (known !== undefined && clock.now() < known.usableUntil) return known.headers
    const fresh = await flights(key, () => ask(subjectToken, type, api, scope))
    remembered.set(key, fresh)
    return fresh.headers
  }
}

/** Reads the answer of a token endpoint (RFC 8693 §2.2). */
function issued({ status, body }: JsonAnswer, askedAt: number): Issued {
  if (status !== 200) throw refusal(status, body)
  const { access_token, issued_token_type, token_type, expires_in, txn_token } = body
  const authorization = `Bearer ${String(access_token)}`
  if (
    typeof access_token !== 'string' ||
    bearerToken(authorization) === undefined ||
    issued_token_type !== TOKEN_TYPE_ACCESS_TOKEN ||
    typeof token_type !== 'string' ||
    token_type.toLowerCase() !== 'bearer'
  ) {
    throw new ExchangeUnavailable('The token endpoint answered with something that is no bearer token')
  }
  const lifetimeSeconds = typeof expires_in === 'number' ? expires_in : 0
  if (txn_token === undefined) return usable({ authorization }, lifetimeSeconds, askedAt)
  if (typeof txn_token !== 'string' || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(txn_token))
    throw new ExchangeUnavailable('The token endpoint answered with something that is no transaction token')
  const headers = { authorization, [HEADER_TRANSACTION_TOKEN]: txn_token }
  return usable(headers, Math.min(lifetimeSeconds, TRANSACTION_TOKEN_SECONDS), askedAt)
}

function usable(headers: RequestHeaders, lifetimeSeconds: number, askedAt: number): Issued {
  return { headers, usableUntil: askedAt + (lifetimeSeconds - MARGIN_SECONDS) * 1000 }
}

/** RFC 6749 §5.2: a 4xx with a code is an answer; anything else is a server that is not well. */
function refusal(status: number, body: JsonAnswer['body']): ExchangeRefused | ExchangeUnavailable {
  const { error, error_description, scope, interaction_uri, acr_values, max_age } = body
  if (status < 400 || status >= 500 || status === 429 || typeof error !== 'string') {
    return new ExchangeUnavailable(`The token endpoint answered ${status}`)
  }
  return new ExchangeRefused({
    error,
    ...(typeof error_description === 'string' ? { error_description } : {}),
    ...(typeof scope === 'string' ? { scope } : {}),
    ...(typeof interaction_uri === 'string' && isTrustworthy(interaction_uri) ? { interaction_uri } : {}),
    ...(typeof acr_values === 'string' ? { acr_values: acr_values.split(' ').filter(Boolean) } : {}),
    ...(typeof max_age === 'number' ? { max_age } : {}),
  })
}

function unavailable(cause: unknown): never {
  throw new ExchangeUnavailable('The token endpoint cannot be reached', { cause })
}
