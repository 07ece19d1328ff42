import type { BundleStore } from '#audit'
import type { GrantStore } from '#grants'
import type { ReplayStore, StateStore } from '#oauth'
import type { RevocationStore } from '#revocation'
import type { SigningKeyStore } from '#tokens'
import type { AccountStore, SessionStore } from '#users'
import type { PartitionKeyStore, SecretStore } from '#vault'
import { Kysely } from 'kysely'
import { createAccountStore } from './account-store.ts'
import { createBundleStore } from './bundle-store.ts'
import { createGrantStore } from './grant-store.ts'
import { migrate } from './migrate.ts'
import { createPartitionKeyStore } from './partition-key-store.ts'
import { createReplayStore } from './replay-store.ts'
import { createRevocationStore } from './revocation-store.ts'
import { createSecretStore } from './secret-store.ts'
import { createSessionStore } from './session-store.ts'
import { createSigningKeyStore } from './signing-key-store.ts'
import { type DatabaseFiles, prepareDirectory } from './sqlite/directory.ts'
import { dataMigrations, replayMigrations } from './sqlite/migrations.ts'
import { openSqlite, type Sqlite } from './sqlite/sqlite.ts'
import { createStateStore } from './state-store.ts'
import type { ReplayTables, Tables } from './tables.ts'

/** Every store of the service. What a write has resolved survives a crash of the process, and but for `replay` a power cut. */
export interface Storage {
  readonly secrets: SecretStore
  readonly partitionKeys: PartitionKeyStore
  readonly signingKeys: SigningKeyStore
  readonly accounts: AccountStore
  readonly sessions: SessionStore
  readonly grants: GrantStore
  readonly revocations: RevocationStore
  readonly state: StateStore
  readonly replay: ReplayStore
  readonly bundles: BundleStore
  /** Lets what was asked before finish, refuses what is asked after (`storage.closed`), and gives the directory free. */
  close(): Promise<void>
}

export interface StorageOptions {
  /** Made when absent, for its owner alone. It belongs to one running Tetrapod at a time. */
  readonly directory: string
  /** Milliseconds since the epoch: when a migration was applied. */
  readonly now?: () => number
}

/**
 * Opens the stores in a directory and brings its files to this version.
 *
 * Throws `storage.locked` while another Tetrapod runs on the directory, `storage.newer` for files of a later
 * version, `storage.damaged` for files that are not whole, and `storage.unopenable` for anything else. Then
 * nothing stays open.
 */
export async function openStorage({ directory, now = Date.now }: StorageOptions): Promise<Storage> {
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
  return { ...stores(data, replay), close }
}

/** Opens and migrates both files in turn. What is open is in `opened`, also when it throws. */
async function openFiles(files: DatabaseFiles, opened: Sqlite[], now: () => number): Promise<void> {
  const data = await openSqlite(files.data)
  opened.push(data)
  await migrate(data.dialect, dataMigrations, now)
  const replay = await openSqlite(files.replay)
  opened.push(replay)
  await migrate(replay.dialect, replayMigrations, now)
}

function stores(data: Sqlite, replay: Sqlite): Omit<Storage, 'close'> {
  const db = new Kysely<Tables>({ dialect: data.dialect })
  return {
    secrets: createSecretStore(db),
    partitionKeys: createPartitionKeyStore(db),
    signingKeys: createSigningKeyStore(db),
    accounts: createAccountStore(db),
    sessions: createSessionStore(db),
    grants: createGrantStore(db),
    revocations: createRevocationStore(db),
    state: createStateStore(db),
    replay: createReplayStore(new Kysely<ReplayTables>({ dialect: replay.dialect })),
    bundles: createBundleStore(db),
  }
}
