import type { KeyObject } from 'node:crypto'
import type { Purpose } from './sealed.ts'

/**
 * Holds the key-encryption keys. They never leave it; data keys come out, and go back in to be unwrapped.
 *
 * A wrapped data key is bound to the `context` it was made for (`keyContext`): under another it does not unwrap.
 */
export interface Keyring {
  /** A new data key of 256 bits. When it resolves, the key that wraps it is durable. */
  generate(purpose: Purpose, context: Uint8Array): Promise<DataKey>
  /** Throws `vault.unopenable` for a data key of another keyring or another context. */
  unwrap(kekName: string, wrapped: Uint8Array, context: Uint8Array): Promise<KeyObject>
}

/** A data key in the clear and as it is stored. A KeyObject lies outside the JavaScript heap and prints nothing. */
export interface DataKey {
  readonly kekName: string
  readonly dek: KeyObject
  readonly wrapped: Uint8Array
}
