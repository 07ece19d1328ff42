import type { SessionStore } from '#users'
import type { Kysely, Transaction } from 'kysely'
import type { Lock } from './lock.ts'
import { appendRevocation } from './revocation-store.ts'
import type { Tables } from './tables.ts'

export function createSessionStore(db: Kysely<Tables>, lock: Lock): SessionStore {
  return {
    insert: async (cookieHash, { id, account, authTime, acr, expiresAt }) => {
      await db
        .insertInto('sessions')
        .values({ cookie_hash: cookieHash, id, account, auth_time: authTime, acr, expires_at: expiresAt })
        .execute()
    },
    find: async (cookieHash) => {
      const row = await db
        .selectFrom('sessions')
        .selectAll()
        .where('cookie_hash', '=', cookieHash)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const { id, account, auth_time, acr, expires_at } = row
      return { id, account, authTime: auth_time, acr, expiresAt: expires_at }
    },
    remove: async (cookieHash) => {
      await db.deleteFrom('sessions').where('cookie_hash', '=', cookieHash).execute()
    },
    end: (cookieHash, at, entry) =>
      db.transaction().execute(async (transaction) => {
        await lock(transaction, 'sessions')
        const ended = await transaction
          .deleteFrom('sessions')
          .where('cookie_hash', '=', cookieHash)
          .returning('id')
          .executeTakeFirst()
        if (ended === undefined) return false
        await endLogins(transaction, 'session', ended.id, at)
        await appendRevocation(transaction, lock, entry)
        return true
      }),
    endAll: (account, at, entry) =>
      db.transaction().execute(async (transaction) => {
        await lock(transaction, 'sessions')
        await transaction.deleteFrom('sessions').where('account', '=', account).execute()
        await endLogins(transaction, 'user', account, at)
        await appendRevocation(transaction, lock, entry)
      }),
    counts: async (now) => {
      const rows = await db
        .selectFrom('sessions')
        .select((eb) => ['account', eb.fn.countAll().as('sessions')])
        .where('expires_at', '>', now)
        .groupBy('account')
        .execute()
      return new Map(rows.map(({ account, sessions }) => [account, Number(sessions)]))
    },
    sweep: async (now) => {
      await db.deleteFrom('sessions').where('expires_at', '<', now).execute()
    },
  }
}

async function endLogins(
  transaction: Transaction<Tables>,
  of: 'session' | 'user',
  id: string,
  at: number,
): Promise<void> {
  await transaction
    .updateTable('families')
    .set({ ended_at: at })
    .where(of, '=', id)
    .where('ended_at', 'is', null)
    .execute()
}
