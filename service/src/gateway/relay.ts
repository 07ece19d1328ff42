import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { sendJson } from '#http'
import { sseMessage } from './answer.ts'
import type { RequestId } from './envelope.ts'
import type { UpstreamAnswer } from './upstream.ts'

/** How one answer reaches the client: as one JSON document, or, once a notification came before it, as a stream. */
export interface Relay {
  /** Passes a notification on as it arrives, waiting for a client that reads slowly. */
  forward(message: object): Promise<void>
  /** Sends the answer under the client's own id. Nothing can be sent after it. */
  finish(answer: UpstreamAnswer): void
}

/** A tool may say how far it is; nothing else is sent before an answer in this revision without being asked for. */
const FORWARDED = new Set(['notifications/progress', 'notifications/message'])

export function relay(response: ServerResponse, id: RequestId): Relay {
  return {
    async forward(message) {
      if (!('method' in message) || !FORWARDED.has(String(message.method))) return
      if (!response.headersSent) {
        response.writeHead(200, {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        })
      }
      if (!response.write(sseMessage(message)) && !response.destroyed) {
        await Promise.race([once(response, 'drain'), once(response, 'close')])
      }
    },
    finish(answer) {
      const message = { jsonrpc: '2.0', id, ...answer }
      if (response.headersSent) response.end(sseMessage(message))
      else sendJson(response, 200, message)
    },
  }
}
