import { hashed } from '#kernel'
import type { ReplayStore } from '#oauth'
import type { Kysely } from 'kysely'
import type { ReplayTables } from './tables.ts'

/** How many rows one statement of a sweep clears away: uses that come meanwhile wait for no more. */
const SWEPT_AT_ONCE = 1000

export function createReplayStore(db: Kysely<ReplayTables>): ReplayStore {
  return {
    /** One statement, so that of two at once one wins. A row that has expired counts as absent, swept or not. */
    use: async (key, expiresAt, now) => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('replays')
        .values({ key_hash: hashed(key), expires_at: expiresAt })
        .onConflict((conflict) =>
          conflict
            .column('key_hash')
            .doUpdateSet({ expires_at: expiresAt })
            .where('replays.expires_at', '<', now),
        )
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
    sweep: (now) => sweepReplays(db, now),
  }
}

/** `shared`: other processes sweep too, and of two that clear away the same rows one would wait for the other. */
export async function sweepReplays(db: Kysely<ReplayTables>, now: number, shared = false): Promise<void> {
  const expired = db
    .selectFrom('replays')
    .select('key_hash')
    .where('expires_at', '<', now)
    .limit(SWEPT_AT_ONCE)
    .$if(shared, (query) => query.forUpdate().skipLocked())
  const some = db.deleteFrom('replays').where('key_hash', 'in', expired)
  let left = true
  while (left) left = (await some.executeTakeFirst()).numDeletedRows === BigInt(SWEPT_AT_ONCE)
}
