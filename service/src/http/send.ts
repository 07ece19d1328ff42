import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type Log, randomId } from '#kernel'
import { fault } from './faults.ts'
import type { Handler } from './handler.ts'
import { asFault, statusOf } from './status.ts'

/** Sends a JSON document. Not stored by anybody unless `headers` say otherwise. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(bytes)
}

/** Serves a public document that changes with the configuration alone (RFC 9110 §9.3.1: GET and HEAD, nothing else). */
export function document(body: unknown, maxAgeSeconds = 300): Handler {
  return ({ method }, response) => {
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      throw fault.method_not_allowed()
    }
    sendJson(response, 200, body, { 'cache-control': `public, max-age=${maxAgeSeconds}` })
  }
}

/** Answers with a failure: its code and public sentence, nothing else. What is our own fault is logged under an id. */
export function sendFault(response: ServerResponse, error: unknown, log: Log): void {
  const { code, kind, message } = asFault(error)
  const status = code === 'http.method_not_allowed' ? 405 : statusOf(kind)
  const reference = status >= 500 ? logged(error, log) : undefined
  if (response.headersSent) {
    response.destroy()
    return
  }
  // Bytes of a body that nobody read must not be taken for the next request.
  sendJson(response, status, { error: code, error_description: message, reference }, { connection: 'close' })
}

/** Logs what went wrong on our side and returns the id to find it by. */
export function logged(error: unknown, log: Log): string {
  const reference = randomId()
  const { code, detail, cause } = asFault(error)
  log.error(
    { reference, code, detail, cause: cause instanceof Error ? cause.stack : undefined },
    'request failed',
  )
  return reference
}
