declare const sealed: unique symbol

/** An envelope in the record format of the vault: the only shape in which a secret reaches storage. */
export type Sealed = Uint8Array & { readonly [sealed]: true }

/** What a key-encryption key is for. Each purpose has keys of its own. */
export type Purpose = 'service' | 'signing' | 'oauth' | 'audit'

/**
 * The row an envelope belongs to, known to the reader from the row itself and never read from the envelope.
 * An envelope opens only under exactly the key it was sealed under: moved, swapped or old, it does not.
 */
export interface RowKey {
  readonly purpose: Purpose
  /** The row's primary key. */
  readonly record: string
  /** The column. */
  readonly field: string
  /** Grows with every write of the row. */
  readonly version: number
  /** The user the row belongs to: our account id. Absent for rows of the service itself. */
  readonly user?: string
  /** The identity provider the row concerns. */
  readonly provider?: string
  /** Set when the row shares its data key with others of the same purpose and user (`Vault.sealer`). */
  readonly partition?: string
}

/** Rows that share one data key: an audit day of a user, for one. */
export interface Partition {
  readonly purpose: Purpose
  readonly user?: string
  readonly partition: string
}
