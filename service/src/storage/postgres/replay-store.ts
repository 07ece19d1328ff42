import { type Kysely, sql } from 'kysely'
import type { ReplayStore } from '#oauth'
import { insertUnlessAlive } from '../replay-store.ts'
import type { ReplayTables } from '../tables.ts'

/** How many forgotten rows one use clears away. */
const SWEEP_MAX = 100

/** Its commits do not wait for the disk: a server that crashes may lose the last moment of them. */
export function createPostgresReplayStore(db: Kysely<ReplayTables>): ReplayStore {
  return {
    use: (key, expiresAt, now) =>
      db.transaction().execute(async (transaction) => {
        await sql`set local synchronous_commit = off`.execute(transaction)
        const first = await insertUnlessAlive(transaction, key, expiresAt, now)
        await transaction.deleteFrom('replays').where('key_hash', 'in', expired(transaction, now)).execute()
        return first
      }),
  }
}

/** Those that nobody else is at: two that clear away at once would wait for each other. */
function expired(db: Kysely<ReplayTables>, now: number) {
  return db
    .selectFrom('replays')
    .select('key_hash')
    .where('expires_at', '<', now)
    .limit(SWEEP_MAX)
    .forUpdate()
    .skipLocked()
}
