import type { DatabaseConnection, Driver, QueryResult } from 'kysely'
import { fault } from '../faults.ts'
import type { Thread } from './thread.ts'
import type { Answer } from './worker.ts'

export interface SqliteDriver extends Driver {
  /** Refuses new queries from now on (`storage.closed`), and resolves when those that have begun are done. */
  drain(): Promise<void>
}

/**
 * Many connections of Kysely's on the one of the thread. Queries go there as they come; a transaction has the
 * thread for itself, and all others wait. So a query on the outer `db` inside `transaction()` waits for ever.
 */
export function createDriver(thread: Thread): SqliteDriver {
  let transaction: (PromiseWithResolvers<void> & { readonly owner: DatabaseConnection }) | undefined
  let draining: PromiseWithResolvers<void> | undefined
  let active = 0

  /** What `connection` must wait for. It asks again after the wait, and acts on `undefined` without another one. */
  const blocked = (connection: DatabaseConnection): Promise<void> | undefined =>
    transaction === undefined || transaction.owner === connection ? undefined : transaction.promise
  const end = (): void => {
    const ended = transaction
    transaction = undefined
    ended?.resolve()
  }
  const connect = (): DatabaseConnection => {
    const connection: DatabaseConnection = {
      executeQuery: async <R>({ sql, parameters }: { sql: string; parameters: readonly unknown[] }) => {
        for (let wait = blocked(connection); wait !== undefined; wait = blocked(connection)) await wait
        return toResult<R>(await thread.run(sql, parameters))
      },
      streamQuery: () => {
        throw fault.statement({ detail: 'streams are not built' })
      },
    }
    return connection
  }

  return {
    init: () => Promise.resolve(),
    acquireConnection: async () => {
      if (draining !== undefined) throw fault.closed()
      active += 1
      return connect()
    },
    beginTransaction: async (owner) => {
      for (let wait = blocked(owner); wait !== undefined; wait = blocked(owner)) await wait
      transaction = { ...Promise.withResolvers<void>(), owner }
      await thread.run('begin immediate', []).catch((error: unknown) => {
        end()
        throw error
      })
    },
    // After a commit that failed Kysely rolls back, and that ends the transaction.
    commitTransaction: async () => {
      await thread.run('commit', [])
      end()
    },
    rollbackTransaction: async () => {
      await thread.run('rollback', []).finally(end)
    },
    releaseConnection: async () => {
      active -= 1
      if (active === 0) draining?.resolve()
    },
    drain: () => {
      draining ??= Promise.withResolvers<void>()
      if (active === 0) draining.resolve()
      return draining.promise
    },
    destroy: () => Promise.resolve(),
  }
}

function toResult<R>({ rows, changes }: Answer): QueryResult<R> {
  const result = { rows: rows as R[] }
  return changes === undefined ? result : { ...result, numAffectedRows: BigInt(changes) }
}
