import type { Bundle, BundleStore } from './bundle-store.ts'
import { readBundle } from './bundle.ts'
import { fault } from './faults.ts'
import type { Position } from './journal.ts'
import type { AuditRecord } from './record.ts'

const BUNDLES_PER_READ = 64

export interface Survey {
  readonly next: Position
  /** The permitted decisions without an outcome, in order: sequence of the record → sequence of its bundle. */
  readonly open: ReadonlyMap<number, number>
}

/**
 * Reads what a replica wrote since it last settled: where it goes on, and which decisions an earlier run left open.
 * Throws Fault `audit.bundle_unreadable` for a bundle that was changed or is missing.
 */
export async function survey(store: BundleStore, replica: string): Promise<Survey> {
  const open = new Map<number, number>()
  const settled = await store.settled(replica)
  const last = await store.last(replica)
  if (settled > last) throw missing(replica, settled)
  for await (const bundle of bundlesAfter(store, replica, settled)) {
    for (const { record } of readBundle(bundle)) note(open, record, bundle.sequence)
  }
  const [newest] = await store.before(replica, last + 1, 1)
  if (newest === undefined) return { next: { bundle: 1, record: 1, at: 0 }, open }
  const lastRecord = readBundle(newest).at(-1)?.record.sequence ?? 0
  return { next: { bundle: newest.sequence + 1, record: lastRecord + 1, at: newest.at }, open }
}

/** Bundles of a replica after a sequence number, in order. Throws Fault `audit.bundle_unreadable` where one is missing. */
export async function* bundlesAfter(
  store: BundleStore,
  replica: string,
  sequence: number,
): AsyncGenerator<Bundle> {
  for (let last = sequence; ;) {
    const bundles = await store.after(replica, last, BUNDLES_PER_READ)
    for (const bundle of bundles) {
      last += 1
      if (bundle.sequence !== last) throw missing(replica, last)
      yield bundle
    }
    if (bundles.length < BUNDLES_PER_READ) return
  }
}

/** A refused decision is its own outcome. */
export function awaitsOutcome(record: AuditRecord): boolean {
  return record.kind === 'decision' && record.policy.effect === 'permit'
}

function note(open: Map<number, number>, record: AuditRecord, bundle: number): void {
  if (awaitsOutcome(record)) open.set(record.sequence, bundle)
  if (record.kind === 'outcome') open.delete(record.decision)
}

function missing(replica: string, sequence: number) {
  return fault.bundle_unreadable({ detail: `bundle ${sequence} of replica ${replica} is missing` })
}
