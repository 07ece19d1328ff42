import type { CatalogueEnds, CatalogueRow, CatalogueStore, Standing } from '#revocation'
import type { Kysely, Transaction } from 'kysely'
import type { Lock } from './lock.ts'
import { appendRevocation } from './revocation-store.ts'
import type { CatalogueTable, Tables } from './tables.ts'

export function createCatalogueStore(db: Kysely<Tables>, lock: Lock): CatalogueStore {
  return {
    read: async () => {
      const row = await db.selectFrom('catalogue').selectAll().executeTakeFirst()
      return row === undefined ? undefined : fromRow(row)
    },
    replace: (row, ends) =>
      db.transaction().execute(async (transaction) => {
        await lock(transaction, 'sessions')
        if (!(await written(transaction, row))) return false
        await endLogins(transaction, ends)
        for (const entry of ends.entries) await appendRevocation(transaction, lock, entry)
        return true
      }),
  }
}

async function written(
  transaction: Transaction<Tables>,
  { version, digest, standing, at }: CatalogueRow,
): Promise<boolean> {
  const values = { version, digest, standing: JSON.stringify(standing), at }
  if (version === 1) {
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('catalogue')
      .values({ place: 1, ...values })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n
  }
  const { numUpdatedRows } = await transaction
    .updateTable('catalogue')
    .set(values)
    .where('version', '=', version - 1)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

async function endLogins(
  transaction: Transaction<Tables>,
  { at, agents, servers, accounts }: CatalogueEnds,
): Promise<void> {
  if (accounts.length > 0) await transaction.deleteFrom('sessions').where('account', 'in', accounts).execute()
  const ended = [
    ['agent', agents],
    ['server', servers],
    ['user', accounts],
  ] as const
  for (const [column, ids] of ended) {
    if (ids.length === 0) continue
    await transaction
      .updateTable('families')
      .set({ ended_at: at })
      .where(column, 'in', ids)
      .where('ended_at', 'is', null)
      .execute()
  }
}

function fromRow({ version, digest, standing, at }: CatalogueTable): CatalogueRow {
  return { version, digest, standing: JSON.parse(standing) as readonly Standing[], at }
}
