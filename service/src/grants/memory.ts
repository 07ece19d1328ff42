import { LRUCache } from 'lru-cache'
import { hashed } from '#kernel'
import type { Revocation } from '#revocation'
import type { Grant } from './grant-store.ts'

/** Grants as they were last read. Another replica may write them too: what the feed says has changed is forgotten. */
export interface Memory {
  get(id: string): Grant | undefined
  /** Remembers it, unless a later version is known already. Returns the later of the two. */
  take(grant: Grant): Grant
  /** Reads and remembers; where something changed while it was being read, it is read again the next time. */
  read(id: string, find: (id: string) => Promise<Grant | undefined>): Promise<Grant | undefined>
}

export function createMemory(revocation: Pick<Revocation, 'listen'>): Memory {
  // By the hash of the id, which is all that the feed tells.
  const remembered = new LRUCache<string, Grant>({ max: 50_000 })
  let changes = 0
  revocation.listen({
    heard({ kind, idHash }) {
      if (kind !== 'grant' && kind !== 'grant_version') return
      changes++
      remembered.delete(idHash)
    },
    missed() {
      changes++
      remembered.clear()
    },
  })
  // What was read before a write and arrives after it is the older one, and is not taken.
  const take = (grant: Grant): Grant => {
    const known = remembered.peek(hashed(grant.id))
    if (known !== undefined && known.version > grant.version) return known
    remembered.set(hashed(grant.id), grant)
    return grant
  }
  return {
    get: (id) => remembered.get(hashed(id)),
    take,
    async read(id, find) {
      const before = changes
      const found = await find(id)
      if (found === undefined || changes === before) return found && take(found)
      return remembered.get(hashed(id)) ?? found
    },
  }
}
