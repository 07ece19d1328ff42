import type { IncomingMessage, ServerResponse } from 'node:http'
import { GRANT_TOKEN_EXCHANGE } from '@tetrapod/protocol'
import { type ExchangeAnswer, type ExchangeRequest, parseExchangeRequest } from '#broker'
import { asFault, type Handler, logged, readBody, sendJson, statusOf } from '#http'
import type { Kind, Log } from '#kernel'
import { authenticateClient, type ClientAuthenticationDeps } from './client-authentication.ts'
import { type Answer, exchangeAnswer } from './exchange-answer.ts'
import { fault } from './faults.ts'
import { unread } from './unread.ts'

/** RFC 8693 §2.2, in front of the library: it never hears of this grant, so no registration can obtain it. */
export interface TokenEndpointDeps {
  readonly clients: ClientAuthenticationDeps
  readonly exchange: (caller: string, request: ExchangeRequest) => Promise<ExchangeAnswer>
  /** Throws while no token may be given, whatever the grant. */
  readonly check: () => void
  /** Answers every other grant. */
  readonly library: Handler
  readonly log: Log
}

export const BODY_BYTES_MAX = 64 * 1024
const OFFLINE_ACCESS = 'offline_access'
const REPEATABLE = new Set(['resource', 'audience'])

/** The token endpoint: reads the body once, answers exchanges itself and hands everything else on. */
export function tokenEndpoint(deps: TokenEndpointDeps): Handler {
  return async (request, response) => {
    try {
      const body = await readBody(request, BODY_BYTES_MAX)
      deps.check()
      const parameters = new URLSearchParams(isForm(request) ? body.toString() : '')
      if (parameters.get('grant_type') !== GRANT_TOKEN_EXCHANGE) {
        await deps.library(unread(request, refreshable(parameters, body)), response)
        return
      }
      sendJson(response, ...(await answered(request, parameters, deps)))
    } catch (error) {
      sendTokenError(response, error, deps.log)
    }
  }
}

/** Some agents name `offline_access` in every refresh too. It is no scope here, and nothing to refuse them for. */
function refreshable(parameters: URLSearchParams, body: Buffer): Buffer {
  if (parameters.get('grant_type') !== 'refresh_token') return body
  const scopes = parameters.get('scope')?.split(' ') ?? []
  if (!scopes.includes(OFFLINE_ACCESS)) return body
  parameters.set('scope', scopes.filter((scope) => scope !== OFFLINE_ACCESS).join(' '))
  return Buffer.from(parameters.toString())
}

async function answered(
  request: IncomingMessage,
  parameters: URLSearchParams,
  { clients, exchange }: TokenEndpointDeps,
): Promise<Answer> {
  const form = formOf(request, parameters)
  const client = await authenticateClient(
    { ...form.single, authorization: request.headers.authorization },
    clients,
  )
  const answer = await exchange(
    client.id,
    parseExchangeRequest({ ...form.single, resource: form.resource, audience: form.audience }),
  )
  return exchangeAnswer(answer)
}

/** Step 1: a form, no query, no parameter twice but resource and audience. Throws `oauth.form_malformed`. */
export function formOf({ url }: IncomingMessage, parameters: URLSearchParams) {
  const names = [...parameters.keys()]
  const repeated = names.some((name, i) => names.indexOf(name) !== i && !REPEATABLE.has(name))
  if (repeated || url?.includes('?')) throw fault.form_malformed()
  const single = Object.fromEntries(
    [...parameters].filter(([name, value]) => !REPEATABLE.has(name) && value !== ''),
  )
  return { single, resource: parameters.getAll('resource'), audience: parameters.getAll('audience') }
}

export function isForm({ headers }: IncomingMessage): boolean {
  return /^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '')
}

/** The error codes of RFC 6749 §5.2 and RFC 8693 §2.2.2, by kind; exceptions by code. */
const byKind = {
  invalid: 'invalid_request',
  unauthenticated: 'invalid_client',
  denied: 'access_denied',
  missing: 'invalid_target',
  conflict: 'invalid_request',
  limited: 'temporarily_unavailable',
  unavailable: 'temporarily_unavailable',
  internal: 'server_error',
} as const satisfies Record<Kind, string>
const byCode: Readonly<Record<string, string>> = {
  'broker.client_not_allowed': 'unauthorized_client',
  'broker.scope_invalid': 'invalid_scope',
  'oauth.token_of_another': 'invalid_grant',
}

/** Answers a client with a failure as RFC 6749 §5.2 words it. */
export function sendTokenError(response: ServerResponse, error: unknown, log: Log): void {
  const { code, kind, message } = asFault(error)
  const status = kind === 'unauthenticated' ? 401 : Math.max(400, kindStatus(kind))
  const reference = status >= 500 ? logged(error, log) : undefined
  const headers = {
    ...(kind === 'unauthenticated' ? { 'www-authenticate': 'Basic realm="token"' } : {}),
    ...(status === 503 ? { 'retry-after': '5' } : {}),
  }
  sendJson(
    response,
    status,
    { error: byCode[code] ?? byKind[kind], error_description: message, reference },
    headers,
  )
}

/** RFC 6749 §5.2: everything about the request is a 400; what is ours keeps its own status. */
function kindStatus(kind: Kind): number {
  const status = statusOf(kind)
  return status >= 500 || status === 429 ? status : 400
}
