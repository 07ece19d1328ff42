/** What one commit wrote: the records that arrived during the commit before it, in one row. */
export interface Bundle {
  readonly replica: string
  /** Counts the bundles of a replica from 1 without a gap. */
  readonly sequence: number
  /** Milliseconds. */
  readonly at: number
  /** How many records it holds. */
  readonly records: number
  readonly body: Uint8Array
}

export interface BundleStore {
  /** Durable when it resolves. Throws when the sequence is taken, and when the log's lease is not of this term. */
  append(bundle: Bundle, term: number): Promise<void>
  /** Bundles of a replica after a sequence number, in order, at most `limit`. */
  after(replica: string, sequence: number, limit: number): Promise<readonly Bundle[]>
  /** Bundles of a replica before a sequence number (exclusive), newest first, at most `limit`. */
  before(replica: string, sequence: number, limit: number): Promise<readonly Bundle[]>
  /** The last sequence number of a replica; 0 when it has none. */
  last(replica: string): Promise<number>
  /** Up to where every decision of a replica is known to have its outcome; 0 at first. */
  settled(replica: string): Promise<number>
  settle(replica: string, sequence: number): Promise<void>
}
