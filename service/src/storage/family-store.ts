import type { Family, FamilyStore } from '#grants'
import type { Kysely, Selectable } from 'kysely'
import type { Lock } from './lock.ts'
import { appendRevocation } from './revocation-store.ts'
import type { FamilyTable, Tables } from './tables.ts'

export function createFamilyStore(db: Kysely<Tables>, lock: Lock): FamilyStore {
  return {
    insert: (family) =>
      db.transaction().execute(async (transaction) => {
        // Signing out ends the logins that it finds: none may come after it.
        await lock(transaction, 'sessions')
        const session = await transaction
          .selectFrom('sessions')
          .select('id')
          .where('id', '=', family.session)
          .executeTakeFirst()
        if (session === undefined) return false
        await transaction.insertInto('families').values(toRow(family)).execute()
        return true
      }),
    find: async (id) =>
      fromRow(await db.selectFrom('families').selectAll().where('id', '=', id).executeTakeFirst()),
    lastUses: async (user) => {
      const rows = await db
        .selectFrom('families')
        .select((eb) => ['grant_id', eb.fn.max('used_at').as('used_at')])
        .where('user', '=', user)
        .groupBy('grant_id')
        .execute()
      return new Map(rows.map(({ grant_id, used_at }) => [grant_id, used_at]))
    },
    touch: async (id, at) => {
      await db
        .updateTable('families')
        .set({ used_at: at })
        .where('id', '=', id)
        .where('used_at', '<', at)
        .execute()
    },
    end: (id, at, entry) =>
      db.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('families')
          .set({ ended_at: at })
          .where('id', '=', id)
          .where('ended_at', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) return false
        await appendRevocation(transaction, lock, entry)
        return true
      }),
    sweep: async (at) => {
      await db.deleteFrom('families').where('used_at', '<', at).execute()
    },
  }
}

function toRow(family: Family): Selectable<FamilyTable> {
  const { id, grant, session, user, agent, server, beganAt, usedAt, endedAt } = family
  return {
    id,
    grant_id: grant,
    session,
    user,
    agent,
    server,
    began_at: beganAt,
    used_at: usedAt,
    ended_at: endedAt ?? null,
  }
}

function fromRow(row: Selectable<FamilyTable> | undefined): Family | undefined {
  if (row === undefined) return undefined
  const { id, grant_id, session, user, agent, server, began_at, used_at, ended_at } = row
  return {
    id,
    grant: grant_id,
    session,
    user,
    agent,
    server,
    beganAt: began_at,
    usedAt: used_at,
    endedAt: ended_at ?? undefined,
  }
}
