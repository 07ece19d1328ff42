import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { sendJson } from '#http'
import { isObject } from '#kernel'
import { sseMessage } from './answer.ts'
import type { RequestId } from './envelope.ts'
import type { RequestMeta } from './revision.ts'
import type { UpstreamAnswer } from './upstream.ts'

/** How one answer reaches the client: as one JSON document, or, once a notification came before it, as a stream. */
export interface Relay {
  /** Passes a notification on as it arrives, waiting for a client that reads slowly. Throws once the call is stopped. */
  forward(message: object): Promise<void>
  /** Sends the answer under the client's own id. Nothing can be sent after it. */
  finish(answer: UpstreamAnswer): void
}

/**
 * Answers the request `id`. How far it is, a tool may say to a client that asked under `progressToken`; nothing else is
 * sent before an answer, and nothing under a token that belongs to another call of the client.
 */
export function relay(
  response: ServerResponse,
  id: RequestId,
  { progressToken }: RequestMeta,
  signal: AbortSignal,
): Relay {
  return {
    async forward(message) {
      if (progressToken === undefined || progressOf(message) !== progressToken) return
      if (!response.headersSent) {
        response.writeHead(200, {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        })
      }
      if (!response.write(sseMessage(message)) && !response.destroyed) {
        await writable(response, signal)
      }
    },
    finish(answer) {
      const message = { jsonrpc: '2.0', id, ...answer }
      if (response.headersSent) response.end(sseMessage(message))
      else sendJson(response, 200, message)
    },
  }
}

/** Resolves when more can be written, or nobody reads any more. Rejects when the signal is aborted. */
async function writable(response: ServerResponse, stopped: AbortSignal): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([stopped, over.signal])
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  } finally {
    over.abort()
  }
}

/** The token of a progress notification; undefined for any other message. */
function progressOf(message: object): unknown {
  if (!('method' in message) || message.method !== 'notifications/progress') return undefined
  return 'params' in message && isObject(message.params) ? message.params['progressToken'] : undefined
}
