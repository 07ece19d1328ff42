import type { BundleStore } from '#audit'
import type { Kysely } from 'kysely'
import { fault } from './faults.ts'
import type { Tables } from './tables.ts'

/** Its `append` throws `storage.sequence_taken`. */
export function createBundleStore(db: Kysely<Tables>): BundleStore {
  return {
    append: async ({ replica, sequence, at, records, body }) => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('bundles')
        .values({ replica, sequence, at, records, body })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      if (numInsertedOrUpdatedRows !== 1n) throw fault.sequence_taken({ detail: `${replica} ${sequence}` })
    },
    after: (replica, sequence, limit) =>
      ofReplica(db, replica).where('sequence', '>', sequence).orderBy('sequence').limit(limit).execute(),
    before: (replica, sequence, limit) =>
      ofReplica(db, replica)
        .where('sequence', '<', sequence)
        .orderBy('sequence', 'desc')
        .limit(limit)
        .execute(),
    last: async (replica) => {
      const row = await db
        .selectFrom('bundles')
        .select(({ fn }) => fn.max('sequence').as('last'))
        .where('replica', '=', replica)
        .executeTakeFirst()
      return row?.last ?? 0
    },
    settled: async (replica) => {
      const row = await db
        .selectFrom('settlements')
        .select('sequence')
        .where('replica', '=', replica)
        .executeTakeFirst()
      return row?.sequence ?? 0
    },
    settle: (replica, sequence) => settle(db, replica, sequence),
  }
}

function ofReplica(db: Kysely<Tables>, replica: string) {
  return db.selectFrom('bundles').selectAll().where('replica', '=', replica)
}

async function settle(db: Kysely<Tables>, replica: string, sequence: number): Promise<void> {
  await db
    .insertInto('settlements')
    .values({ replica, sequence })
    .onConflict((conflict) =>
      conflict
        .column('replica')
        .doUpdateSet({ sequence })
        // What is known to be settled does not become unknown again.
        .where('settlements.sequence', '<', sequence),
    )
    .execute()
}
