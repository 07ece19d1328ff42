import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Admission, VerifiedAuth } from './admission.ts'
import type { Answer } from './answer.ts'
import { InsufficientScope } from './errors.ts'
import type { Received } from './received.ts'

/** A request that was let in. */
export type GuardedRequest = IncomingMessage & {
  readonly method: string
  readonly url: string
  readonly auth: VerifiedAuth
}
/** What serves requests that were let in. */
export type GuardedHandler = (request: GuardedRequest, response: ServerResponse) => unknown
/** What `createServer` of node:http takes. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>
/** What `use` of Express and Connect takes. */
export type Middleware = (
  request: IncomingMessage & { readonly originalUrl?: string },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>

/** For node:http. */
export function guardOf(admit: Admission['admit'], handler: GuardedHandler): Handler {
  return async (request, response) => {
    const { method = 'GET', url = '/' } = request
    const admitted = await admit(receivedOf(request, url))
    if (admitted.outcome === 'answered') return send(response, admitted.answer)
    const { auth } = admitted
    try {
      await handler(Object.assign(request, { method, url, auth }), response)
    } catch (error) {
      if (!(error instanceof InsufficientScope) || response.headersSent) throw error
      send(response, error.answer)
    }
  }
}

/** For Express and Connect: what they cut from the URL for a router counts here, as the caller wrote it. */
export function middlewareOf(admit: Admission['admit']): Middleware {
  return async (request, response, next) => {
    const admitted = await admit(receivedOf(request, request.originalUrl ?? request.url ?? '/'))
    if (admitted.outcome === 'answered') return send(response, admitted.answer)
    Object.assign(request, { auth: admitted.auth })
    next()
  }
}

function receivedOf({ method = 'GET', headersDistinct }: IncomingMessage, target: string): Received {
  return { method, target, header: (name) => headersDistinct[name] ?? [] }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
