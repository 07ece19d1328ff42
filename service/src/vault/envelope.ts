import { lengthPrefixed } from './binding.ts'
import { fault } from './faults.ts'
import { GCM_IV_BYTES, GCM_TAG_BYTES } from './gcm.ts'
import type { Sealed } from './sealed.ts'

export const FORMAT = 1
/** HKDF-SHA512 with key commitment, AES-256-GCM: the shape of the AWS Encryption SDK's suite 0x0478. */
export const SUITE = 1
export const SALT_BYTES = 32
export const COMMITMENT_BYTES = 32

/** An envelope in its parts. Nothing in it is proven before `readRecord` has opened it. */
export interface Envelope {
  readonly kekName: string
  readonly wrapped: Uint8Array
  readonly salt: Uint8Array
  readonly commitment: Uint8Array
  readonly iv: Uint8Array
  /** With its tag. */
  readonly ciphertext: Uint8Array
}

/** `format | suite | u16 length, kek name | u16 length, wrapped key | salt 32 | commitment 32 | iv 12 | ciphertext | tag 16` */
export function formatEnvelope(envelope: Envelope): Sealed {
  const { kekName, wrapped, salt, commitment, iv, ciphertext } = envelope
  return Buffer.concat([
    Uint8Array.of(FORMAT, SUITE),
    lengthPrefixed(Buffer.from(kekName)),
    lengthPrefixed(wrapped),
    salt,
    commitment,
    iv,
    ciphertext,
  ]) as Uint8Array as Sealed
}

/** Throws `vault.unopenable` for another format or suite and for bytes that are too few. */
export function parseEnvelope(sealed: Uint8Array): Envelope {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  let at = 0

  if (take(1)[0] !== FORMAT) throw fault.unopenable({ detail: 'unknown format' })
  if (take(1)[0] !== SUITE) throw fault.unopenable({ detail: 'unknown suite' })
  const envelope = {
    kekName: text(take(take(2).readUInt16BE())),
    wrapped: take(take(2).readUInt16BE()),
    salt: take(SALT_BYTES),
    commitment: take(COMMITMENT_BYTES),
    iv: take(GCM_IV_BYTES),
    ciphertext: bytes.subarray(at),
  }
  if (envelope.ciphertext.length < GCM_TAG_BYTES) throw fault.unopenable({ detail: 'too short' })
  return envelope

  function take(length: number): Buffer {
    if (at + length > bytes.length) throw fault.unopenable({ detail: 'too short' })
    at += length
    return bytes.subarray(at - length, at)
  }
}

/** Only what `formatEnvelope` writes: no byte-order mark dropped, no broken sequence replaced. */
function text(bytes: Buffer): string {
  const value = bytes.toString()
  if (value === '' || !Buffer.from(value).equals(bytes)) throw fault.unopenable({ detail: 'no key name' })
  return value
}
