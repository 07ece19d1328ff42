import { type Clock, hashed } from '#kernel'
import type { PlacedEntry, RevocationEntry, RevocationKind, RevocationStore } from './revocation-store.ts'
import { shared } from './shared.ts'
import { createWatch } from './watch.ts'

/** No token of ours outlives this, so no entry of the feed need (milliseconds; RFC 8693 tokens live 300 s, plus skew). */
const ENTRY_MS = 10 * 60_000
/** Who holds a key may sign at any time: an entry for one lives until nobody can have it in memory any more (milliseconds). */
const KEY_ENTRY_MS = 2 * 60 * 60_000

/** What can be revoked: of this kind, under this id. */
export type Revocable = readonly [kind: RevocationKind, id: string]

/** What has been revoked, answered from memory. */
export interface Revocation {
  /** True once `kind` and `id` were revoked, until every token that could have come from it has expired. */
  revoked(kind: RevocationKind, id: string): boolean
  /** Calls `stop` once, as soon as one of these is revoked: now, where one is already. Returns what ends the watch. */
  watch(these: readonly Revocable[], stop: () => void): () => void
  /** Revokes: durable when it resolves, and known here. */
  revoke(kind: RevocationKind, id: string): Promise<void>
  /** The entry to append in the transaction that changes other state; hand it to `learn` once that is durable. */
  entry(kind: RevocationKind, id: string): RevocationEntry
  /** Takes note of an entry that is durable. */
  learn(entry: RevocationEntry): void
  /** The entries that still count, in order, and the place of the last that was ever seen. Read from the store. */
  read(): Promise<LiveEntries>
  /** Calls `heard` whenever there may be more to `read`. Returns what ends it. */
  onNews(heard: () => void): () => void
}

/** The feed as it is stored, without what has expired. */
export interface LiveEntries {
  readonly entries: readonly PlacedEntry[]
  /** The place of the last entry; what was before the first of `entries` is no longer kept. */
  readonly head: number
}

/** Reads the feed and answers from memory afterwards. */
export async function openRevocation(deps: {
  readonly store: RevocationStore
  readonly clock: Clock
}): Promise<Revocation> {
  const { store, clock } = deps
  const known = new Map<string, number>()
  const watch = createWatch()
  const listeners = new Set<() => void>()
  let live: LiveEntries = { entries: [], head: 0 }

  const take = ({ kind, idHash, expiresAt }: RevocationEntry) => {
    const key = keyOf(kind, idHash)
    forget(known, clock.now())
    known.delete(key)
    known.set(key, expiresAt)
    watch.stop(key)
  }
  const revoked = (kind: RevocationKind, id: string) => known.size > 0 && known.has(keyOf(kind, hashed(id)))
  const entry = (kind: RevocationKind, id: string): RevocationEntry => {
    const at = clock.now()
    return { kind, idHash: hashed(id), at, expiresAt: at + (kind === 'key' ? KEY_ENTRY_MS : ENTRY_MS) }
  }
  const learn = (added: RevocationEntry) => {
    take(added)
    for (const heard of listeners) heard()
  }
  const read = shared(async (): Promise<LiveEntries> => {
    const found = await store.after(live.head, clock.now())
    for (const one of found) take(one)
    const now = clock.now()
    const entries = [...live.entries, ...found].filter(({ expiresAt }) => expiresAt >= now)
    live = { entries, head: found.at(-1)?.sequence ?? live.head }
    return live
  })

  await read()
  return {
    revoked,
    watch(these, stop) {
      if (!these.some(([kind, id]) => revoked(kind, id))) {
        return watch.add(
          these.map(([kind, id]) => keyOf(kind, hashed(id))),
          stop,
        )
      }
      stop()
      return () => {}
    },
    entry,
    learn,
    async revoke(kind, id) {
      const added = entry(kind, id)
      await store.append(added)
      learn(added)
    },
    read,
    onNews(heard) {
      listeners.add(heard)
      return () => void listeners.delete(heard)
    },
  }
}

function keyOf(kind: RevocationKind, idHash: string): string {
  return `${kind}:${idHash}`
}

/** Entries are learnt in the order of their expiry: the oldest are first. */
function forget(known: Map<string, number>, now: number): void {
  for (const [key, expiresAt] of known) {
    if (expiresAt > now) return
    known.delete(key)
  }
}
