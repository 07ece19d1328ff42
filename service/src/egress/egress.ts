import { Agent, errors } from 'undici'
import { collect } from '#kernel'
import { fault } from './faults.ts'

/** One request to a configured party. Redirects are never followed. */
export interface Outgoing {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal
}

/** An answer whose body is still to be read, in at most `bytesMax` bytes altogether. */
export interface Incoming {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array>
}

export interface Egress {
  /** Sends to an origin of the catalogue. Throws `egress.not_configured`, `egress.unreachable`, `egress.timed_out`. */
  send(request: Outgoing): Promise<Incoming>
  close(): Promise<void>
}

const CONNECT_MS = 3_000
const HEADERS_MS = 60_000
/** Between two pieces of a body: a stream may be long, not silent. */
const BODY_MS = 60_000

/** The door to what the operator configured: its origins, private addresses included, and nothing else. */
export function createEgress({ origins }: { readonly origins: Iterable<string> }): Egress {
  const configured = new Set(origins)
  const agent = new Agent({
    connect: { timeout: CONNECT_MS },
    headersTimeout: HEADERS_MS,
    bodyTimeout: BODY_MS,
    maxHeaderSize: 32 * 1024,
  })
  return {
    async send({ url, method, headers = {}, body, signal }) {
      const { origin, pathname, search } = new URL(url)
      if (!configured.has(origin)) throw fault.not_configured({ detail: origin })
      try {
        const answer = await agent.request({
          origin,
          path: `${pathname}${search}`,
          method,
          headers,
          body: body ?? null,
          signal: signal ?? null,
        })
        return { status: answer.statusCode, headers: answer.headers, body: answer.body }
      } catch (cause) {
        throw failure(cause, signal)
      }
    },
    close: () => agent.close(),
  }
}

/** Reads a whole body. Throws `egress.too_large` as soon as it is known. */
export function readAll({ body }: Pick<Incoming, 'body'>, bytesMax: number): Promise<Buffer> {
  return collect(body, bytesMax, fault.too_large)
}

function failure(cause: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return cause
  const timedOut =
    cause instanceof errors.HeadersTimeoutError ||
    cause instanceof errors.BodyTimeoutError ||
    cause instanceof errors.ConnectTimeoutError
  return timedOut ? fault.timed_out({ cause }) : fault.unreachable({ cause })
}
