import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Secret } from '#kernel'

const derive = promisify<string, Buffer, number, Cost & { readonly maxmem: number }, Buffer>(scrypt)

/** What a hash costs (RFC 7914 §2): memory is 128·N·r bytes, work grows with N·r·p. */
interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}

const N_MIN = 1024
const P_MAX = 16
const MEMORY_MAX = 256 * 1024 * 1024
const SALT_BYTES = 16
const HASH_BYTES = 32
const COST_OF_NEW: Cost = { N: 16384, r: 8, p: 1 }
// A salt of 16 bytes or more, a hash of exactly 32.
const FORM = /^scrypt:([1-9]\d{3,6}):([1-9]\d{0,3}):([1-9]\d?):([\w-]{22,128}):([\w-]{43})$/

/**
 * What a stored password looks like: `scrypt:N:r:p:salt:hash`, the last two base64url. N is a power of two and at least
 * 1024; a check takes at most 256 MiB.
 */
export function isPasswordHash(value: string): boolean {
  return parse(value) !== undefined
}

/** Hashes a password for the configuration, with a new salt. */
export async function hashPassword(password: Secret): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password.reveal(), salt, HASH_BYTES, allowed(COST_OF_NEW))
  return format(COST_OF_NEW, salt.toString('base64url'), hash.toString('base64url'))
}

/** Compares in constant time. False for a stored value that is not of the form. Never on the event loop. */
export async function passwordMatches(password: Secret, stored: Secret): Promise<boolean> {
  const known = parse(stored.reveal())
  if (known === undefined) return false
  const derived = await derive(password.reveal(), known.salt, HASH_BYTES, allowed(known.cost))
  return timingSafeEqual(derived, known.hash)
}

/**
 * A hash that no password matches and that costs as much as the dearest of `stored`: an unknown user name takes as long
 * as a wrong password.
 */
export function nobodysHash(stored: readonly Secret[]): Secret {
  const costs = stored.flatMap((it) => parse(it.reveal())?.cost ?? [])
  const dearest = costs.reduce((a, b) => (work(b) > work(a) ? b : a), costs[0] ?? COST_OF_NEW)
  return new Secret(format(dearest, 'A'.repeat(22), 'A'.repeat(43)))
}

function parse(
  value: string,
): { readonly cost: Cost; readonly salt: Buffer; readonly hash: Buffer } | undefined {
  const [, N, r, p, salt, hash] = FORM.exec(value) ?? []
  if (salt === undefined || hash === undefined) return undefined
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  if (!isCost(cost)) return undefined
  return { cost, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') }
}

/** True for a cost that scrypt accepts (N below 2^16r too) and that this service can bear. */
function isCost({ N, r, p }: Cost): boolean {
  const isPowerOfTwo = (N & (N - 1)) === 0
  return isPowerOfTwo && N >= N_MIN && Math.log2(N) < 16 * r && 128 * N * r <= MEMORY_MAX && p <= P_MAX
}

/** The limit of the library counts a little more than 128·N·r. */
function allowed(cost: Cost) {
  return { ...cost, maxmem: 2 * MEMORY_MAX }
}

function work({ N, r, p }: Cost): number {
  return N * r * p
}

function format({ N, r, p }: Cost, salt: string, hash: string): string {
  return `scrypt:${N}:${r}:${p}:${salt}:${hash}`
}
