import { readChallenge, type Scopes, scopesWanted } from '@tetrapod/protocol'
import type { UpstreamCredential } from '#broker'
import { type Egress, type Incoming, readAll } from '#egress'
import { Fault, isObject, randomId } from '#kernel'
import type { Server } from '#servers'
import { fault } from './faults.ts'
import {
  encodeHeaderValue,
  META_CAPABILITIES,
  META_CLIENT_INFO,
  META_VERSION,
  type RequestMeta,
} from './revision.ts'
import { eventData } from './sse.ts'

/** A JSON answer of an upstream may have this many bytes. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024
const REFUSAL_BYTES_MAX = 64 * 1024
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 503])

/** What is sent upstream: built from decided values alone. Nothing the client sent is passed on as it came. */
export interface UpstreamRequest {
  readonly server: Server
  readonly method: 'tools/list' | 'tools/call'
  readonly params: Readonly<Record<string, unknown>>
  readonly meta: RequestMeta
  readonly credential: UpstreamCredential
  readonly signal: AbortSignal
}

/**
 * How an upstream answers: any number of notifications, then a result or a JSON-RPC error; or before it begins, that its
 * token has too few scopes (RFC 6750 §3.1).
 */
export type UpstreamAnswer =
  | { readonly insufficient: Scopes }
  | { readonly result: Readonly<Record<string, unknown>> }
  | { readonly error: { readonly code: number; readonly message: string } }

/**
 * Calls the server behind a mount and gives what comes back, message by message: each notification to `onNotification`
 * as it arrives, the answer at the end. Throws `gateway.upstream_unavailable`, `gateway.upstream_refused`,
 * `gateway.upstream_malformed`, or the signal's reason.
 */
export async function callUpstream(
  request: UpstreamRequest,
  egress: Egress,
  onNotification: (message: object) => Promise<void>,
): Promise<UpstreamAnswer> {
  const id = randomId()
  try {
    const answer = await egress.send(outgoing(request, id))
    if (REFUSALS.has(answer.status)) return await refused(answer)
    for await (const message of messages(answer)) {
      if ('method' in message && !('id' in message)) await onNotification(message)
      else if (message['id'] === id) return checkedAnswer(message)
    }
    throw fault.upstream_malformed({ detail: `no answer, status ${answer.status}` })
  } catch (error) {
    throw request.signal.aborted ? request.signal.reason : asUpstreamFault(error)
  }
}

/** The server's own word, not a tool's: whatever its body says is not read, and its connection serves the next request. */
async function refused(answer: Incoming): Promise<UpstreamAnswer> {
  await readAll(answer, REFUSAL_BYTES_MAX).catch(() => {})
  const { status, headers } = answer
  const wanted = scopesWanted(readChallenge(String(headers['www-authenticate'] ?? '')))
  if (status === 403 && wanted !== undefined) return { insufficient: wanted }
  throw status === 503
    ? fault.upstream_unavailable({ detail: '503' })
    : fault.upstream_refused({ detail: `${status}` })
}

function outgoing({ server, method, params, meta, credential, signal }: UpstreamRequest, id: string) {
  const _meta = {
    [META_VERSION]: meta.version,
    [META_CLIENT_INFO]: { name: 'tetrapod', version: '0.1.0' },
    [META_CAPABILITIES]: {},
    ...(meta.progressToken === undefined ? {} : { progressToken: meta.progressToken }),
  }
  return {
    url: server.url,
    method: 'POST' as const,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': meta.version,
      'mcp-method': method,
      ...(typeof params['name'] === 'string' ? { 'mcp-name': encodeHeaderValue(params['name']) } : {}),
      ...credential.headers,
    },
    body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } })),
    signal,
  }
}

/** The messages of an answer, JSON or SSE, whatever its status: an error travels with 400 or 404 (MCP 2026-07-28). */
async function* messages(answer: Incoming): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const type = String(answer.headers['content-type'] ?? '')
    .split(';')[0]
    ?.trim()
    .toLowerCase()
  if (type === 'text/event-stream' && answer.status === 200) {
    for await (const data of eventData(answer.body)) yield message(data)
  } else if (type === 'application/json') {
    yield message((await readAll(answer, ANSWER_BYTES_MAX)).toString())
  }
}

function message(text: string): Readonly<Record<string, unknown>> {
  const value = parsed(text)
  if (!isObject(value)) throw fault.upstream_malformed({ detail: 'not a JSON-RPC message' })
  return value
}

/** The parser's own message quotes the text, which is not ours to log. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw fault.upstream_malformed({ detail: 'not JSON' })
  }
}

function checkedAnswer({ result, error }: Readonly<Record<string, unknown>>): UpstreamAnswer {
  if (isObject(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string') {
    return { error: { code: error['code'], message: error['message'] } }
  }
  // Only what the gateway can carry to the end was declared upstream, so nothing else may come back.
  if (!isObject(result) || (result['resultType'] ?? 'complete') !== 'complete') {
    throw fault.upstream_malformed({ detail: 'neither a complete result nor an error' })
  }
  return { result: { ...result, resultType: 'complete' } }
}

function asUpstreamFault(error: unknown): Fault {
  if (error instanceof Fault && error.code.startsWith('gateway.')) return error
  const unreachable = error instanceof Fault || isTransportError(error)
  return unreachable
    ? fault.upstream_unavailable({ cause: error })
    : fault.upstream_malformed({ cause: error })
}

/** The connection broke while the body was read. */
function isTransportError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(UND_ERR|ECONN|EPIPE)/.test(String(error.code))
}
