import type { RevocationEntry } from '#revocation'

/** One sign-in in one browser. The cookie's value is a credential: only its hash is stored. */
export interface Session {
  /** `sid` in tokens. */
  readonly id: string
  readonly account: string
  /** Seconds since the epoch. */
  readonly authTime: number
  readonly acr: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

export interface SessionStore {
  insert(cookieHash: string, session: Session): Promise<void>
  find(cookieHash: string): Promise<Session | undefined>
  /** Forgets one, and ends nothing that came from it. */
  remove(cookieHash: string): Promise<void>
  /**
   * Ends a session and every login that came from it, and appends the entry to the revocation feed, in one transaction.
   * `at` in milliseconds. False, and nothing written, when there is no such session.
   */
  end(cookieHash: string, at: number, entry: RevocationEntry): Promise<boolean>
  /** The same for every session and login of an account, also where there is none. */
  endAll(account: string, at: number, entry: RevocationEntry): Promise<void>
  /** How many sessions accounts have that have not ended by `now` (seconds), by account. */
  counts(now: number): Promise<ReadonlyMap<string, number>>
  /** Forgets what ended before `now` (seconds). */
  sweep(now: number): Promise<void>
}
