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
  remove(cookieHash: string): Promise<void>
  /** Forgets what ended before `now` (seconds). */
  sweep(now: number): Promise<void>
}
