import { z } from 'zod'
import { isObject, type Json } from '#kernel'
import { fault } from './faults.ts'

export type RequestId = string | number

/** One JSON-RPC message as the client sent it. Parsed once: policy, audit and the upstream request share this value. */
export interface Envelope {
  /** Absent for a notification. */
  readonly id: RequestId | undefined
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

const message = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string().max(256), z.int()]).optional(),
  method: z.string().min(1).max(128),
  params: z.record(z.string(), z.unknown()).optional(),
})

/**
 * Reads one message from what the body of a POST holds. Member names are closed: a case variant of one is an unknown
 * member and refused. Throws `gateway.request_malformed`.
 */
export function parseEnvelope(value: unknown): Envelope {
  const parsed = message.safeParse(value)
  if (!parsed.success) throw fault.request_malformed({ detail: z.prettifyError(parsed.error) })
  const { id, method, params = {} } = parsed.data
  return { id, method, params }
}

/** The id of a message, for the error that answers it; null when there is none to read (JSON-RPC §5.1). */
export function readableId(value: unknown): RequestId | null {
  const id = isObject(value) ? value['id'] : undefined
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

const discoverParams = z.strictObject({ _meta: z.unknown() })
const listParams = z.strictObject({ _meta: z.unknown(), cursor: z.string().max(4096).optional() })
const callParams = z.strictObject({
  _meta: z.unknown(),
  name: z.string().min(1).max(128),
  arguments: z.record(z.string(), z.unknown()).optional(),
})

/** The params of `server/discover`: none. Throws `gateway.params_invalid`. */
export function parseDiscoverParams(params: Envelope['params']): void {
  parsed(discoverParams, params)
}

/** The params of `tools/list`. Throws `gateway.params_invalid`. */
export function parseListParams(params: Envelope['params']): { readonly cursor?: string } {
  const { cursor } = parsed(listParams, params)
  return cursor === undefined ? {} : { cursor }
}

/** The params of `tools/call`. Throws `gateway.params_invalid`. */
export function parseCallParams(params: Envelope['params']): {
  readonly name: string
  readonly arguments?: Readonly<Record<string, Json>>
} {
  const { name, arguments: inputs } = parsed(callParams, params)
  return inputs === undefined ? { name } : { name, arguments: inputs as Readonly<Record<string, Json>> }
}

function parsed<T>(schema: z.ZodType<T>, params: Envelope['params']): T {
  const result = schema.safeParse(params)
  if (!result.success) throw fault.params_invalid({ detail: z.prettifyError(result.error) })
  return result.data
}
