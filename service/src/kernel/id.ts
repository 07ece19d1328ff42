import { hash, randomBytes } from 'node:crypto'

/**
 * A random id of 128 bits, base64url: never guessed, never reassigned. It begins with no hyphen, since people hand ids to
 * commands, which would take it for an option.
 */
export function randomId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? randomId() : id
}

/** A random value of 256 bits, base64url: what a cookie or a one-time link carries. */
export function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

/** SHA-256, base64url: how an id that is itself a credential is stored and looked up. */
export function hashed(value: string): string {
  return hash('sha256', value, 'base64url')
}
