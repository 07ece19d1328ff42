import type { Bundle, BundleStore } from './bundle-store.ts'
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
  /** When its bundle was written, in milliseconds. */
  readonly at: number
  readonly outcome: OutcomeRecord | undefined
}

export interface ReadBackDeps {
  readonly store: BundleStore
  readonly replica: string
  /** Decisions that have no durable outcome yet: nothing is searched for them. */
  readonly open: ReadonlyMap<number, unknown>
}

/**
 * True for the records of a log that come before a place, by the time of their bundle and their number: from the first
 * record on, up to one.
 */
export type Below = (at: number, sequence: number) => boolean

/**
 * The last `limit` records of a log that are no outcomes, of those `below` a place; newest last.
 * Throws Fault `audit.bundle_unreadable`.
 */
export async function readBack(
  { limit, below }: { readonly limit: number; readonly below: Below },
  { store, replica, open }: ReadBackDeps,
): Promise<readonly Joined[]> {
  const outcomes = new Map<number, OutcomeRecord>()
  const found: Omit<Joined, 'outcome'>[] = []
  const top = await topBundle(store, replica, below)
  for await (const bundle of bundlesDown(store, replica, top)) {
    const { at } = bundle
    const records = readBundle(bundle)
    for (const { record } of records) collect(outcomes, record)
    const wanted = records.filter(({ record }) => record.kind !== 'outcome' && below(at, record.sequence))
    found.push(...wanted.map((stored) => ({ stored, at })).toReversed())
    if (found.length >= limit) break
  }
  const chosen = found.slice(0, limit).toReversed()
  await collectLater(
    top,
    chosen.map(({ stored }) => stored),
  )
  return chosen.map((each) => ({ ...each, outcome: outcomes.get(each.stored.record.sequence) }))

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

async function* bundlesDown(store: BundleStore, replica: string, top: number): AsyncGenerator<Bundle> {
  for (let below = top + 1; below > 1;) {
    const bundles = await store.before(replica, below, BUNDLES_PER_READ)
    yield* bundles
    below = bundles.at(-1)?.sequence ?? 0
  }
}

/** When the bundle of a record was written; for one that is not there, the last. 0 for an empty log. */
export async function timeOf(
  { store, replica }: Pick<ReadBackDeps, 'store' | 'replica'>,
  sequence: number,
): Promise<number> {
  const top = await topBundle(store, replica, (_, first) => first <= sequence)
  const [bundle] = await store.before(replica, top + 1, 1)
  return bundle?.at ?? 0
}

/** The last bundle that begins below a place, by halving: bundles are not indexed by their records. */
async function topBundle(store: BundleStore, replica: string, below: Below): Promise<number> {
  let high = await store.last(replica)
  let low = 0
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const [bundle] = await store.before(replica, middle + 1, 1)
    if (bundle === undefined || below(bundle.at, firstOf(bundle))) low = middle
    else high = middle - 1
  }
  return low
}

function firstOf(bundle: Bundle): number {
  return readBundle(bundle)[0]?.record.sequence ?? 0
}
