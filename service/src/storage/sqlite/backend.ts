import { Kysely } from 'kysely'
import type { Backend } from '../backend.ts'
import type { Lock } from '../lock.ts'
import { migrate } from '../migrate.ts'
import { createReplayStore } from '../replay-store.ts'
import type { ReplayTables, Tables } from '../tables.ts'
import { type DatabaseFiles, prepareDirectory } from './directory.ts'
import { dataMigrations, replayMigrations } from './migrations.ts'
import { openSqlite, type Sqlite } from './sqlite.ts'

/**
 * Opens both files in a directory, of which it holds the lock until it is closed.
 *
 * Throws `storage.locked`, `.newer`, `.damaged`, `.unopenable`; then nothing stays open.
 */
export async function openSqliteBackend(directory: string, now: () => number): Promise<Backend> {
  const files = prepareDirectory(directory)
  const opened: Sqlite[] = []
  // Last opened, first closed: the lock on the directory goes with the data file.
  const close = async (): Promise<void> => {
    for (const each of opened.toReversed()) await each.close()
  }
  try {
    await openFiles(files, opened, now)
  } catch (error) {
    await close()
    throw error
  }
  const [data, replay] = opened as [Sqlite, Sqlite]
  return {
    db: new Kysely<Tables>({ dialect: data.dialect }),
    lock,
    shared: false,
    replay: createReplayStore(new Kysely<ReplayTables>({ dialect: replay.dialect })),
    // Whatever is appended, this process appends.
    wakeUp: () => () => {},
    close,
  }
}

/** A transaction has the thread for itself anyway. */
export const lock: Lock = () => Promise.resolve()

/** Opens and migrates both files in turn. What is open is in `opened`, also when it throws. */
async function openFiles(files: DatabaseFiles, opened: Sqlite[], now: () => number): Promise<void> {
  const data = await openSqlite(files.data)
  opened.push(data)
  await migrate({ dialect: data.dialect, lock, migrations: dataMigrations, now })
  const replay = await openSqlite(files.replay)
  opened.push(replay)
  await migrate({ dialect: replay.dialect, lock, migrations: replayMigrations, now })
}
