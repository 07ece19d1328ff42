import type { StateRow, StateStore } from '#oauth'
import type { Kysely, Selectable } from 'kysely'
import type { StateTable, Tables } from './tables.ts'

export function createStateStore(db: Kysely<Tables>): StateStore {
  const states = db.selectFrom('states').selectAll()
  const forget = db.deleteFrom('states')
  return {
    find: async (model, idHash) =>
      fromRow(await states.where('model', '=', model).where('id_hash', '=', idHash).executeTakeFirst()),
    findByUid: async (model, uidHash) =>
      fromRow(await states.where('model', '=', model).where('uid_hash', '=', uidHash).executeTakeFirst()),
    upsert: (row) => upsert(db, row),
    consume: async (model, idHash, at, forgetAt) => {
      const { numUpdatedRows } = await db
        .updateTable('states')
        .set(forgetAt === undefined ? { consumed_at: at } : { consumed_at: at, expires_at: forgetAt })
        .where('model', '=', model)
        .where('id_hash', '=', idHash)
        .where('consumed_at', 'is', null)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    remove: async (model, idHash) => {
      await forget.where('model', '=', model).where('id_hash', '=', idHash).execute()
    },
    removeByGrant: async (model, grantId) => {
      await forget.where('model', '=', model).where('grant_id', '=', grantId).execute()
    },
    sweep: async (now) => {
      await forget.where('expires_at', '<', now).execute()
    },
  }
}

async function upsert(db: Kysely<Tables>, row: StateRow): Promise<void> {
  await db
    .insertInto('states')
    .values({
      model: row.model,
      id_hash: row.idHash,
      version: row.version,
      sealed: row.sealed,
      grant_id: row.grantId ?? null,
      uid_hash: row.uidHash ?? null,
      consumed_at: row.consumedAt ?? null,
      expires_at: row.expiresAt ?? null,
    })
    .onConflict((conflict) =>
      conflict.columns(['model', 'id_hash']).doUpdateSet((is) => ({
        version: is.ref('excluded.version'),
        sealed: is.ref('excluded.sealed'),
        grant_id: is.ref('excluded.grant_id'),
        uid_hash: is.ref('excluded.uid_hash'),
        // What was used stays used, at the time it was first used.
        consumed_at: is.fn.coalesce('states.consumed_at', 'excluded.consumed_at'),
        expires_at: is.ref('excluded.expires_at'),
      })),
    )
    .execute()
}

function fromRow(row: Selectable<StateTable> | undefined): StateRow | undefined {
  if (row === undefined) return undefined
  return {
    model: row.model,
    idHash: row.id_hash,
    version: row.version,
    sealed: row.sealed,
    grantId: row.grant_id ?? undefined,
    uidHash: row.uid_hash ?? undefined,
    consumedAt: row.consumed_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
  }
}
