import { LRUCache } from 'lru-cache'
import { hashed } from '#kernel'
import type { Revocation } from '#revocation'
import type { AgentRow } from './agent-store.ts'

/** Rows of agents as they were last read. Another replica may write them too: what the feed says has changed is forgotten. */
export interface Memory {
  /**
   * Reads and remembers; where something changed while it was being read, it is read again the next time. Another replica
   * may register an agent at any time, and the feed does not say so: that there is none is remembered where `fixed` alone.
   */
  read(id: string, fixed: boolean): Promise<AgentRow | undefined>
  forget(id: string): void
  forgetAll(): void
}

const REMEMBERED_MAX = 20_000

export function createMemory(
  find: (id: string) => Promise<AgentRow | undefined>,
  revocation: Pick<Revocation, 'listen'>,
): Memory {
  // By the hash of the id, which is all that the feed tells.
  const remembered = new LRUCache<string, { readonly row: AgentRow | undefined }>({ max: REMEMBERED_MAX })
  let changes = 0
  const forgetHashed = (idHash: string) => {
    changes++
    remembered.delete(idHash)
  }
  const forgetAll = () => {
    changes++
    remembered.clear()
  }
  revocation.listen({
    heard({ kind, idHash }) {
      if (kind === 'agent' || kind === 'agent_version') forgetHashed(idHash)
    },
    missed: forgetAll,
  })
  return {
    async read(id, fixed) {
      const known = remembered.get(hashed(id))
      if (known !== undefined) return known.row
      const before = changes
      const row = await find(id)
      if (changes === before && (row !== undefined || fixed)) remembered.set(hashed(id), { row })
      return row
    },
    forget: (id) => forgetHashed(hashed(id)),
    forgetAll,
  }
}
