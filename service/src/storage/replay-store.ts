import { hashed } from '#kernel'
import type { ReplayStore } from '#oauth'
import type { Kysely } from 'kysely'
import type { ReplayTables } from './tables.ts'

export function createReplayStore(db: Kysely<ReplayTables>): ReplayStore {
  return {
    use: async (key, expiresAt, now) => {
      const [first] = await Promise.all([insertUnlessAlive(db, key, expiresAt, now), sweep(db, now)])
      return first
    },
  }
}

/** One statement, so that of two at once one wins. A row that has expired counts as absent, swept or not. */
export async function insertUnlessAlive(
  db: Kysely<ReplayTables>,
  key: string,
  expiresAt: number,
  now: number,
): Promise<boolean> {
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
}

async function sweep(db: Kysely<ReplayTables>, now: number): Promise<void> {
  await db.deleteFrom('replays').where('expires_at', '<', now).execute()
}
