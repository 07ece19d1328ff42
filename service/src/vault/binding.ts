import { fault } from './faults.ts'
import type { RowKey } from './sealed.ts'

const ABSENT = '-'
const VALUE_BYTES_MAX = 4096

/** What the header of an envelope contributes to its additional data. */
export interface Header {
  readonly format: number
  readonly suite: number
  readonly kekName: string
}

/**
 * The additional data of a record: the envelope's header and every part of the row key that its reader knows.
 * Throws `vault.row_key_invalid` when a part cannot be told from an absent one.
 */
export function recordBinding(header: Header, key: RowKey): Uint8Array {
  return encodePairs({
    field: named(key.field),
    format: String(header.format),
    kek_name: named(header.kekName),
    partition: orAbsent(key.partition),
    provider: orAbsent(key.provider),
    purpose: key.purpose,
    record: named(key.record),
    row_version: counted(key.version),
    suite: String(header.suite),
    user: orAbsent(key.user),
  })
}

/** The context a data key is wrapped under, rebuilt by the reader from the row key: purpose and record. */
export function keyContext({ purpose, record }: RowKey): Uint8Array {
  return encodePairs({ purpose, record: named(record) })
}

/** `u16 count | (u16 length | name | u16 length | value)*`, sorted by name: no two sets of pairs share bytes. */
export function encodePairs(pairs: Readonly<Record<string, string>>): Uint8Array {
  // Names are ours and ASCII, so the order of strings is the order of bytes.
  const sorted = Object.entries(pairs).sort(([a], [b]) => (a < b ? -1 : 1))
  return Buffer.concat([
    uint16(sorted.length),
    ...sorted.flat().map((text) => lengthPrefixed(Buffer.from(text))),
  ])
}

export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([uint16(bytes.length), bytes])
}

function uint16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function orAbsent(value: string | undefined): string {
  return value === undefined ? ABSENT : named(value)
}

function named(value: string): string {
  const plain = value !== '' && value !== ABSENT && Buffer.byteLength(value) <= VALUE_BYTES_MAX
  // A lone surrogate is written as U+FFFD: two ids would share their bytes.
  if (!plain || !value.isWellFormed()) throw fault.row_key_invalid()
  return value
}

function counted(version: number): string {
  if (!Number.isSafeInteger(version) || version < 0) throw fault.row_key_invalid()
  return String(version)
}
