import type { ReplayStore } from '#oauth'
import type { WakeUp } from '#revocation'
import type { Kysely } from 'kysely'
import type { Lock } from './lock.ts'
import type { Tables } from './tables.ts'

/** An open database of this version's shape: all in which one kind differs from another. */
export interface Backend {
  readonly db: Kysely<Tables>
  readonly lock: Lock
  readonly replay: ReplayStore
  readonly wakeUp: WakeUp
  /** Whether other processes may have it open too. */
  readonly shared: boolean
  /** Lets queries and transactions that have begun finish, refuses later ones (`storage.closed`), and lets go of everything. */
  close(): Promise<void>
}
