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
  stopped(why: Parameters<Stop>[0]): void
}

export function createWatch(): Watch {
  const byKey = new Map<string, Set<Watcher>>()
  const forget = (key: string, watcher: Watcher) => {
    const waiting = byKey.get(key)
    waiting?.delete(watcher)
    if (waiting?.size === 0) byKey.delete(key)
  }
  return {
    add(token, stop) {
      const keys = revocablesOf(token).map(({ kind, id }) => keyOf(kind, hashed(id)))
      const end = () => {
        for (const key of keys) forget(key, watcher)
      }
      const watcher: Watcher = {
        token,
        stopped(why) {
          end()
          stop(why)
        },
      }
      for (const key of keys) byKey.set(key, (byKey.get(key) ?? new Set()).add(watcher))
      return end
    },
    hear(entry) {
      for (const watcher of byKey.get(keyOf(entry.kind, entry.idHash)) ?? [])
        if (endsToken(entry, watcher.token)) watcher.stopped('revoked')
    },
    stopAll() {
      for (const watchers of byKey.values()) for (const watcher of watchers) watcher.stopped('stale')
    },
  }
}

function keyOf(kind: string, idHash: string): string {
  return `${kind}:${idHash}`
}
