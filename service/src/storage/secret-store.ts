import type { SecretStore } from '#vault'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

export function createSecretStore(db: Kysely<Tables>): SecretStore {
  return {
    find: async (name) => {
      const row = await db.selectFrom('secrets').select('sealed').where('name', '=', name).executeTakeFirst()
      return row?.sealed
    },
    insert: async (name, sealed) => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('secrets')
        .values({ name, sealed })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
  }
}
