import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type Challenge, formatChallenge } from '@tetrapod/protocol'
import { asFault, logged, sendJson } from '#http'
import type { Fault, Kind, Log } from '#kernel'
import type { RequestId } from './envelope.ts'

/** How a failure is told: the HTTP status and the JSON-RPC code (MCP 2026-07-28). */
interface Told {
  readonly status: number
  readonly code: number
}

const INVALID_REQUEST = -32600
const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
const INTERNAL = -32603
const PARSE_ERROR = -32700
const HEADER_MISMATCH = -32020
const UNSUPPORTED_VERSION = -32022

const byKind = {
  invalid: { status: 400, code: INVALID_REQUEST },
  unauthenticated: { status: 401, code: INVALID_REQUEST },
  denied: { status: 403, code: INVALID_REQUEST },
  missing: { status: 404, code: METHOD_NOT_FOUND },
  conflict: { status: 409, code: INTERNAL },
  limited: { status: 429, code: INTERNAL },
  unavailable: { status: 503, code: INTERNAL },
  internal: { status: 500, code: INTERNAL },
} as const satisfies Record<Kind, Told>

const byCode: Readonly<Record<string, Told>> = {
  'gateway.method_not_allowed': { status: 405, code: INVALID_REQUEST },
  'http.body_too_large': { status: 413, code: INVALID_REQUEST },
  'gateway.media_type': { status: 415, code: INVALID_REQUEST },
  'gateway.json_malformed': { status: 400, code: PARSE_ERROR },
  'gateway.meta_missing': { status: 400, code: INVALID_PARAMS },
  'gateway.params_invalid': { status: 200, code: INVALID_PARAMS },
  'gateway.header_mismatch': { status: 400, code: HEADER_MISMATCH },
  'gateway.version_unsupported': { status: 400, code: UNSUPPORTED_VERSION },
  'gateway.tool_unknown': { status: 200, code: INVALID_PARAMS },
  'gateway.policy_denied': { status: 200, code: INVALID_PARAMS },
  'gateway.upstream_unavailable': { status: 200, code: INTERNAL },
  'gateway.upstream_refused': { status: 200, code: INTERNAL },
  'gateway.upstream_malformed': { status: 200, code: INTERNAL },
}

/** A tool that one may not call is told like a tool that is not there. */
const shown: Readonly<Record<string, string>> = { 'gateway.policy_denied': 'gateway.tool_unknown' }

/**
 * Answers with a failure: its public sentence, what the protocol has for it, and a challenge where the caller can do
 * something about it. What went wrong on our side is logged under a reference.
 */
export function sendFailure(
  response: ServerResponse,
  error: unknown,
  context: { readonly id: RequestId | null; readonly challenge?: Challenge | undefined; readonly log: Log },
): void {
  const fault = asFault(error)
  const { status, code } = byCode[fault.code] ?? byKind[fault.kind]
  // Whether the body was read would tell which rule refused a token; a stream that has begun says so anyway.
  const id = fault.kind === 'unauthenticated' && !response.headersSent ? null : context.id
  const failing = fault.kind === 'unavailable' || fault.kind === 'internal'
  const reference = failing ? logged(error, context.log) : undefined
  if (response.headersSent) {
    response.end(sseMessage(rpcError(id, code, fault, reference)))
    return
  }
  sendJson(response, status, rpcError(id, code, fault, reference), failureHeaders(status, context.challenge))
}

/** One message of an SSE stream. */
export function sseMessage(message: unknown): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`
}

function rpcError(id: RequestId | null, code: number, fault: Fault, reference: string | undefined) {
  const data =
    fault.code === 'gateway.version_unsupported'
      ? fault.data
      : { code: shown[fault.code] ?? fault.code, ...(reference && { reference }) }
  return { jsonrpc: '2.0', id, error: { code, message: fault.message, data } }
}

function failureHeaders(status: number, challenge: Challenge | undefined): OutgoingHttpHeaders {
  return {
    ...(challenge === undefined ? {} : { 'www-authenticate': formatChallenge(challenge) }),
    ...(status === 405 ? { allow: 'POST' } : {}),
    ...(status === 503 ? { 'retry-after': '1' } : {}),
    // A body that was refused unread must not be taken for the next request.
    ...(status === 200 ? {} : { connection: 'close' }),
  }
}
