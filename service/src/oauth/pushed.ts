import { asFault, type Handler, logged, readBody, sendJson, statusOf } from '#http'
import { type Clock, createTokenBucket, type Log } from '#kernel'
import { fault } from './faults.ts'
import { checkRequestSize, REQUEST_BYTES_MAX } from './request-size.ts'
import { unread } from './unread.ts'

export interface PushedDeps {
  /** Authenticates the client, checks the request and keeps it. */
  readonly library: Handler
  readonly clock: Clock
  readonly log: Log
}

/** Room for a client's assertion beside the request. */
const BODY_BYTES_MAX = REQUEST_BYTES_MAX + 8192
/** How a client proves who it is: no part of the request. */
const PROOF = ['client_assertion', 'client_assertion_type', 'client_secret']
/** Of clients that prove nothing, all together: anybody can say a client id. */
const BURST = 100
const PER_SECOND = 20

/** RFC 9126 §2, in front of the library: what it would keep is limited in size and, of public clients, in number, as at the authorization endpoint. */
export function pushedAuthorization({ library, clock, log }: PushedDeps): Handler {
  const take = createTokenBucket({ perSecond: PER_SECOND, burst: BURST, clock })
  return async (request, response) => {
    try {
      const body = await readBody(request, BODY_BYTES_MAX)
      const parameters = new URLSearchParams(body.toString())
      const proves = request.headers.authorization !== undefined || PROOF.some((name) => parameters.has(name))
      const wait = proves ? 0 : take()
      if (wait > 0) throw fault.busy({ data: { retry_after: wait } })
      for (const name of PROOF) parameters.delete(name)
      checkRequestSize(parameters.toString(), parameters)
      // RFC 9126 §2.1: a request is pushed itself, never the address of another one.
      if (parameters.has('request_uri') || request.url?.includes('?')) throw fault.pushed_malformed()
      await library(unread(request, body), response)
    } catch (error) {
      const { code, kind, message, data } = asFault(error)
      const reference = statusOf(kind) >= 500 ? logged(error, log) : undefined
      const status = TOO_LARGE.has(code) ? 413 : statusOf(kind)
      const answer = { error: ERRORS[status] ?? 'invalid_request', error_description: message, reference }
      const retry = data?.['retry_after']
      const later = typeof retry === 'number' ? { 'retry-after': String(retry) } : {}
      sendJson(response, status, answer, { connection: 'close', ...later })
    }
  }
}

/** RFC 9126 §2.3. */
const TOO_LARGE = new Set(['oauth.request_too_large', 'http.body_too_large'])
const ERRORS: Readonly<Record<number, string>> = {
  429: 'temporarily_unavailable',
  500: 'server_error',
  503: 'temporarily_unavailable',
}
