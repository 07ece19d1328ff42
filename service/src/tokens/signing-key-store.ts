import type { Sealed } from '#vault'

export interface SigningKeyRow {
  readonly kid: string
  /** Milliseconds. */
  readonly createdAt: number
  /** The private JWK as JSON, sealed under purpose `signing`, record `kid`, field `jwk`, version 1. */
  readonly sealed: Sealed
}

export interface SigningKeyStore {
  /** Oldest first. */
  list(): Promise<readonly SigningKeyRow[]>
  /** False, and nothing written, when a key exists already: two first starts at once end with one key. */
  insertFirst(row: SigningKeyRow): Promise<boolean>
}
