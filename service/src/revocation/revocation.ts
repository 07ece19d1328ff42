import { type Clock, hashed } from '#kernel'
import type { RevocationEntry, RevocationKind, RevocationStore } from './revocation-store.ts'

/** No token of ours outlives this, so no entry of the feed need (milliseconds; RFC 8693 tokens live 300 s, plus skew). */
const ENTRY_MS = 10 * 60_000

/** What has been revoked, answered from memory. */
export interface Revocation {
  /** True once `kind` and `id` were revoked, until every token that could have come from it has expired. */
  revoked(kind: RevocationKind, id: string): boolean
  /** Revokes: durable when it resolves, and known here. */
  revoke(kind: RevocationKind, id: string): Promise<void>
  /** The entry to append in the transaction that changes other state; hand it to `learn` once that is durable. */
  entry(kind: RevocationKind, id: string): RevocationEntry
  /** Takes note of an entry that is durable. */
  learn(entry: RevocationEntry): void
}

/** Reads the feed and answers from memory afterwards. */
export async function openRevocation(deps: {
  readonly store: RevocationStore
  readonly clock: Clock
}): Promise<Revocation> {
  const { store, clock } = deps
  const known = new Map<string, number>()
  const key = (kind: RevocationKind, idHash: string) => `${kind}:${idHash}`
  const learn = ({ kind, idHash, expiresAt }: RevocationEntry) => {
    forget(known, clock.now())
    known.delete(key(kind, idHash))
    known.set(key(kind, idHash), expiresAt)
  }
  const entry = (kind: RevocationKind, id: string): RevocationEntry => {
    const at = clock.now()
    return { kind, idHash: hashed(id), at, expiresAt: at + ENTRY_MS }
  }
  for (const past of await store.after(0, clock.now())) learn(past)
  return {
    revoked: (kind, id) => known.size > 0 && known.has(key(kind, hashed(id))),
    entry,
    learn,
    async revoke(kind, id) {
      const added = entry(kind, id)
      await store.append(added)
      learn(added)
    },
  }
}

/** Entries are learnt in the order of their expiry: the oldest are first. */
function forget(known: Map<string, number>, now: number): void {
  for (const [key, expiresAt] of known) {
    if (expiresAt > now) return
    known.delete(key)
  }
}
