import { hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import { recordBinding } from './binding.ts'
import { type Envelope, FORMAT, formatEnvelope, SUITE } from './envelope.ts'
import { fault } from './faults.ts'
import { gcmOpen, gcmSeal } from './gcm.ts'
import type { DataKey } from './keyring.ts'
import type { RowKey, Sealed } from './sealed.ts'

/** Random for every record: under one data key, a salt gives each record a key of its own. */
export interface Fresh {
  /** 32 bytes. */
  readonly salt: Uint8Array
  /** 12 bytes. */
  readonly iv: Uint8Array
}

/** Seals one record for one row. */
export function writeRecord(
  key: RowKey,
  { kekName, wrapped, dek }: DataKey,
  plaintext: Uint8Array,
  { salt, iv }: Fresh,
): Sealed {
  const binding = recordBinding({ format: FORMAT, suite: SUITE, kekName }, key)
  const { encryption, commitment } = derive(dek, salt)
  const ciphertext = gcmSeal(encryption, iv, binding, plaintext)
  encryption.fill(0)
  return formatEnvelope({ kekName, wrapped, salt, commitment, iv, ciphertext })
}

/** Opens one record of one row. Throws `vault.unopenable`: moved, changed, or under another data key. */
export function readRecord(key: RowKey, envelope: Envelope, dek: KeyObject): Uint8Array {
  const binding = recordBinding({ format: FORMAT, suite: SUITE, kekName: envelope.kekName }, key)
  const { encryption, commitment } = derive(dek, envelope.salt)
  // GCM alone lets one ciphertext open under two keys; the commitment names the one it was sealed with.
  if (!timingSafeEqual(commitment, envelope.commitment))
    throw fault.unopenable({ detail: 'another data key' })
  try {
    return gcmOpen(encryption, envelope.iv, binding, envelope.ciphertext)
  } catch (cause) {
    throw fault.unopenable({ detail: 'another row, or changed', cause })
  } finally {
    encryption.fill(0)
  }
}

/** HKDF-SHA512 (RFC 5869): the record's own key and the commitment to its data key. */
export function derive(
  dek: KeyObject,
  salt: Uint8Array,
): { readonly encryption: Buffer; readonly commitment: Buffer } {
  const encryptionInfo = Buffer.concat([Uint8Array.of(FORMAT, SUITE), Buffer.from('DERIVEKEY')])
  return {
    encryption: Buffer.from(hkdfSync('sha512', dek, salt, encryptionInfo, 32)),
    commitment: Buffer.from(hkdfSync('sha512', dek, salt, 'COMMITKEY', 32)),
  }
}
