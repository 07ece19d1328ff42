import type { RevocationEntry } from '#revocation'

/** That a tool's server named a scope in a step-up. */
export interface NamedScope {
  readonly tool: string
  readonly scope: string
}

export interface StepUpStore {
  /** All that this server's tools have named. */
  namedAt(server: string): Promise<readonly NamedScope[]>
  /**
   * Adds what is not there yet and appends the entry to the feed, in one transaction. False, and nothing written, when all
   * of it is there.
   */
  add(server: string, named: readonly NamedScope[], entry: RevocationEntry): Promise<boolean>
}
