import { Kysely, PostgresDialect } from 'kysely'
import type { ClientConfig } from 'pg'
import { randomId, type Secret } from '#kernel'
import type { Backend } from '../backend.ts'
import { migrate } from '../migrate.ts'
import { prepareLock } from '../sqlite/directory.ts'
import { openSqlite } from '../sqlite/sqlite.ts'
import type { ReplayTables, Tables } from '../tables.ts'
import { admit } from './admission.ts'
import { connectionTo, patient } from './connection.ts'
import { lock } from './locks.ts'
import { migrations } from './migrations.ts'
import { createPool } from './pool.ts'
import { createPostgresReplayStore } from './replay-store.ts'
import { createWakeUps } from './wake-up.ts'

export interface PostgresOptions {
  /** Keyring and socket lie there: it belongs to one process, which the database does not, and its lock is held. */
  readonly directory: string
  readonly database: Secret
  readonly now: () => number
}

/** Opens the database, which others may use too. What it throws: `openStorage`. Then nothing stays open. */
export async function openPostgresBackend({ directory, database, now }: PostgresOptions): Promise<Backend> {
  const config = connectionTo(database, `tetrapod ${randomId()}`)
  const directoryLock = await openSqlite(prepareLock(directory))
  try {
    await migrateWith(config, now)
  } catch (error) {
    await directoryLock.close()
    throw error
  }
  const pool = createPool(config)
  const dialect = new PostgresDialect({ pool })
  const wakeUps = createWakeUps({ ...config, application_name: `${config.application_name} feed` })
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await wakeUps.close()
    await pool.end()
    await directoryLock.close()
  }
  return {
    db: new Kysely<Tables>({ dialect }),
    lock,
    shared: true,
    replay: createPostgresReplayStore(new Kysely<ReplayTables>({ dialect })),
    wakeUp: wakeUps.wakeUp,
    close: () => (closed ??= close()),
  }
}

async function migrateWith(config: ClientConfig, now: () => number): Promise<void> {
  const pool = createPool(patient(config), { max: 1, admit })
  try {
    await migrate({ dialect: new PostgresDialect({ pool }), lock, migrations, now })
  } finally {
    await pool.end()
  }
}
