import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Challenge, formatScope, protectedResourceMetadataUrl } from '@tetrapod/protocol'
import { type Handler, readBody } from '#http'
import type { Clock, Log } from '#kernel'
import { Fault } from '#kernel'
import type { Server } from '#servers'
import { type AdmitDeps, liveCaller, verifiedToken } from './admit.ts'
import { sendFailure } from './answer.ts'
import { discover } from './discover.ts'
import { type Envelope, parseEnvelope, readableId } from './envelope.ts'
import { fault } from './faults.ts'
import { mountMetadata } from './metadata.ts'
import { callTool, listTools, type Operation, type OperateDeps } from './operations.ts'
import { checkHeaders, requestMeta } from './revision.ts'

export interface GatewayDeps extends AdmitDeps, OperateDeps {
  readonly issuer: string
  readonly clock: Clock
  readonly log: Log
}

const BODY_BYTES_MAX = 4 * 1024 * 1024

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
    let body: Buffer | undefined
    let watched = () => {}
    try {
      checkOrigin(request, deps.issuer)
      if (request.method !== 'POST') throw fault.method_not_allowed()
      const token = await verifiedToken(request, server, deps)
      if (!isJson(request)) throw fault.media_type()
      body = await readBody(request, BODY_BYTES_MAX)
      const envelope = parseEnvelope(body)
      const meta = requestMeta(envelope, request.headers)
      checkHeaders(request.headers, envelope, meta)
      const caller = await liveCaller(token, deps)
      if (envelope.id === undefined) return accepted(response)
      const method = methodOf(envelope)
      const { id, params } = envelope
      const stop = new AbortController()
      whenDisconnected(response, (reason) => stop.abort(reason))
      watched = deps.tokens.onRevoked(token, () =>
        stop.abort(fault.token_refused({ detail: 'revoked meanwhile' })),
      )
      await method({ server, caller, meta, id, params, response, signal: stop.signal }, deps)
    } catch (error) {
      if (response.closed) return
      const id = body === undefined ? null : readableId(body)
      sendFailure(response, error, { id, challenge: challengeFor(error, server), log: deps.log })
    } finally {
      watched()
    }
  }
}

function methodOf({ method }: Envelope) {
  const found = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (found === undefined) throw fault.method_unknown({ detail: method })
  return found
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
    if (!response.writableFinished) stop(new Error('the client went away'))
  }
  if (response.closed) gone()
  else response.once('close', gone)
}

/** What the caller can do about it (RFC 6750 §3, RFC 9728 §5.1); the scopes of `scope_missing` travel in its cause. */
function challengeFor(error: unknown, server: Server): Challenge | undefined {
  if (!(error instanceof Fault)) return undefined
  const resource_metadata = protectedResourceMetadataUrl(server.mount)
  switch (error.code) {
    case 'gateway.token_missing':
      return { resource_metadata }
    case 'gateway.token_refused':
      return { error: 'invalid_token', resource_metadata }
    case 'gateway.scope_missing':
      return {
        error: 'insufficient_scope',
        scope: formatScope(error.cause as readonly string[]),
        resource_metadata,
      }
    default:
      return undefined
  }
}
