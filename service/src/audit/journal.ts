import { type Clock, Fault } from '#kernel'
import { type Bounds, boundedQueue } from './bounded-queue.ts'
import { type EncodedRecord, encodeBundle } from './bundle.ts'
import type { Bundle, BundleStore } from './bundle-store.ts'
import { fault } from './faults.ts'
import type { Lease } from './lease-store.ts'
import type { Report } from './trouble.ts'

/** A record on its way into the log. */
export interface Entry {
  /** About how many bytes it will take. */
  readonly bytes: number
  /** Makes the bytes once the record has its number. Throwing leaves it out, and the log without a gap. */
  readonly encode: (sequence: number) => EncodedRecord
  /** Called once it is durable; `late` when its writer was told before that it is not. */
  readonly durable: (sequence: number, bundle: number, late: boolean) => void
  readonly refused: (reason: Fault) => void
}

/** The next numbers of a replica, and the time of its last bundle. */
export interface Position {
  readonly bundle: number
  readonly record: number
  readonly at: number
}

export interface Journal {
  /** Starts a commit, or joins the next one when one is under way. */
  write(entry: Entry): void
  /** Rides the next commit; without one, a commit of its own follows within {@link RIDE_MILLISECONDS}. */
  ride(entry: Entry): void
  /**
   * Goes in front of everything else, and is never refused for want of room: for what corrects a record that just became
   * durable, of which there are no more than one bundle holds. Without another commit it waits.
   */
  correct(entry: Entry): void
  /** Resolves when everything that rides is durable. Throws Fault `audit.unavailable`. */
  flush(): Promise<void>
  /** True from a failed append until one succeeds. */
  closed(): boolean
}

export interface JournalDeps {
  readonly store: BundleStore
  readonly lease: Lease
  readonly clock: Clock
  readonly start: Position
  readonly report: Report
  /** Runs once, later; must not keep the process alive. */
  readonly schedule: (run: () => void, milliseconds: number) => void
  /** Waited for between two commits. */
  readonly committed: (bundle: number) => Promise<void>
}

const MIB = 1024 * 1024
/** More than this does not wait: it is refused at once. */
export const WAITING_MAX: Bounds = { records: 10_000, bytes: 64 * MIB }
/** More outcomes than this are not kept while the log cannot be written. */
export const RIDING_MAX: Bounds = { records: 10_000, bytes: 16 * MIB }
/**
 * What one bundle takes of those who wait. A bundle that the database refuses for its size would be tried again for ever:
 * SQLite takes no blob of more than 10^9 bytes.
 */
export const BUNDLE_MAX: Bounds = { records: 1000, bytes: 16 * MIB }
const RIDE_MILLISECONDS = 25

interface Batch {
  readonly bundle: Bundle
  readonly first: number
  readonly entries: readonly Entry[]
}

interface Barrier {
  readonly resolve: () => void
  readonly reject: (reason: Fault) => void
}

/**
 * Group commit without a timer: the next batch is what arrived during the last commit, and a commit is one bundle.
 *
 * A failed append closes the log: all who wait are refused, and whoever comes next makes it append the very same bundle
 * again before anything else (the store may have written it and lost the answer), so that no number is used twice or left out.
 */
export function createJournal({
  store,
  lease,
  clock,
  start,
  report,
  schedule,
  committed,
}: JournalDeps): Journal {
  const { replica, term } = lease
  let next = start
  const waiting = boundedQueue<Entry>(WAITING_MAX)
  const riding = boundedQueue<Entry>(RIDING_MAX)
  let corrections: Entry[] = []
  let barriers: Barrier[] = []
  let doubtful: Batch | undefined
  let closed = false
  let busy = false
  let rideScheduled = false

  async function drain(): Promise<void> {
    busy = true
    while (waiting.size() > 0 || barriers.length > 0) await commit()
    busy = false
  }

  async function commit(): Promise<void> {
    const taken = waiting.take(BUNDLE_MAX)
    const passed = barriers
    barriers = []
    try {
      if (doubtful !== undefined) await appendAgain(doubtful)
      const entries = [...corrections, ...riding.takeAll(), ...taken]
      corrections = []
      const batch = form(entries)
      if (batch.entries.length > 0) await append(batch)
      for (const { resolve } of passed) resolve()
    } catch (cause) {
      refuseAll([...taken, ...waiting.takeAll()], [...passed, ...barriers], cause)
    }
  }

  function form(entries: readonly Entry[]): Batch {
    const encoded: EncodedRecord[] = []
    const kept = entries.filter((entry) => {
      try {
        encoded.push(entry.encode(next.record + encoded.length))
        return true
      } catch (cause) {
        entry.refused(cause instanceof Fault ? cause : fault.unrecordable({ cause }))
        return false
      }
    })
    const bundle = {
      replica,
      sequence: next.bundle,
      // Never before the one in front of it, whatever the clock does: readers look for a time by halving.
      at: Math.max(clock.now(), next.at),
      records: encoded.length,
      body: encodeBundle(encoded),
    }
    return { bundle, first: next.record, entries: kept }
  }

  async function append(batch: Batch): Promise<void> {
    doubtful = batch
    await store.append(batch.bundle, term)
    await confirm(batch, false)
  }

  async function appendAgain(batch: Batch): Promise<void> {
    const { sequence, body } = batch.bundle
    const [stored] = await store.before(replica, sequence + 1, 1)
    if (stored?.sequence !== sequence) await store.append(batch.bundle, term)
    else if (Buffer.compare(stored.body, body) !== 0)
      throw new Error('another process writes as this replica')
    await confirm(batch, true)
  }

  async function confirm({ bundle, first, entries }: Batch, late: boolean): Promise<void> {
    doubtful = undefined
    closed = false
    next = { bundle: bundle.sequence + 1, record: first + entries.length, at: bundle.at }
    for (const [i, entry] of entries.entries()) entry.durable(first + i, bundle.sequence, late)
    await committed(bundle.sequence)
  }

  function refuseAll(entries: readonly Entry[], passed: readonly Barrier[], cause: unknown): void {
    report('append_failed', entries.length, cause)
    closed = true
    barriers = []
    const reason = fault.unavailable({ cause })
    for (const entry of entries) entry.refused(reason)
    for (const { reject } of passed) reject(reason)
  }

  function begin(): void {
    if (!busy) void drain()
  }

  function flush(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    barriers.push({ resolve, reject })
    begin()
    return promise
  }

  function rideLater(): void {
    if (rideScheduled) return
    rideScheduled = true
    schedule(() => {
      rideScheduled = false
      if (riding.size() > 0) flush().catch(() => undefined)
    }, RIDE_MILLISECONDS)
  }

  return {
    write(entry) {
      if (waiting.add(entry)) begin()
      else entry.refused(fault.unavailable({ detail: 'too much waits to be written' }))
    },
    ride(entry) {
      if (riding.add(entry)) rideLater()
      else entry.refused(fault.unavailable({ detail: 'too many outcomes wait' }))
    },
    correct(entry) {
      corrections.push(entry)
    },
    flush,
    closed: () => closed,
  }
}
