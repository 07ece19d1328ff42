import { isObject, type Json, type Secret } from '#kernel'
import type { RowKey, Sealed } from '#vault'
import type { AuditVault } from './audit-vault.ts'
import { type AuditRecord, argumentsHmac, type Head, refOf } from './record.ts'

/** What lies sealed beside a record, so that erasing the key erases the person and keeps the proofs. */
export interface Personal {
  readonly username?: string | undefined
  readonly arguments?: Json | undefined
}

/** Seals the personal values of one record once its place is known; undefined when there are none. */
export type SealPersonal = (head: Head) => Sealed | undefined

/** The data key is per user and day (UTC). Throws what the vault throws. */
export async function personalSealer(
  vault: AuditVault,
  user: string,
  time: number,
  { username, arguments: inputs }: Personal,
): Promise<SealPersonal> {
  if (username === undefined && inputs === undefined) return () => undefined
  const seal = await vault.sealer({ purpose: 'audit', user, partition: partitionOf(user, time) })
  return (head) => seal(rowKey(head, user), Buffer.from(JSON.stringify({ username, arguments: inputs })))
}

/**
 * Opens what lies beside a record. `unopenable` when its key is gone, when it was changed or moved, and when the inputs
 * are not those the record's HMAC names.
 */
export async function openPersonal(
  record: AuditRecord,
  sealed: Sealed | undefined,
  { vault, hmacKey }: { readonly vault: AuditVault; readonly hmacKey: Secret<Uint8Array> },
): Promise<Personal | 'unopenable'> {
  const expected = record.kind === 'decision' ? record.argumentsHmac : undefined
  if (!('user' in record)) return {}
  if (sealed === undefined) return expected === undefined ? {} : 'unopenable'
  try {
    const opened = await vault.open(rowKey(record, record.user.id), sealed)
    const { username, arguments: inputs } = parsePersonal(Buffer.from(opened).toString())
    const actual = inputs === undefined ? undefined : argumentsHmac(hmacKey, inputs)
    return actual === expected ? { username, arguments: inputs } : 'unopenable'
  } catch {
    return 'unopenable'
  }
}

function parsePersonal(text: string): Personal {
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) throw new TypeError('not an object')
  const { username, arguments: inputs } = value
  if (username !== undefined && typeof username !== 'string') throw new TypeError('not a name')
  return { username, arguments: inputs as Json | undefined }
}

function rowKey(head: Head, user: string): RowKey {
  const partition = partitionOf(user, head.time)
  return { purpose: 'audit', record: refOf(head), field: 'personal', version: 1, user, partition }
}

function partitionOf(user: string, time: number): string {
  return `${user}/${new Date(time).toISOString().slice(0, 10)}`
}
