import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Secret } from '#kernel'

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
)
const FORM = /^scrypt:(\d{1,7}):(\d{1,3}):(\d{1,3}):([\w-]{16,128}):([\w-]{43})$/

/** What a stored password looks like: `scrypt:N:r:p:salt:hash`, salt and a hash of 32 bytes base64url (RFC 7914). */
export function isPasswordHash(value: string): boolean {
  return FORM.test(value)
}

/** Hashes a password for the configuration, with a new salt. */
export async function hashPassword(password: Secret): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password.reveal(), salt, 32, { N: 16384, r: 8, p: 1, maxmem: MAX_MEMORY })
  return `scrypt:16384:8:1:${salt.toString('base64url')}:${hash.toString('base64url')}`
}

/** Compares in constant time. False for a stored value that is not of the form. Never on the event loop. */
export async function passwordMatches(password: Secret, stored: Secret): Promise<boolean> {
  const [, N, r, p, salt, hash] = FORM.exec(stored.reveal()) ?? []
  if (salt === undefined || hash === undefined) return false
  const cost = { N: Number(N), r: Number(r), p: Number(p), maxmem: MAX_MEMORY }
  const expected = Buffer.from(hash, 'base64url')
  const derived = await derive(password.reveal(), Buffer.from(salt, 'base64url'), expected.length, cost)
  return timingSafeEqual(derived, expected)
}

const MAX_MEMORY = 256 * 1024 * 1024

/** A hash that no password matches: an unknown user name costs as much time as a wrong password. */
export const nobodysHash = new Secret(`scrypt:16384:8:1:${'A'.repeat(22)}:${'A'.repeat(43)}`)
