import { isLoopback } from '@tetrapod/protocol'
import { parseJsonObject } from './json.ts'

export interface JsonAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface JsonRequest {
  readonly method?: 'GET' | 'POST'
  readonly body?: URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
  readonly waitMs?: number
  readonly signal?: AbortSignal
}

const TIMEOUT_MS = 3000
const BODY_BYTES_MAX = 64 * 1024

/**
 * Asks for one JSON object: within 3 s (and what the other side was asked to wait), of at most 64 KiB, over https or loopback http, from this URL and no other
 * (a redirect is a failure). Throws for everything else; what the status means is the caller's to say.
 */
export async function fetchJson(
  fetch: typeof globalThis.fetch,
  url: string,
  { method = 'GET', body, headers = {}, waitMs = 0, signal }: JsonRequest = {},
): Promise<JsonAnswer> {
  if (!isTrustworthy(url)) throw new Error(`${url} is neither https nor loopback http`)
  const late = AbortSignal.timeout(waitMs + TIMEOUT_MS)
  const response = await fetch(url, {
    method,
    body: body ?? null,
    headers: { accept: 'application/json', ...headers },
    redirect: 'error',
    signal: signal === undefined ? late : AbortSignal.any([late, signal]),
  })
  const answer = parseJsonObject(await boundedBytes(response))
  if (answer === undefined) throw new Error(`${url} answered ${response.status} without a JSON object`)
  return { status: response.status, body: answer }
}

/** True for https, and for http that does not leave this machine. */
export function isTrustworthy(url: string): boolean {
  if (!URL.canParse(url)) return false
  const parsed = new URL(url)
  return parsed.protocol === 'https:' || (parsed.protocol === 'http:' && isLoopback(parsed))
}

async function boundedBytes(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > BODY_BYTES_MAX) throw new Error(`${response.url} answered more than ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
