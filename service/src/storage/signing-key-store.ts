import type { SigningKeyStore } from '#tokens'
import type { Kysely } from 'kysely'
import type { Lock } from './lock.ts'
import type { Tables } from './tables.ts'

export function createSigningKeyStore(db: Kysely<Tables>, lock: Lock): SigningKeyStore {
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
    insertFirst: ({ kid, createdAt, sealed }) =>
      db.transaction().execute(async (transaction) => {
        // Between a look and a write another start could write its own first key.
        await lock(transaction, 'first-signing-key')
        const first = await transaction.selectFrom('signing_keys').select('kid').limit(1).executeTakeFirst()
        if (first !== undefined) return false
        await transaction.insertInto('signing_keys').values({ kid, created_at: createdAt, sealed }).execute()
        return true
      }),
  }
}
