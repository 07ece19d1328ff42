import type { RevocationEntry, RevocationStore } from '#revocation'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

export function createRevocationStore(db: Kysely<Tables>): RevocationStore {
  return {
    append: (entry) => appendRevocation(db, entry),
    after: async (sequence, now) => {
      const rows = await db
        .selectFrom('revocations')
        .selectAll()
        .where('sequence', '>', sequence)
        .where('expires_at', '>=', now)
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
      await db.deleteFrom('revocations').where('expires_at', '<', now).execute()
    },
  }
}

/** Appends to the feed, within a transaction when handed one, and returns the place in the sequence. */
export async function appendRevocation(db: Kysely<Tables>, entry: RevocationEntry): Promise<number> {
  const { kind, idHash, at, expiresAt } = entry
  const { sequence } = await db
    .insertInto('revocations')
    .values({ kind, id_hash: idHash, at, expires_at: expiresAt })
    .returning('sequence')
    .executeTakeFirstOrThrow()
  return sequence
}
