import type { RevocationKind } from '@tetrapod/protocol'

/** What is written to the feed: what ends tokens; that a grant, an agent or what a server's tools need has changed ends none. */
export type FeedKind = RevocationKind | 'grant_version' | 'agent_version' | 'tool_scopes'

/** One line of the feed. Ids travel hashed; an entry lives as long as a token it ends could. */
export interface RevocationEntry {
  /** A {@link FeedKind}, or what a later version writes: such an entry is kept and passed on, and ends nothing here. */
  readonly kind: string
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
  /** Appends, and returns the entry's place in the sequence: a later one never becomes visible before an earlier one. */
  append(entry: RevocationEntry): Promise<number>
  /** Entries after a place in the sequence, in order, expired or not. */
  after(sequence: number): Promise<readonly PlacedEntry[]>
  /**
   * Forgets what expired before `now` (milliseconds), from the first entry on: never one behind an entry that is kept, and
   * never the last. So where a reader finds the entry it read last, nothing after it is missing.
   */
  sweep(now: number): Promise<void>
}
