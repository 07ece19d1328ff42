/** The right to write one audit log. Whoever takes it next has a higher term. */
export interface Lease {
  readonly replica: string
  readonly term: number
}

/** What is known of a log's lease. */
export interface LeaseState extends Lease {
  /** Grows with every sign of life. */
  readonly beat: number
  /** False when nobody has it. */
  readonly held: boolean
}

export interface LeaseStore {
  /** One for every log that there is, in the order of their names. */
  list(): Promise<readonly LeaseState[]>
  /** A log of a new name, and its lease. Undefined when the name is taken. */
  create(replica: string): Promise<Lease | undefined>
  /** Takes the lease if it is still as it was seen: of several who try, one has it. Undefined for the others. */
  take(seen: LeaseState): Promise<Lease | undefined>
  /** A sign of life. False when it is another's by now. */
  beat(lease: Lease): Promise<boolean>
  /** Lets anybody have it; of no effect when it is another's by now. */
  release(lease: Lease): Promise<void>
}
