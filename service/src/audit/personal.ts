import { createHmac } from 'node:crypto'
import { isObject, type Json, type Secret } from '#kernel'
import type { RowKey, Sealed } from '#vault'
import type { AuditVault } from './audit-vault.ts'
import { type AuditRecord, canonicalText, type Head, type InputsOnRecord, refOf } from './record.ts'
import type { AuditUser, Verdict } from './record-input.ts'

/** What lies sealed beside a record, so that erasing the key erases the person and keeps the proofs. */
export interface Personal {
  readonly username?: string | undefined
  readonly arguments?: Json | undefined
}

/** The personal values of one record, on their way to lie beside it. */
export interface PersonalSeal {
  /** How many bytes will be sealed. */
  readonly bytes: number
  /** Seals them once the record's place is known; undefined when there are none. */
  readonly seal: (head: Head) => Sealed | undefined
}

export interface WeighedInputs extends InputsOnRecord {
  /** Undefined when there are none, and when they are too large to keep. */
  readonly kept: Json | undefined
}

/**
 * Larger inputs, in bytes of canonical text, leave their HMAC alone: whoever is refused must not fill the disk,
 * and may call as often as they like.
 */
export const KEPT_BYTES_MAX: Readonly<Record<Verdict['effect'], number>> = {
  permit: 256 * 1024,
  deny: 8 * 1024,
}

export const nothingPersonal: PersonalSeal = { bytes: 0, seal: () => undefined }

/** What the log keeps of inputs. Throws for what JSON cannot carry exactly (RFC 7493). */
export function weighInputs(
  inputs: Json | undefined,
  effect: Verdict['effect'],
  hmacKey: Secret<Uint8Array>,
): WeighedInputs {
  if (inputs === undefined) return { hmac: undefined, tooLarge: false, kept: undefined }
  const text = canonicalText(inputs)
  const tooLarge = Buffer.byteLength(text) > KEPT_BYTES_MAX[effect]
  return { hmac: hmacOf(hmacKey, text), tooLarge, kept: tooLarge ? undefined : inputs }
}

/**
 * HMAC-SHA-256 over the canonical arguments, base64url. Keyed, since a plain hash of short inputs can be guessed;
 * two equal inputs have one HMAC whatever the order of their members.
 */
export function argumentsHmac(key: Secret<Uint8Array>, value: Json): string {
  return hmacOf(key, canonicalText(value))
}

/** The data key is per user and day (UTC). Throws what the vault throws. */
export async function personalSeal(
  vault: AuditVault,
  { id: user, username }: AuditUser,
  time: number,
  inputs?: Json,
): Promise<PersonalSeal> {
  if (username === undefined && inputs === undefined) return nothingPersonal
  const seal = await vault.sealer({ purpose: 'audit', user, partition: partitionOf(user, time) })
  const plaintext = Buffer.from(JSON.stringify({ username, arguments: inputs }))
  return { bytes: plaintext.length, seal: (head) => seal(rowKey(head, user), plaintext) }
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
  const expected = keptHmac(record)
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

/** The HMAC of the inputs that must lie beside a record. */
function keptHmac(record: AuditRecord): string | undefined {
  return record.kind === 'decision' && record.argumentsKept !== false ? record.argumentsHmac : undefined
}

function hmacOf(key: Secret<Uint8Array>, text: string): string {
  return createHmac('sha256', key.reveal()).update(text).digest('base64url')
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
