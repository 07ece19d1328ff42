import type { News } from './news.ts'
import type { PlacedEntry } from './revocation-store.ts'

/** The feed as it is stored, without what nobody needs any more. */
export interface LiveEntries {
  readonly entries: readonly PlacedEntry[]
  /** The place of the last entry; what was before the first of `entries` is no longer kept. */
  readonly head: number
  /** Grows when the places are no longer those they were: who knows some from before begins anew. */
  readonly edition: number
}

/** What was read, each entry with its end by the ticker. */
export interface Live {
  readonly kept: readonly { readonly entry: PlacedEntry; readonly until: number }[]
  readonly last: PlacedEntry | undefined
  readonly edition: number
}

export const NOTHING_READ: Live = { kept: [], last: undefined, edition: 0 }

/** What is kept after reading `news`: what follows is added, what does not takes the place of all. */
export function afterNews(
  { kept, last, edition }: Live,
  { entries, follows }: News,
  { now, until }: { readonly now: number; readonly until: number },
): Live {
  const added = entries.map((entry) => ({ entry, until }))
  if (follows)
    return { kept: [...kept.filter((it) => it.until > now), ...added], last: entries.at(-1) ?? last, edition }
  // Nobody knows a place of a feed that was empty.
  return { kept: added, last: entries.at(-1), edition: last === undefined ? edition : edition + 1 }
}

export function liveEntries({ kept, last, edition }: Live, now: number): LiveEntries {
  const entries = kept.filter(({ until }) => until > now).map(({ entry }) => entry)
  return { entries, head: last?.sequence ?? 0, edition }
}
