import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { type Clock, isObject, type Json, nowSeconds, type Secret } from '#kernel'
import { fault } from './faults.ts'

const TICKET_LENGTH_MAX = 4096
const FORMAT = 1
const SALT_BYTES = 16
const IV_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + SALT_BYTES + IV_BYTES

/** Values that travel through someone else's hands and come back: unread, unchanged, in time. */
export interface Tickets {
  /**
   * A sealed value in base64url. Whoever holds it can show it again until it expires: what must happen once is
   * counted elsewhere. Throws `tickets.too_long` when it would be over 4 KiB.
   */
  seal(purpose: string, value: Json, lifetimeSeconds: number): string
  /** Throws `tickets.invalid` for anything we did not seal for this very purpose, `tickets.expired` afterwards. */
  open(purpose: string, ticket: string): unknown
}

export function createTickets({ key, clock }: TicketsDeps): Tickets {
  return {
    seal(purpose, value, lifetimeSeconds) {
      const contents = JSON.stringify({ exp: nowSeconds(clock) + lifetimeSeconds, value })
      const ticket = encrypt(key, purpose, Buffer.from(contents)).toString('base64url')
      if (ticket.length > TICKET_LENGTH_MAX) throw fault.too_long({ detail: purpose })
      return ticket
    },
    open(purpose, ticket) {
      const contents: unknown = JSON.parse(decrypt(key, purpose, decode(ticket)).toString())
      if (!isObject(contents) || typeof contents['exp'] !== 'number') throw fault.invalid({ detail: purpose })
      if (nowSeconds(clock) >= contents['exp']) throw fault.expired({ detail: purpose })
      return contents['value']
    },
  }
}

interface TicketsDeps {
  /** 32 random bytes, the same in every replica. */
  readonly key: Secret<Uint8Array>
  readonly clock: Clock
}

/** One spelling per ticket: Node's decoder skips what is not base64url and ignores the last odd bits. */
function decode(ticket: string): Buffer {
  if (ticket.length > TICKET_LENGTH_MAX) throw fault.invalid({ detail: 'too long' })
  const bytes = Buffer.from(ticket, 'base64url')
  if (bytes.toString('base64url') !== ticket) throw fault.invalid({ detail: 'not base64url' })
  if (bytes.length < HEAD_BYTES + TAG_BYTES) throw fault.invalid({ detail: 'too short' })
  if (bytes[0] !== FORMAT) throw fault.invalid({ detail: 'unknown format' })
  return bytes
}

/** `format | salt 16 | iv 12 | ciphertext | tag 16` */
function encrypt(key: Secret<Uint8Array>, purpose: string, plaintext: Buffer): Buffer {
  const salt = randomBytes(SALT_BYTES)
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', derive(key, purpose, salt), iv, { authTagLength: TAG_BYTES })
  const ciphertext = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat([Uint8Array.of(FORMAT), salt, iv, ...ciphertext])
}

function decrypt(key: Secret<Uint8Array>, purpose: string, bytes: Buffer): Buffer {
  const salt = bytes.subarray(1, 1 + SALT_BYTES)
  const iv = bytes.subarray(1 + SALT_BYTES, HEAD_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', derive(key, purpose, salt), iv, {
    authTagLength: TAG_BYTES,
  })
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES)), decipher.final()])
  } catch (cause) {
    throw fault.invalid({ detail: purpose, cause })
  }
}

/** A key per purpose and ticket: random ivs under one key alone would run out after 2^32 tickets (SP 800-38D). */
function derive(key: Secret<Uint8Array>, purpose: string, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha512', key.reveal(), salt, `tetrapod ticket ${purpose}`, 32))
}
