import { sql } from 'kysely'
import type { Lock, LockName } from '../lock.ts'

/** The first half of the keys of our advisory locks, one for each use. The second half is the schema. */
const classes: Readonly<Record<LockName | 'lone', number>> = {
  lone: 0x7e74_0001,
  migrations: 0x7e74_0002,
  feed: 0x7e74_0003,
  'signing-keys': 0x7e74_0004,
  sessions: 0x7e74_0005,
}

/** Of a process of a version that shares its database with nobody: it holds it for life. */
export const LONE: number = classes.lone

/** A statement of its own: what the transaction reads after it was committed before it. */
export const lock: Lock = async (transaction, name) => {
  const key = sql`${classes[name]}::int, (select oid::int from pg_namespace where nspname = current_schema())`
  await sql`select pg_advisory_xact_lock(${key})`.execute(transaction)
}
