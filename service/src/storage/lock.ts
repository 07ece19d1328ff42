import type { Transaction } from 'kysely'

/** What one transaction at a time may do. */
export type LockName = 'migrations' | 'feed' | 'signing-keys' | 'sessions'

/** Waits until no other transaction holds the lock of this name, and holds it until this one is committed or rolled back. */
export type Lock = <Tables>(transaction: Transaction<Tables>, name: LockName) => Promise<void>
