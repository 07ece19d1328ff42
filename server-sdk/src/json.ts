import { isObject, parseStrictJson } from '@tetrapod/protocol'

/** Reads bytes that are one JSON object to every parser (RFC 7519 §4: no name twice); anything else is undefined. */
export function parseJsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseStrictJson(bytes)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
