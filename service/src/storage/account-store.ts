import type { Account, AccountStore } from '#users'
import type { Kysely, Selectable } from 'kysely'
import type { Tables } from './tables.ts'

export function createAccountStore(db: Kysely<Tables>): AccountStore {
  const accounts = db.selectFrom('accounts').selectAll()
  return {
    byId: async (id) => fromRow(await accounts.where('id', '=', id).executeTakeFirst()),
    bySubject: async (issuer, subject) =>
      fromRow(await accounts.where('issuer', '=', issuer).where('subject', '=', subject).executeTakeFirst()),
    insert: async ({ id, issuer, subject, createdAt }) => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('accounts')
        .values({ id, issuer, subject, created_at: createdAt })
        .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
  }
}

function fromRow(row: Selectable<Tables['accounts']> | undefined): Account | undefined {
  if (row === undefined) return undefined
  const { id, issuer, subject, created_at } = row
  return { id, issuer, subject, createdAt: created_at }
}
