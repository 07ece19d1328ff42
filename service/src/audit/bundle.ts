import type { Sealed } from '#vault'
import type { Bundle } from './bundle-store.ts'
import { fault } from './faults.ts'
import { parseRecord } from './parse-record.ts'
import type { AuditRecord } from './record.ts'

/** One record as it lies in a bundle. */
export interface EncodedRecord {
  /** RFC 8785, UTF-8. */
  readonly canonical: Uint8Array
  /** 16 random bytes: a leaf of the log commits to salt and canonical bytes, and tells nothing about them. */
  readonly salt: Uint8Array
  /** The personal values: outside the canonical bytes, so that erasing them keeps every proof. */
  readonly sealed: Sealed | undefined
}

export interface DecodedRecord extends EncodedRecord {
  readonly record: AuditRecord
}

const FORMAT = 1
const SALT_BYTES = 16

/**
 * A bundle's body: `format byte (1) | u32 count | count records`, each
 * `u32 length | canonical | 16 bytes salt | u32 length | sealed`. Numbers are big-endian; a sealed length of 0 is none.
 */
export function encodeBundle(records: readonly EncodedRecord[]): Uint8Array {
  const parts = records.flatMap(({ canonical, salt, sealed }) => [
    u32(canonical.length),
    canonical,
    salt,
    u32(sealed?.length ?? 0),
    sealed ?? new Uint8Array(0),
  ])
  return Buffer.concat([Uint8Array.of(FORMAT), u32(records.length), ...parts])
}

/**
 * Reads a body of {@link encodeBundle}, strictly: another format, a length that does not fit, a byte too many, a record that
 * is not canonical or does not follow the one before it throw Fault `audit.bundle_unreadable`.
 */
export function decodeBundle(bytes: Uint8Array): readonly DecodedRecord[] {
  try {
    const body = reader(bytes)
    if (body.byte() !== FORMAT) throw new RangeError('unknown format')
    const records: DecodedRecord[] = []
    for (let left = body.u32(); left > 0; left -= 1) {
      const canonical = body.take(body.u32())
      const salt = body.take(SALT_BYTES)
      const sealed = body.take(body.u32()) as Sealed
      const record = parseRecord(canonical)
      const previous = records.at(-1)?.record.sequence
      if (previous !== undefined && record.sequence !== previous + 1) throw new RangeError('out of sequence')
      records.push({ canonical, salt, sealed: sealed.length === 0 ? undefined : sealed, record })
    }
    body.end()
    return records
  } catch (cause) {
    throw fault.bundle_unreadable({ cause })
  }
}

/** Decodes a stored bundle and holds it against its row. Throws Fault `audit.bundle_unreadable`, naming it in the detail. */
export function readBundle({ replica, sequence, records, body }: Bundle): readonly DecodedRecord[] {
  try {
    const decoded = decodeBundle(body)
    const [first] = decoded
    if (decoded.length !== records || first === undefined) throw new RangeError('another number of records')
    if (decoded.some(({ record }) => record.replica !== replica)) throw new RangeError('another replica')
    return decoded
  } catch (cause) {
    throw fault.bundle_unreadable({ detail: `bundle ${sequence} of replica ${replica}`, cause })
  }
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function reader(bytes: Uint8Array) {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  function advance(length: number): number {
    if (length > buffer.length - at) throw new RangeError('cut short')
    at += length
    return at - length
  }
  return {
    byte: () => buffer.readUInt8(advance(1)),
    u32: () => buffer.readUInt32BE(advance(4)),
    take: (length: number): Uint8Array => {
      const start = advance(length)
      return Uint8Array.prototype.slice.call(buffer, start, start + length)
    },
    end: () => {
      if (at !== buffer.length) throw new RangeError('bytes left over')
    },
  }
}
