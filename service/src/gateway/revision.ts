import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { isObject } from '#kernel'
import type { Envelope } from './envelope.ts'
import { fault } from './faults.ts'

/** The protocol revisions that are served. */
export const SUPPORTED_VERSIONS: readonly string[] = ['2026-07-28']

export const META_VERSION = 'io.modelcontextprotocol/protocolVersion'
export const META_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
export const META_CLIENT_INFO = 'io.modelcontextprotocol/clientInfo'
export const META_SERVER_INFO = 'io.modelcontextprotocol/serverInfo'

const meta = z.looseObject({
  [META_VERSION]: z.string().max(64),
  [META_CAPABILITIES]: z.record(z.string(), z.unknown()),
  progressToken: z.union([z.string().max(256), z.int()]).optional(),
})

/** What the client says about this request (MCP 2026-07-28, request metadata). */
export interface RequestMeta {
  readonly version: string
  readonly progressToken: string | number | undefined
}

/**
 * The era of a request: its body decides. Throws `gateway.version_unsupported` for a revision that is not served, the
 * handshake of older clients included; `gateway.meta_missing` where a client of this era left out what it must send.
 */
export function requestMeta({ method, params }: Envelope, headers: IncomingHttpHeaders): RequestMeta {
  const claimed = isObject(params['_meta']) ? params['_meta'][META_VERSION] : undefined
  const requested =
    claimed ?? (method === 'initialize' ? params['protocolVersion'] : headers['mcp-protocol-version'])
  if (claimed === undefined && SUPPORTED_VERSIONS.includes(String(requested))) throw fault.meta_missing()
  if (typeof requested !== 'string' || !SUPPORTED_VERSIONS.includes(requested)) throw unsupported(requested)
  const parsed = meta.safeParse(params['_meta'])
  if (!parsed.success) throw fault.meta_missing({ detail: z.prettifyError(parsed.error) })
  return { version: requested, progressToken: parsed.data.progressToken }
}

function unsupported(requested: unknown) {
  const asked = typeof requested === 'string' ? requested.slice(0, 64) : ''
  return fault.version_unsupported({ data: { supported: SUPPORTED_VERSIONS, requested: asked } })
}

/**
 * Every header that repeats something of the body must say the same (MCP 2026-07-28, transport). A header sent twice
 * arrives joined by a comma, so it differs. Throws `gateway.header_mismatch`.
 */
export function checkHeaders(
  headers: IncomingHttpHeaders,
  { method, params }: Envelope,
  { version }: RequestMeta,
): void {
  const name = method === 'tools/call' ? params['name'] : undefined
  const agrees =
    headers['mcp-protocol-version'] === version &&
    headers['mcp-method'] === method &&
    (name === undefined || decodeHeaderValue(headers['mcp-name']) === name)
  if (!agrees) throw fault.header_mismatch()
}

const SENTINEL = /^=\?base64\?(.*)\?=$/

/** A header value that is plain, or UTF-8 in base64 between the sentinels. Undefined when it is malformed or absent. */
export function decodeHeaderValue(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string') return undefined
  const encoded = SENTINEL.exec(value)?.[1]
  if (encoded === undefined) return value
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded && isUtf8(bytes) ? bytes.toString() : undefined
}

/** Writes a value for a header: as it is, or between the sentinels where it would not survive or could be taken for one. */
export function encodeHeaderValue(value: string): string {
  const plain = /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.startsWith('=?')
  return plain ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`
}
