import { parseStrictJson } from '@tetrapod/protocol'

/** Narrows to a plain object, not an array: the shape of a JWT's header, its claims and every metadata document. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads bytes that are one JSON object to every parser (RFC 7519 §4: no name twice); anything else is undefined. */
export function parseJsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseStrictJson(bytes)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
