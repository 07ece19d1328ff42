import type { Dialect } from 'kysely'
import { createDialect } from './dialect.ts'
import { createDriver } from './driver.ts'
import { openThread } from './thread.ts'
import type { DatabaseFile } from './worker.ts'

/** One database file, in a thread of its own. */
export interface Sqlite {
  /** Every Kysely made with it shares the thread. */
  readonly dialect: Dialect
  /** Lets queries and transactions that have begun finish, refuses later ones (`storage.closed`), closes the file. */
  close(): Promise<void>
}

/** Opens a database file. Throws `storage.locked`, `storage.unopenable`, `storage.damaged`. */
export async function openSqlite(file: DatabaseFile): Promise<Sqlite> {
  const thread = await openThread(file)
  const driver = createDriver(thread)
  let closed: Promise<void> | undefined
  return {
    dialect: createDialect(driver),
    close: () => (closed ??= driver.drain().then(() => thread.close())),
  }
}
