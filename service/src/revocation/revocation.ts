import type { Endable, RevocationKind } from '@tetrapod/protocol'
import { type Clock, hashed, type Log } from '#kernel'
import { fault } from './faults.ts'
import { createFreshness } from './freshness.ts'
import { keepReading, type WakeUp } from './keep-reading.ts'
import { createKnown } from './known.ts'
import { afterNews, type LiveEntries, liveEntries, NOTHING_READ } from './live.ts'
import { newsAfter } from './news.ts'
import type { FeedKind, RevocationEntry, RevocationStore } from './revocation-store.ts'
import { shared } from './shared.ts'
import { systemTicker, type Ticker } from './ticker.ts'
import { createWatch, type Stop } from './watch.ts'

/** No token of ours outlives this, so no entry of the feed need (milliseconds; RFC 8693 tokens live 300 s, plus skew). */
const ENTRY_MS = 10 * 60_000
/** Who holds a key may sign at any time: an entry for one lives until nobody can have it in memory any more (milliseconds). */
const KEY_ENTRY_MS = 2 * 60 * 60_000

/** What ends for good: its id never comes back. */
export type PermanentKind = Exclude<RevocationKind, 'user' | 'agent' | 'server' | 'edge'>

/**
 * What has been revoked, here or at another replica, answered from memory. It reads the feed every half second, and once it
 * could not for FEED_STALE_MS it answers no question any more: it throws `revocation.stale` until it can.
 */
export interface Revocation {
  /** True while it can answer. */
  readonly current: boolean
  /** Throws `revocation.stale` while it cannot answer. */
  check(): void
  /** True once `kind` and `id` were revoked, until every token that could have come from it has expired. */
  revoked(kind: PermanentKind, id: string): boolean
  /** True when something that the token ends with was revoked; by a user, an agent, a server or an edge, if it was issued before that. */
  ends(token: Endable): boolean
  /**
   * Calls `stop` once, as soon as the token ends or nobody can tell any more: now, where it is so already. Returns what ends
   * the watch.
   */
  watch(token: Endable, stop: Stop): () => void
  /** Revokes: durable when it resolves, and known here. It ends tokens; what gives new ones its owner has to end. */
  revoke(kind: RevocationKind, id: string): Promise<void>
  /** The entry to append in the transaction that changes other state; hand it to `learn` once that is durable. */
  entry(kind: FeedKind, id: string): RevocationEntry
  /** Takes note of an entry that is durable. */
  learn(entry: RevocationEntry): void
  /** The entries that still count, in order. Read from the store. */
  read(): Promise<LiveEntries>
  /** Calls `heard` whenever there may be more to `read`. Returns what ends it. */
  onNews(heard: () => void): () => void
  /** Tells a cache what it has to forget: see {@link Listener}. Returns what ends it. */
  listen(listener: Listener): () => void
  /** Reads no more: what is asked afterwards is soon refused. */
  close(): void
}

/** A cache of what other replicas change. */
export interface Listener {
  /** An entry was heard of, here or elsewhere; the same one perhaps more than once. */
  heard(entry: RevocationEntry): void
  /** Entries may have been missed: whatever is remembered may have changed. */
  missed(): void
}

export interface RevocationDeps {
  readonly store: RevocationStore
  readonly clock: Clock
  readonly log?: Log
  /** Absent: it is read every half second. */
  readonly wakeUp?: WakeUp
  readonly ticker?: Ticker | undefined
}

/** Reads the feed, goes on reading it until it is closed, and answers from memory. */
export async function openRevocation({
  store,
  clock,
  log,
  wakeUp = () => () => {},
  ticker = systemTicker,
}: RevocationDeps): Promise<Revocation> {
  const closed = new AbortController()
  const known = createKnown(() => ticker.elapsed(), ENTRY_MS)
  const watch = createWatch()
  const freshness = createFreshness({ ticker, signal: closed.signal }, (current) => {
    if (!current) watch.stopAll()
    tell(current, log)
  })
  const waiting = new Set<() => void>()
  const caches = new Set<Listener>()
  let live = NOTHING_READ

  const take = (entry: RevocationEntry) => {
    known.take(entry)
    watch.hear(entry)
    for (const cache of caches) cache.heard(entry)
  }
  const tellReaders = () => {
    for (const heard of waiting) heard()
  }
  const check = () => {
    if (!freshness.current) throw fault.stale()
  }
  const entry = (kind: FeedKind, id: string): RevocationEntry => {
    const at = clock.now()
    return { kind, idHash: hashed(id), at, expiresAt: at + (kind === 'key' ? KEY_ENTRY_MS : ENTRY_MS) }
  }
  const learn = (added: RevocationEntry) => {
    take(added)
    tellReaders()
  }
  const read = shared(async (): Promise<LiveEntries> => {
    const began = ticker.elapsed()
    const news = await newsAfter(store, live.last)
    const now = ticker.elapsed()
    const changed = news.entries.length > 0 || (live.last !== undefined && !news.follows)
    if (changed) {
      live = afterNews(live, news, { now, until: now + ENTRY_MS })
      for (const one of news.entries) take(one)
      if (!news.follows) for (const cache of caches) cache.missed()
    }
    freshness.read(began)
    if (changed) tellReaders()
    return liveEntries(live, now)
  })

  await read()
  keepReading({ read, wakeUp, ticker, signal: closed.signal })
  return {
    get current() {
      return freshness.current
    },
    check,
    revoked(kind, id) {
      check()
      return known.has(kind, id)
    },
    ends(token) {
      check()
      return known.ends(token)
    },
    watch(token, stop) {
      if (freshness.current && !known.ends(token)) return watch.add(token, stop)
      stop(freshness.current ? 'revoked' : 'stale')
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
      waiting.add(heard)
      return () => void waiting.delete(heard)
    },
    listen(listener) {
      caches.add(listener)
      return () => void caches.delete(listener)
    },
    close: () => closed.abort(),
  }
}

function tell(current: boolean, log: Log | undefined): void {
  const members = { code: 'revocation.stale' }
  if (current) log?.info(members, 'The revocation feed is read again; tokens are accepted again.')
  else
    log?.error(
      members,
      'The revocation feed could not be read for 5 seconds; every token is refused. Check the database.',
    )
}
