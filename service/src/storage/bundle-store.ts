import type { Bundle, BundleStore } from '#audit'
import type { Kysely } from 'kysely'
import { fault } from './faults.ts'
import type { Tables } from './tables.ts'

/** Its `append` throws `storage.lease_lost`. `shared`: other processes write at the same time. */
export function createBundleStore(db: Kysely<Tables>, shared: boolean): BundleStore {
  return {
    append: async (bundle, term) => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('bundles')
        .columns(['replica', 'sequence', 'at', 'records', 'body'])
        .expression(ifHeld(db, bundle, term, shared))
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      const { replica, sequence } = bundle
      if (numInsertedOrUpdatedRows !== 1n) throw fault.lease_lost({ detail: `${replica} ${sequence}` })
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

/**
 * The row, if the lease is still of this term. Whoever takes the log waits until the row is there to be seen, or finds none
 * coming: the lease is locked until the commit.
 */
function ifHeld(db: Kysely<Tables>, bundle: Bundle, term: number, shared: boolean) {
  const { replica, sequence, at, records, body } = bundle
  return db
    .selectFrom('leases')
    .where('replica', '=', replica)
    .where('term', '=', term)
    .where('held', '=', 1)
    .select(({ val }) => [
      val(replica).as('replica'),
      val(sequence).as('sequence'),
      val(at).as('at'),
      val(records).as('records'),
      val(body).as('body'),
    ])
    .$if(shared, (query) => query.forShare())
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
