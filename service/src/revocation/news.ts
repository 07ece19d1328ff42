import type { PlacedEntry, RevocationStore } from './revocation-store.ts'

/** What a reader finds that it did not know. */
export interface News {
  readonly entries: readonly PlacedEntry[]
  /** Whether they come right after the last that was known. Otherwise some may be missing, or the places are others'. */
  readonly follows: boolean
}

/**
 * What came after `last`, the entry that was read last. Where it is no longer there as it was (swept after a long pause, or
 * the database was restored) everything that is kept is found anew.
 */
export async function newsAfter(store: RevocationStore, last: PlacedEntry | undefined): Promise<News> {
  if (last === undefined) return { entries: await store.after(0), follows: false }
  const [known, ...entries] = await store.after(last.sequence - 1)
  return known !== undefined && isSame(known, last)
    ? { entries, follows: true }
    : { entries: await store.after(0), follows: false }
}

function isSame(a: PlacedEntry, b: PlacedEntry): boolean {
  return a.sequence === b.sequence && a.kind === b.kind && a.idHash === b.idHash && a.at === b.at
}
