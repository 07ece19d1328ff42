import { readChallenge, scopesWanted as wantedIn } from '@tetrapod/protocol'
import type { RequestHeaders } from './exchange.ts'
import { isTrustworthy } from './fetch-json.ts'

/** A request to an API. The body can be sent twice. */
export interface ApiRequest {
  /** What the request needs at the API, as far as one knows beforehand. */
  readonly scopes: readonly string[]
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer> | URLSearchParams
  /** Without one, it may take 30 seconds. */
  readonly signal?: AbortSignal
}

/**
 * Calls `api` (its catalogue key) at `url`, https or on this machine, with a token for these scopes there. Where the API
 * answers that more are needed (403 `insufficient_scope`, RFC 6750 §3.1), asks for a token that has them too and sends the
 * request once more: it was refused, not done. No redirect is followed. Throws `ExchangeRefused`, `ExchangeUnavailable`,
 * and what `fetch` throws.
 */
export type ApiFetch = (api: string, url: string | URL, request: ApiRequest) => Promise<Response>

const TIMEOUT_MS = 30_000

export function createApiFetch(
  exchangeFor: (api: string, scopes: readonly string[]) => Promise<RequestHeaders>,
  fetch: typeof globalThis.fetch,
): ApiFetch {
  return async (api, url, { scopes, headers, signal = AbortSignal.timeout(TIMEOUT_MS), ...request }) => {
    if (!isTrustworthy(String(url))) throw new Error(`${String(url)} is neither https nor loopback http`)
    const send = async (wanted: readonly string[]) => {
      const sent = new Headers(headers)
      for (const [name, value] of Object.entries(await exchangeFor(api, wanted))) sent.set(name, value)
      return fetch(url, { ...request, headers: sent, signal, redirect: 'error' })
    }
    const answer = await send(scopes)
    const wanted = scopesWanted(answer) ?? []
    if (wanted.every((scope) => scopes.includes(scope))) return answer
    await answer.body?.cancel()
    return send([...new Set([...scopes, ...wanted])])
  }
}

/** The scopes that an API's 403 `insufficient_scope` names (RFC 6750 §3.1); undefined for every other answer. */
export function scopesWanted({ status, headers }: Response): readonly string[] | undefined {
  const wanted = wantedIn(readChallenge(headers.get('www-authenticate') ?? ''))
  return status === 403 && wanted !== undefined ? [...wanted] : undefined
}
