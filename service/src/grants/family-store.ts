import type { RevocationEntry } from '#revocation'

/** One login of an agent under a grant: a code and its refreshes (DESIGN §2). Times are milliseconds. */
export interface Family {
  readonly id: string
  /** The grant it is under. */
  readonly grant: string
  /** The browser session it happened in: `sid` in tokens. */
  readonly session: string
  /** Our account id of the user. */
  readonly user: string
  /** The agent's client id. */
  readonly agent: string
  /** The key of the server it is for. */
  readonly server: string
  readonly beganAt: number
  /** When a token was last given for it. */
  readonly usedAt: number
  readonly endedAt: number | undefined
}

export interface FamilyStore {
  /** False, and nothing written, when its session is gone: of a sign-out at the same time one is first. */
  insert(family: Family): Promise<boolean>
  find(id: string): Promise<Family | undefined>
  /** The last use of each grant of a user, by grant. */
  lastUses(user: string): Promise<ReadonlyMap<string, number>>
  /** Notes a use. Never sets the time back. */
  touch(id: string, at: number): Promise<void>
  /**
   * Marks it ended for good and appends the entry to the revocation feed, in one transaction.
   * False, and nothing written, when it is unknown or has ended.
   */
  end(id: string, at: number, entry: RevocationEntry): Promise<boolean>
  /** Forgets those last used before `at`: nothing of theirs can be alive. */
  sweep(at: number): Promise<void>
}
