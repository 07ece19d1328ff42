import type { SigningKeyRow, SigningKeyStore } from '#tokens'
import type { Sealed } from '#vault'
import { expressionBuilder, type Kysely, sql } from 'kysely'
import type { Tables } from './tables.ts'

export function createSigningKeyStore(db: Kysely<Tables>): SigningKeyStore {
  return {
    list: async () => {
      const rows = await db
        .selectFrom('signing_keys')
        .selectAll()
        .orderBy('created_at')
        .orderBy('kid')
        .execute()
      return rows.map(({ kid, created_at, sealed }) => ({ kid, createdAt: created_at, sealed }))
    },
    insertFirst: async ({ kid, createdAt, sealed }: SigningKeyRow) => {
      const is = expressionBuilder<Tables>()
      const row = db
        .selectNoFrom([
          sql<string>`${kid}`.as('kid'),
          sql<number>`${createdAt}`.as('created_at'),
          sql<Sealed>`${sealed}`.as('sealed'),
        ])
        .where(is.not(is.exists(db.selectFrom('signing_keys').select('kid'))))
      // One statement: between a look and a write another start could write its own first key.
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('signing_keys')
        .columns(['kid', 'created_at', 'sealed'])
        .expression(row)
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
  }
}
