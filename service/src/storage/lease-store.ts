import type { LeaseStore } from '#audit'
import { type Kysely, sql } from 'kysely'
import type { Tables } from './tables.ts'

/** Every change is one conditional statement: of several who want a log, one has it. */
export function createLeaseStore(db: Kysely<Tables>): LeaseStore {
  return {
    list: async () => {
      const rows = await db.selectFrom('leases').selectAll().orderBy('replica').execute()
      return rows.map(({ held, ...row }) => ({ ...row, held: held === 1 }))
    },
    create: async (replica) => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('leases')
        .values({ replica, term: 1, beat: 0, held: 1 })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n ? { replica, term: 1 } : undefined
    },
    take: async ({ replica, term, beat, held }) => {
      const { numUpdatedRows } = await db
        .updateTable('leases')
        .set({ term: term + 1, beat: 0, held: 1 })
        .where('replica', '=', replica)
        .where('term', '=', term)
        .where('beat', '=', beat)
        .where('held', '=', held ? 1 : 0)
        .executeTakeFirst()
      return numUpdatedRows === 1n ? { replica, term: term + 1 } : undefined
    },
    beat: async ({ replica, term }) => {
      const { numUpdatedRows } = await db
        .updateTable('leases')
        .set({ beat: sql`beat + 1` })
        .where('replica', '=', replica)
        .where('term', '=', term)
        .where('held', '=', 1)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    release: async ({ replica, term }) => {
      await db
        .updateTable('leases')
        .set({ held: 0 })
        .where('replica', '=', replica)
        .where('term', '=', term)
        .execute()
    },
  }
}
