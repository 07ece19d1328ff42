import type { SessionStore } from '#users'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

export function createSessionStore(db: Kysely<Tables>): SessionStore {
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
    sweep: async (now) => {
      await db.deleteFrom('sessions').where('expires_at', '<', now).execute()
    },
  }
}
