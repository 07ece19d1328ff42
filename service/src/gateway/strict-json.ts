import { parseStrictJson as parse } from '@tetrapod/protocol'
import { fault } from './faults.ts'

/** A body that every parser reads the same. Throws `gateway.json_malformed`. */
export function parseStrictJson(bytes: Uint8Array): unknown {
  try {
    return parse(bytes)
  } catch (cause) {
    throw fault.json_malformed({ cause })
  }
}
