import { type Kysely, sql } from 'kysely'
import { hashed } from '#kernel'
import type { ReplayStore } from '#oauth'
import { sweepReplays } from '../replay-store.ts'
import type { ReplayTables } from '../tables.ts'

/**
 * Its commits do not wait for the disk: a server that crashes may lose the last moment of them. The statement says so itself,
 * for its own transaction, so that a use is one round trip.
 */
export function createPostgresReplayStore(db: Kysely<ReplayTables>): ReplayStore {
  return {
    use: async (key, expiresAt, now) => {
      const { numAffectedRows } = await sql`
        insert into replays (key_hash, expires_at)
        select ${hashed(key)}, cast(${expiresAt} as bigint)
        where set_config('synchronous_commit', 'off', true) = 'off'
        on conflict (key_hash) do update set expires_at = excluded.expires_at
        where replays.expires_at < ${now}`.execute(db)
      return numAffectedRows === 1n
    },
    sweep: (now) => sweepReplays(db, now, true),
  }
}
