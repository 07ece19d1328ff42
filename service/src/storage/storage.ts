import type { AgentStore } from '#agents'
import type { BundleStore, LeaseStore } from '#audit'
import type { FamilyStore, GrantStore } from '#grants'
import type { ReplayStore, StateStore } from '#oauth'
import type { CatalogueStore, RevocationStore, WakeUp } from '#revocation'
import type { StepUpStore } from '#servers'
import type { SigningKeyStore } from '#tokens'
import type { AccountStore, SessionStore } from '#users'
import type { PartitionKeyStore, SecretStore } from '#vault'
import type { Secret } from '#kernel'
import { createAccountStore } from './account-store.ts'
import { createAgentStore } from './agent-store.ts'
import type { Backend } from './backend.ts'
import { createBundleStore } from './bundle-store.ts'
import { createCatalogueStore } from './catalogue-store.ts'
import { createFamilyStore } from './family-store.ts'
import { createGrantStore } from './grant-store.ts'
import { createLeaseStore } from './lease-store.ts'
import { createPartitionKeyStore } from './partition-key-store.ts'
import { openPostgresBackend } from './postgres/backend.ts'
import { createRevocationStore } from './revocation-store.ts'
import { createSecretStore } from './secret-store.ts'
import { createSessionStore } from './session-store.ts'
import { createSigningKeyStore } from './signing-key-store.ts'
import { openSqliteBackend } from './sqlite/backend.ts'
import { createStateStore } from './state-store.ts'
import { createStepUpStore } from './step-up-store.ts'

/** Every store of the service. What a write has resolved survives a crash of the process, and but for `replay` a power cut. */
export interface Storage {
  readonly secrets: SecretStore
  readonly partitionKeys: PartitionKeyStore
  readonly signingKeys: SigningKeyStore
  readonly accounts: AccountStore
  readonly sessions: SessionStore
  readonly agents: AgentStore
  readonly grants: GrantStore
  readonly families: FamilyStore
  readonly stepUps: StepUpStore
  readonly revocations: RevocationStore
  /** Tells of what another process appended to `revocations`, where the database can. */
  readonly wakeUp: WakeUp
  readonly catalogue: CatalogueStore
  readonly state: StateStore
  readonly replay: ReplayStore
  readonly bundles: BundleStore
  readonly leases: LeaseStore
  /** Whether other processes may have the stores open too. */
  readonly shared: boolean
  /** Lets what was asked before finish, refuses what is asked after (`storage.closed`), and gives directory and database free. */
  close(): Promise<void>
}

export interface StorageOptions {
  /** Made when absent, for its owner alone. It belongs to one running Tetrapod at a time. */
  readonly directory: string
  /** The URL of a PostgreSQL database, which several may share. Absent: SQLite in the directory. */
  readonly database?: Secret | undefined
  /** Milliseconds since the epoch: when a migration was applied. */
  readonly now?: () => number
}

/**
 * Opens the stores in a directory, or in a PostgreSQL database, and brings what is there to this version.
 *
 * Throws `storage.locked` while another Tetrapod runs on the directory and `storage.newer` for what a later version wrote. SQLite:
 * `storage.damaged` for files that are not whole, `storage.unopenable` for anything else. PostgreSQL:
 * `storage.database_url`, `.unreachable`, `.untrusted`, `.refused`, `.rights`, `.too_old`. Then nothing stays open.
 */
export async function openStorage({ directory, database, now = Date.now }: StorageOptions): Promise<Storage> {
  const backend =
    database === undefined
      ? await openSqliteBackend(directory, now)
      : await openPostgresBackend({ directory, database, now })
  return { ...stores(backend), wakeUp: backend.wakeUp, close: backend.close }
}

function stores({ db, lock, replay, shared }: Backend): Omit<Storage, 'wakeUp' | 'close'> {
  return {
    secrets: createSecretStore(db),
    partitionKeys: createPartitionKeyStore(db),
    signingKeys: createSigningKeyStore(db, lock),
    accounts: createAccountStore(db),
    sessions: createSessionStore(db, lock),
    agents: createAgentStore(db, lock),
    grants: createGrantStore(db, lock),
    families: createFamilyStore(db, lock),
    stepUps: createStepUpStore(db, lock),
    revocations: createRevocationStore(db, lock),
    catalogue: createCatalogueStore(db, lock),
    state: createStateStore(db),
    replay,
    bundles: createBundleStore(db, shared),
    leases: createLeaseStore(db),
    shared,
  }
}
