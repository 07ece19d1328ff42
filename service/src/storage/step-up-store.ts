import type { StepUpStore } from '#servers'
import type { Kysely } from 'kysely'
import type { Lock } from './lock.ts'
import { appendRevocation } from './revocation-store.ts'
import type { Tables } from './tables.ts'

export function createStepUpStore(db: Kysely<Tables>, lock: Lock): StepUpStore {
  return {
    namedAt: (server) =>
      db.selectFrom('step_ups').select(['tool', 'scope']).where('server', '=', server).execute(),
    add: (server, named, entry) =>
      db.transaction().execute(async (transaction) => {
        const added = await transaction
          .insertInto('step_ups')
          .values(named.map(({ tool, scope }) => ({ server, tool, scope, named_at: entry.at })))
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst()
        if ((added.numInsertedOrUpdatedRows ?? 0n) === 0n) return false
        await appendRevocation(transaction, lock, entry)
        return true
      }),
  }
}
