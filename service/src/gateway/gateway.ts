import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AccessToken, type Challenge, protectedResourceMetadataUrl, Refusal } from '@tetrapod/protocol'
import { type Authority, liveAuthority } from '#broker'
import { type Handler, readBody } from '#http'
import { Fault, type Log, own } from '#kernel'
import type { Server } from '#servers'
import { sendFailure } from './answer.ts'
import { verifiedToken } from './bearer.ts'
import { discover } from './discover.ts'
import { type Envelope, parseEnvelope, readableId, type RequestId } from './envelope.ts'
import { fault } from './faults.ts'
import { mountMetadata } from './metadata.ts'
import { callOnRecord, callTool, listTools, type Operation, type OperateDeps } from './operations.ts'
import { checkHeaders, type RequestMeta, requestMeta } from './revision.ts'
import { parseStrictJson } from './strict-json.ts'

export interface GatewayDeps extends OperateDeps {
  readonly issuer: string
  readonly log: Log
}

const BODY_BYTES_MAX = 1024 * 1024

/** The methods that are served: a closed table, everything else is unknown. */
const methods: Readonly<Record<string, (operation: Operation, deps: GatewayDeps) => Promise<void>>> = {
  'server/discover': discover,
  'tools/list': listTools,
  'tools/call': callTool,
}

/** What the gateway serves, by path: per server a mount and its resource metadata. */
export function gatewayRoutes(deps: GatewayDeps): Readonly<Record<string, Handler>> {
  const routes = deps.servers.all.flatMap((server): [string, Handler][] => [
    [new URL(server.mount).pathname, mount(server, deps)],
    [new URL(protectedResourceMetadataUrl(server.mount)).pathname, mountMetadata(server, deps.issuer)],
  ])
  return Object.fromEntries(routes)
}

function mount(server: Server, deps: GatewayDeps): Handler {
  return async (request, response) => {
    let id: RequestId | null = null
    let watched = () => {}
    try {
      checkOrigin(request, deps.issuer)
      if (request.method !== 'POST') throw fault.method_not_allowed()
      const token = await verifiedToken(request, server, deps.tokens)
      if (!isJson(request)) throw fault.media_type()
      const body = parseStrictJson(await readBody(request, BODY_BYTES_MAX))
      id = readableId(body)
      const envelope = parseEnvelope(body)
      const meta = requestMeta(envelope, request.headers)
      checkHeaders(request.headers, envelope, meta)
      const caller = await liveCaller({ server, token, envelope, meta }, deps)
      if (envelope.id === undefined) return accepted(response)
      const { params } = envelope
      const stop = new AbortController()
      whenDisconnected(response, (reason) => stop.abort(reason))
      watched = deps.tokens.onRevoked(token, (cause) => stop.abort(stopped(cause)))
      const { signal } = stop
      await methodOf(envelope)({ server, caller, meta, id: envelope.id, params, response, signal }, deps)
    } catch (error) {
      if (response.closed) return
      sendFailure(response, error, { id, challenge: challengeFor(error, server), log: deps.log })
    } finally {
      watched()
    }
  }
}

/** What stands behind the token. That it is gone is on record, like everything a known user is refused. */
async function liveCaller(
  call: {
    readonly server: Server
    readonly token: AccessToken
    readonly envelope: Envelope
    readonly meta: RequestMeta
  },
  deps: GatewayDeps,
): Promise<Authority> {
  try {
    return await liveAuthority(call.token, deps)
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    const refusal = fault.token_refused({ detail: cause.code, cause })
    await deps.audit.decide({
      ...callOnRecord(call.token, call.server, call.meta),
      method: call.envelope.method,
      scopes: [],
      policy: { effect: 'deny' },
      reason: `${refusal.code}.${cause.code}`,
    })
    throw refusal
  }
}

function methodOf({ method }: Envelope) {
  const found = own(methods, method)
  if (found === undefined) throw fault.method_unknown({ detail: method })
  return found
}

/** Why a call in flight ends: its token was revoked, or nobody can tell any more. */
function stopped(cause: Refusal | Fault): Fault {
  return cause instanceof Refusal ? fault.token_refused({ detail: cause.code, cause }) : cause
}

/** No notification of this revision travels to a server over HTTP; one that does is taken and has no effect. */
function accepted(response: ServerResponse): void {
  response.writeHead(202, { 'content-length': 0 }).end()
}

/** A browser says where a request comes from; only our own pages may call from one. */
function checkOrigin({ headers }: IncomingMessage, publicUrl: string): void {
  if (headers.origin !== undefined && headers.origin !== publicUrl) throw fault.origin_refused()
}

function isJson({ headers }: IncomingMessage): boolean {
  const encoded = headers['content-encoding']
  return (
    encoded === undefined &&
    /^application\/json\s*(;\s*charset=utf-8\s*)?$/i.test(headers['content-type'] ?? '')
  )
}

/** Closing the response stream is the cancel of this revision. */
function whenDisconnected(response: ServerResponse, stop: (reason: Error) => void): void {
  const gone = () => {
    if (!response.writableFinished) stop(fault.cancelled())
  }
  if (response.closed) gone()
  else response.once('close', gone)
}

/** What the caller can do about it (RFC 6750 §3, RFC 9728 §5.1); the scopes it lacks are in the data of `scope_missing`. */
function challengeFor(error: unknown, server: Server): Challenge | undefined {
  if (!(error instanceof Fault)) return undefined
  const resource_metadata = protectedResourceMetadataUrl(server.mount)
  const scope = error.data?.['scope']
  switch (error.code) {
    case 'gateway.token_missing':
      return { resource_metadata }
    case 'gateway.token_refused':
      return { error: 'invalid_token', resource_metadata }
    case 'gateway.scope_missing':
      return { error: 'insufficient_scope', ...(typeof scope === 'string' && { scope }), resource_metadata }
    default:
      return undefined
  }
}
