import type { BundleStore } from './bundle-store.ts'
import { type DecodedRecord, readBundle } from './bundle.ts'
import { type AuditRecord, type OutcomeRecord } from './record.ts'
import { awaitsOutcome, bundlesAfter } from './survey.ts'

const BUNDLES_PER_READ = 32
/**
 * What amends an exchange or an event comes this soon after it, or with the bundle after the log could be written again:
 * further on, none is looked for.
 */
export const AMENDED_WITHIN_MS = 10_000

/** A record and, for a call that ended or a record that was amended, its outcome. */
export interface Joined {
  readonly stored: DecodedRecord
  readonly outcome: OutcomeRecord | undefined
}

export interface ReadBackDeps {
  readonly store: BundleStore
  readonly replica: string
  /** Decisions that have no durable outcome yet: nothing is searched for them. */
  readonly open: ReadonlyMap<number, unknown>
}

/**
 * The last `limit` records that are no outcomes, of those before a record sequence (exclusive); newest last.
 * Throws Fault `audit.bundle_unreadable`.
 */
export async function readBack(
  { limit, before }: { readonly limit: number; readonly before: number | undefined },
  { store, replica, open }: ReadBackDeps,
): Promise<readonly Joined[]> {
  const outcomes = new Map<number, OutcomeRecord>()
  const found: DecodedRecord[] = []
  const top = await topBundle(store, replica, before)
  for await (const records of bundlesDown(store, replica, top)) {
    for (const { record } of records) collect(outcomes, record)
    const wanted = records.filter(
      ({ record }) => record.kind !== 'outcome' && (before === undefined || record.sequence < before),
    )
    found.push(...wanted.toReversed())
    if (found.length >= limit) break
  }
  const chosen = found.slice(0, limit).toReversed()
  await collectLater(top, chosen)
  return chosen.map((stored) => ({ stored, outcome: outcomes.get(stored.record.sequence) }))

  /** An outcome may lie far behind its decision, and an amendment a little: above the bundles that were read. */
  async function collectLater(from: number, records: readonly DecodedRecord[]): Promise<void> {
    const missing = new Set(
      records
        .map(({ record }) => record)
        .filter((record) => awaitsOutcome(record) && !outcomes.has(record.sequence))
        .map(({ sequence }) => sequence)
        .filter((sequence) => !open.has(sequence)),
    )
    const until = Math.max(...records.map(({ record }) => amendedUntil(record)))
    if (missing.size === 0 && until === -Infinity) return
    for await (const bundle of bundlesAfter(store, replica, from)) {
      for (const { record } of readBundle(bundle)) {
        collect(outcomes, record)
        if (record.kind === 'outcome') missing.delete(record.decision)
      }
      if (missing.size === 0 && bundle.at > until) return
    }
  }
}

const FINAL: ReadonlySet<AuditRecord['kind']> = new Set([
  'decision',
  'outcome',
  'exchange_refused',
  'refresh_refused',
])

/** Refused ones are never amended. */
function amendedUntil(record: AuditRecord): number {
  const final = FINAL.has(record.kind)
  const refused = record.kind === 'exchange' && record.policy.effect === 'deny'
  return !final && !refused ? record.time + AMENDED_WITHIN_MS : -Infinity
}

function collect(outcomes: Map<number, OutcomeRecord>, record: AuditRecord): void {
  if (record.kind === 'outcome' && !outcomes.has(record.decision)) outcomes.set(record.decision, record)
}

async function* bundlesDown(
  store: BundleStore,
  replica: string,
  top: number,
): AsyncGenerator<readonly DecodedRecord[]> {
  for (let below = top + 1; below > 1;) {
    const bundles = await store.before(replica, below, BUNDLES_PER_READ)
    for (const bundle of bundles) yield readBundle(bundle)
    below = bundles.at(-1)?.sequence ?? 0
  }
}

/** The last bundle that begins before a record sequence, by halving: bundles are not indexed by their records. */
async function topBundle(store: BundleStore, replica: string, before: number | undefined): Promise<number> {
  let high = await store.last(replica)
  if (before === undefined) return high
  let low = 0
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const [bundle] = await store.before(replica, middle + 1, 1)
    const first = bundle === undefined ? 0 : (readBundle(bundle)[0]?.record.sequence ?? 0)
    if (first < before) low = middle
    else high = middle - 1
  }
  return low
}
