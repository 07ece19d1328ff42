import { type Endable, endsToken, revocablesOf } from '@tetrapod/protocol'
import { hashed } from '#kernel'
import type { RevocationEntry } from './revocation-store.ts'

/** What the feed said, as long as it matters. */
export interface Known {
  take(entry: RevocationEntry): void
  has(kind: string, id: string): boolean
  /** Whether something that the token ends with was revoked. */
  ends(token: Endable): boolean
}

/** Keeps each entry for `keptMs` from the moment it was heard, by a time that is never set. */
export function createKnown(elapsed: () => number, keptMs: number): Known {
  const kinds = new Map<string, Map<string, { readonly at: number; readonly until: number }>>()
  const find = (kind: string, id: string) => {
    const known = kinds.get(kind)
    // Most kinds have no entry, most of the time: then nothing has to be hashed.
    return known === undefined || known.size === 0 ? undefined : known.get(hashed(id))
  }
  return {
    take({ kind, idHash, at }) {
      const now = elapsed()
      for (const known of kinds.values()) forget(known, now)
      const known = kinds.get(kind) ?? new Map<string, { readonly at: number; readonly until: number }>()
      const before = known.get(idHash)
      // Again at the end: the first to forget are the first in order.
      known.delete(idHash)
      known.set(idHash, { at: Math.max(at, before?.at ?? at), until: now + keptMs })
      kinds.set(kind, known)
    },
    has: (kind, id) => find(kind, id) !== undefined,
    ends: (token) =>
      kinds.size > 0 &&
      revocablesOf(token).some(({ kind, id }) => {
        const known = find(kind, id)
        return known !== undefined && endsToken({ kind, at: known.at }, token)
      }),
  }
}

function forget(known: Map<string, { readonly until: number }>, now: number): void {
  for (const [idHash, { until }] of known) {
    if (until > now) return
    known.delete(idHash)
  }
}
