import type { RevocationEntry } from './revocation-store.ts'

/** One thing that the catalogue lets count. */
export interface Standing {
  readonly kind: string
  readonly id: string
  /** What of it counts: where this is another, what stood before under the same id stands no more. */
  readonly of?: string | undefined
}

/** The catalogue that was last in force, at whichever replica: all that has to be known of it once it is gone. */
export interface CatalogueRow {
  /** Grows by one with each change. */
  readonly version: number
  /** SHA-256 of the configuration's text, in hex. */
  readonly digest: string
  readonly standing: readonly Standing[]
  /** Milliseconds. */
  readonly at: number
}

/** What ends with a change of the catalogue: logins and sessions for good, tokens by entries of the feed. */
export interface CatalogueEnds {
  readonly at: number
  /** Logins of these agents, and logins at these servers, by key. */
  readonly agents: readonly string[]
  readonly servers: readonly string[]
  /** Sessions and logins of these accounts. */
  readonly accounts: readonly string[]
  readonly entries: readonly RevocationEntry[]
}

export interface CatalogueStore {
  read(): Promise<CatalogueRow | undefined>
  /**
   * Writes the row in place of the version before it, ends what ends and appends the entries, all together. False, and
   * nothing done, where another has taken that place meanwhile.
   */
  replace(row: CatalogueRow, ends: CatalogueEnds): Promise<boolean>
}
