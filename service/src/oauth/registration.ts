import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseStrictJson } from '@tetrapod/protocol'
import { parseClientMetadata } from '#agents'
import { asFault, type Handler, logged, readBody, sendJson, statusOf } from '#http'
import { type Clock, createTokenBucket, isObject, type Kind, type Log } from '#kernel'
import { hashedSecret } from './client-secret.ts'
import { fault } from './faults.ts'
import { unread } from './unread.ts'
import type { CheckStatement } from './software-statement.ts'

export interface RegistrationDeps {
  /** Keeps registrations and answers (RFC 7591, RFC 7592). */
  readonly library: Handler
  /** Verifies a software statement and returns what it says, in place of what the body says. */
  readonly checkStatement: CheckStatement
  /** Whoever asks may register; otherwise who has a statement of somebody we trust. */
  readonly openToAll: boolean
  readonly clock: Clock
  readonly log: Log
}

const BODY_BYTES_MAX = 16 * 1024
/** Of everybody together: a client registers once and is remembered. */
const REGISTRATIONS = { perSecond: 1, burst: 60 }
const MANAGEMENT = { perSecond: 5, burst: 50 }

/**
 * In front of the registration endpoint: reads what the agent says of itself, with its software statement first, and hands
 * on what is left of it. The library answers.
 */
export function registration(deps: RegistrationDeps): Handler {
  const { library, clock, log } = deps
  const takeNew = createTokenBucket({ ...REGISTRATIONS, clock })
  const takeChange = createTokenBucket({ ...MANAGEMENT, clock })
  return async (request, response) => {
    try {
      const wait = request.method === 'POST' ? takeNew() : takeChange()
      if (wait > 0) throw fault.registering_too_fast({ data: { retry_after: wait } })
      await library(await handedOn(request, deps), response)
    } catch (error) {
      sendRegistrationError(response, error, log)
    }
  }
}

async function handedOn(request: IncomingMessage, deps: RegistrationDeps): Promise<IncomingMessage> {
  if (request.method !== 'POST' && request.method !== 'PUT') return request
  const said = await bodyOf(request)
  const { client_id, client_secret, ...rest } = said
  const stated = await deps.checkStatement(rest['software_statement'])
  if (stated === undefined && !deps.openToAll) throw fault.statement_required()
  const metadata: Record<string, unknown> = parseClientMetadata({ ...rest, ...stated }, 'registration')
  if (stated !== undefined) metadata['software_statement'] = rest['software_statement']
  if (request.method === 'PUT') {
    // RFC 7592 §2.2: the client names itself, and may show its secret, which lies here as a hash.
    metadata['client_id'] = client_id
    if (typeof client_secret === 'string') metadata['client_secret'] = asKept(client_secret)
  }
  const body = Buffer.from(JSON.stringify(metadata))
  const again = unread(request, body)
  Object.assign(again.headers, { 'content-type': 'application/json', 'content-length': String(body.length) })
  return again
}

/** A secret as it lies here: what looks as if it lay here already was never handed out. */
function asKept(secret: string): string {
  return secret.includes(':') ? '' : hashedSecret(secret)
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const body = await readBody(request, BODY_BYTES_MAX)
  let said: unknown
  try {
    said = parseStrictJson(body)
  } catch (cause) {
    throw fault.registration_malformed({ cause })
  }
  if (!isObject(said)) throw fault.registration_malformed()
  return said
}

/** The error codes of RFC 7591 §3.2.2, by code, and for all else by kind. */
const byCode: Readonly<Record<string, string>> = {
  'agents.redirect_uri_refused': 'invalid_redirect_uri',
  'oauth.statement_invalid': 'invalid_software_statement',
  'oauth.statement_unapproved': 'unapproved_software_statement',
  'oauth.statement_required': 'unapproved_software_statement',
}
const byKind = {
  invalid: 'invalid_client_metadata',
  unauthenticated: 'invalid_token',
  denied: 'access_denied',
  missing: 'invalid_client_metadata',
  conflict: 'invalid_client_metadata',
  limited: 'temporarily_unavailable',
  unavailable: 'temporarily_unavailable',
  internal: 'server_error',
} as const satisfies Record<Kind, string>

function sendRegistrationError(response: ServerResponse, error: unknown, log: Log): void {
  const { code, kind, message, data } = asFault(error)
  const status = kind === 'denied' ? 400 : statusOf(kind)
  const reference = status >= 500 ? logged(error, log) : undefined
  const { reason, retry_after } = data ?? {}
  const error_description = typeof reason === 'string' ? `${message} ${reason}` : message
  const headers = typeof retry_after === 'number' ? { 'retry-after': String(retry_after) } : {}
  sendJson(response, status, { error: byCode[code] ?? byKind[kind], error_description, reference }, headers)
}
