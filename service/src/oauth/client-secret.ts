import { createHash, timingSafeEqual } from 'node:crypto'

const HASHED = 'sha256:'

/** How a secret lies here. One that is hashed already stays as it is: secrets of ours hold no colon. */
export function hashedSecret(secret: string): string {
  return isHashed(secret) ? secret : `${HASHED}${digest(secret).toString('base64url')}`
}

export function isHashed(secret: unknown): boolean {
  return typeof secret === 'string' && secret.startsWith(HASHED)
}

/** Compares in constant time. */
export function secretMatches(kept: string | undefined, shown: string): boolean {
  if (kept?.startsWith(HASHED) !== true) return false
  const expected = Buffer.from(kept.slice(HASHED.length), 'base64url')
  const actual = digest(shown)
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
