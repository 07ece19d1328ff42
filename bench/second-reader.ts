import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { Secret } from '../service/src/kernel/index.ts'
import { openRevocation } from '../service/src/revocation/index.ts'
import { connectionTo } from '../service/src/storage/postgres/connection.ts'
import { lock } from '../service/src/storage/postgres/locks.ts'
import { createWakeUps } from '../service/src/storage/postgres/wake-up.ts'
import { createRevocationStore } from '../service/src/storage/revocation-store.ts'
import type { Tables } from '../service/src/storage/tables.ts'

/** A reader of the feed as every replica has one, on connections of its own. */
export interface SecondReader {
  /** Resolves once it has heard of an entry. */
  knows(kind: string, idHash: string): Promise<void>
  close(): Promise<void>
}

export async function openSecondReader(url: string): Promise<SecondReader> {
  const config = connectionTo(new Secret(url), 'bench')
  const pool = new Pool(config)
  const wakeUps = createWakeUps(config)
  const store = createRevocationStore(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), lock)
  const revocation = await openRevocation({ store, clock: { now: Date.now }, wakeUp: wakeUps.wakeUp })
  const waiting = new Map<string, () => void>()
  revocation.listen({ heard: ({ kind, idHash }) => waiting.get(`${kind}:${idHash}`)?.(), missed: () => {} })
  return {
    knows: (kind, idHash) => new Promise((resolve) => waiting.set(`${kind}:${idHash}`, resolve)),
    async close() {
      revocation.close()
      await wakeUps.close()
      await pool.end()
    },
  }
}
