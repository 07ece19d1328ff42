import type { RevocationEntry, RevocationStore } from '#revocation'
import type { Kysely, Transaction } from 'kysely'
import type { Lock } from './lock.ts'
import type { Tables } from './tables.ts'

export function createRevocationStore(db: Kysely<Tables>, lock: Lock): RevocationStore {
  return {
    append: (entry) => db.transaction().execute((transaction) => appendRevocation(transaction, lock, entry)),
    after: async (sequence) => {
      const rows = await db
        .selectFrom('revocations')
        .selectAll()
        .where('sequence', '>', sequence)
        .orderBy('sequence')
        .execute()
      return rows.map(({ sequence, kind, id_hash, at, expires_at }) => ({
        sequence,
        kind,
        idHash: id_hash,
        at,
        expiresAt: expires_at,
      }))
    },
    sweep: async (now) => {
      const places = db.selectFrom('revocations')
      const firstAlive = places
        .where('expires_at', '>=', now)
        .select((eb) => eb.fn.min('sequence').as('first'))
      const last = places.select((eb) => eb.fn.max('sequence').as('last'))
      await db
        .deleteFrom('revocations')
        .where('sequence', '<', (eb) => eb.fn.coalesce(firstAlive, last))
        .execute()
    },
  }
}

/**
 * Appends to the feed in a transaction, and returns the place in the sequence. One writer at a time until its commit:
 * a later place never becomes visible before an earlier one, so a reader that goes by the sequence misses none.
 */
export async function appendRevocation(
  transaction: Transaction<Tables>,
  lock: Lock,
  { kind, idHash, at, expiresAt }: RevocationEntry,
): Promise<number> {
  await lock(transaction, 'feed')
  const { sequence } = await transaction
    .insertInto('revocations')
    .values({ kind, id_hash: idHash, at, expires_at: expiresAt })
    .returning('sequence')
    .executeTakeFirstOrThrow()
  return sequence
}
