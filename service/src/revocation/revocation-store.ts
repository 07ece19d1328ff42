/**
 * What can be revoked in this version: a grant, one login of an agent under it, a session with all that came from it, all
 * that a user had until then.
 */
export type RevocationKind = 'grant' | 'family' | 'session' | 'user'

/** One line of the feed. Ids travel hashed; an entry lives as long as a token it stops could. */
export interface RevocationEntry {
  readonly kind: RevocationKind
  readonly idHash: string
  /** Milliseconds. */
  readonly at: number
  /** Milliseconds: after this no token it concerns can be alive. */
  readonly expiresAt: number
}

/** An entry at its place in the sequence, counted from 1. */
export interface PlacedEntry extends RevocationEntry {
  readonly sequence: number
}

export interface RevocationStore {
  /** Appends, and returns the entry's place in the sequence. */
  append(entry: RevocationEntry): Promise<number>
  /** Entries after a place in the sequence, in order, those that expired before `now` (milliseconds) left out. */
  after(sequence: number, now: number): Promise<readonly PlacedEntry[]>
  /** Forgets what expired before `now` (milliseconds). Its places are not given again. */
  sweep(now: number): Promise<void>
}
