import type { BundleStore } from './bundle-store.ts'
import { fault } from './faults.ts'
import { type Below, type Joined, readBack, timeOf } from './read-back.ts'
import { partsOf } from './record.ts'

export interface ReadAllDeps {
  readonly store: BundleStore
  /** The names of all logs. */
  readonly replicas: readonly string[]
  /** Decisions of a log that have no durable outcome yet, as far as that is known here. */
  readonly openIn: (replica: string) => ReadonlyMap<number, unknown>
}

/**
 * The last `limit` records of all logs together, of those before a ref (exclusive); newest last. Their order is that of
 * the bundles' times, of the logs' names and of their numbers: within a log the order of writing, between two logs as good
 * as their clocks agree. Throws Fault `audit.ref_unknown`, `audit.bundle_unreadable`.
 */
export async function readAll(
  { limit, before }: { readonly limit: number; readonly before: string | undefined },
  { store, replicas, openIn }: ReadAllDeps,
): Promise<readonly Joined[]> {
  const belowIn = before === undefined ? () => everything : await placeOf(before, { store, replicas })
  const read = replicas.map((replica) =>
    readBack({ limit, below: belowIn(replica) }, { store, replica, open: openIn(replica) }),
  )
  const rows = (await Promise.all(read)).flat()
  return rows.toSorted(inOrder).slice(-limit)
}

const everything: Below = () => true

async function placeOf(
  before: string,
  { store, replicas }: Pick<ReadAllDeps, 'store' | 'replicas'>,
): Promise<(replica: string) => Below> {
  const place = partsOf(before)
  if (place === undefined || !replicas.includes(place.replica)) throw fault.ref_unknown()
  const time = await timeOf({ store, replica: place.replica }, place.sequence)
  return (replica) => {
    if (replica === place.replica) return (_, sequence) => sequence < place.sequence
    return (at) => at < time || (at === time && replica < place.replica)
  }
}

function inOrder(a: Joined, b: Joined): number {
  const [one, other] = [a.stored.record, b.stored.record]
  if (a.at !== b.at) return a.at - b.at
  if (one.replica !== other.replica) return one.replica < other.replica ? -1 : 1
  return one.sequence - other.sequence
}
