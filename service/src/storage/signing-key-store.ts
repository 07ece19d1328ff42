import type { SigningKeyRow, SigningKeyStore } from '#tokens'
import type { Kysely, Selectable } from 'kysely'
import type { Lock } from './lock.ts'
import { appendRevocation } from './revocation-store.ts'
import type { Tables } from './tables.ts'

export function createSigningKeyStore(db: Kysely<Tables>, lock: Lock): SigningKeyStore {
  return {
    list: () => all(db),
    update: (change, entry) =>
      db.transaction().execute(async (transaction) => {
        await lock(transaction, 'signing-keys')
        for (const { kid, createdAt, sealed, algorithm, ...times } of change(await all(transaction))) {
          const { signsAt: signs_at, revokedAt: revoked_at = null } = times
          await transaction
            .insertInto('signing_keys')
            .values({ kid, created_at: createdAt, sealed, algorithm, signs_at, revoked_at })
            .onConflict((conflict) => conflict.column('kid').doUpdateSet({ signs_at, revoked_at }))
            .execute()
        }
        if (entry !== undefined) await appendRevocation(transaction, lock, entry)
        return all(transaction)
      }),
  }
}

async function all(db: Kysely<Tables>): Promise<readonly SigningKeyRow[]> {
  const rows = await db.selectFrom('signing_keys').selectAll().orderBy('created_at').orderBy('kid').execute()
  return rows.map(fromRow)
}

function fromRow(row: Selectable<Tables['signing_keys']>): SigningKeyRow {
  const { kid, created_at, sealed, algorithm, signs_at, revoked_at } = row
  return {
    kid,
    createdAt: created_at,
    sealed,
    algorithm,
    signsAt: signs_at ?? created_at,
    revokedAt: revoked_at ?? undefined,
  }
}
