import type { SigningAlgorithm } from '@tetrapod/protocol'
import type { RevocationEntry } from '#revocation'
import type { Sealed } from '#vault'

/** A signing key and the times that say what it does when. Milliseconds. */
export interface SigningKeyRow {
  readonly kid: string
  /** From then on it is published. */
  readonly createdAt: number
  readonly algorithm: SigningAlgorithm
  /** From then on it signs, until another does. */
  readonly signsAt: number
  readonly revokedAt: number | undefined
  /** The private JWK as JSON, sealed under purpose `signing`, record `kid`, field `jwk`, version 1. */
  readonly sealed: Sealed
}

export interface SigningKeyStore {
  /** Oldest first. */
  list(): Promise<readonly SigningKeyRow[]>
  /**
   * One change at a time, whoever makes it: hands over all rows as they are and writes those that come back, a new one whole
   * and one that is there by its times. `entry` is appended to the feed with them. Returns all rows as they are then, oldest
   * first. Nothing is written when `change` throws, and this throws the same.
   */
  update(
    change: (rows: readonly SigningKeyRow[]) => readonly SigningKeyRow[],
    entry?: RevocationEntry,
  ): Promise<readonly SigningKeyRow[]>
}
