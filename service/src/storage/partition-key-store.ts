import type { Partition, PartitionKeyStore } from '#vault'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

export function createPartitionKeyStore(db: Kysely<Tables>): PartitionKeyStore {
  return {
    find: async (of) => {
      const { purpose, user, partition } = rowOf(of)
      const row = await db
        .selectFrom('partition_keys')
        .select('sealed')
        .where('purpose', '=', purpose)
        .where('user', '=', user)
        .where('partition', '=', partition)
        .executeTakeFirst()
      return row?.sealed
    },
    insert: async (of, sealed) => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('partition_keys')
        .values({ ...rowOf(of), sealed })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
  }
}

function rowOf({ purpose, user = '', partition }: Partition) {
  return { purpose, user, partition }
}
