import { type Endable, endsToken, revocablesOf } from '@tetrapod/protocol'
import { hashed } from '#kernel'
import type { RevocationEntry } from './revocation-store.ts'

/** Why a watch ends by itself: the token was revoked, or nobody can tell any more whether it is. */
export type Stop = (why: 'revoked' | 'stale') => void

/** Who wants to be told when a token ends. */
export interface Watch {
  /** Calls `stop` once, when the token ends. Returns what ends the watch. */
  add(token: Endable, stop: Stop): () => void
  /** Stops those whose token the entry ends. */
  hear(entry: RevocationEntry): void
  /** Stops all: it can no longer be told. */
  stopAll(): void
}

interface Watcher {
  readonly token: Endable
  /** Under which it is found; empty until somebody looks. */
  keys: readonly string[]
  stopped(why: Parameters<Stop>[0]): void
}

export function createWatch(): Watch {
  // Hashing everything that a token names costs more than all else here: most calls end before anything is revoked.
  const unsorted = new Set<Watcher>()
  const byKey = new Map<string, Set<Watcher>>()
  const sort = (watcher: Watcher) => {
    watcher.keys = revocablesOf(watcher.token).map(({ kind, id }) => keyOf(kind, hashed(id)))
    for (const key of watcher.keys) byKey.set(key, (byKey.get(key) ?? new Set()).add(watcher))
  }
  const forget = (watcher: Watcher) => {
    unsorted.delete(watcher)
    for (const key of watcher.keys) {
      const watching = byKey.get(key)
      watching?.delete(watcher)
      if (watching?.size === 0) byKey.delete(key)
    }
  }
  return {
    add(token, stop) {
      const watcher: Watcher = {
        token,
        keys: [],
        stopped(why) {
          forget(watcher)
          stop(why)
        },
      }
      unsorted.add(watcher)
      return () => forget(watcher)
    },
    hear(entry) {
      for (const watcher of unsorted) sort(watcher)
      unsorted.clear()
      for (const watcher of byKey.get(keyOf(entry.kind, entry.idHash)) ?? [])
        if (endsToken(entry, watcher.token)) watcher.stopped('revoked')
    },
    stopAll() {
      const all = new Set([...unsorted, ...[...byKey.values()].flatMap((watching) => [...watching])])
      for (const watcher of all) watcher.stopped('stale')
    },
  }
}

function keyOf(kind: string, idHash: string): string {
  return `${kind}:${idHash}`
}
