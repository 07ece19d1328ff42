import { Kysely, PostgresDialect } from 'kysely'
import { onTestFinished } from 'vitest'
import { Secret } from '#kernel'
import { ask } from '../../../../test/support/postgres.ts'
import { emptySchema, type Place, postgres } from '../backends.fixture.ts'
import { migrate, type Migration } from '../migrate.ts'
import type { Tables } from '../tables.ts'
import { connectionTo } from './connection.ts'
import { lock } from './locks.ts'
import { createPool } from './pool.ts'

export const bundle = { replica: 'a', at: 1, records: 1, body: new Uint8Array(20) }
export const entry = (idHash: string) => ({ kind: 'grant', idHash, at: 5, expiresAt: 1000 }) as const
export const fresh = () => emptySchema(postgres ?? '')

/** Kysely as the stores have it, on connections of its own. */
export function database({ database }: Required<Place>): Kysely<Tables> {
  const pool = createPool(connectionTo(database ?? new Secret(''), 'test'))
  onTestFinished(() => pool.end())
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

export function migrateTo({ database }: Required<Place>, migrations: readonly Migration[]): Promise<void> {
  const pool = createPool(connectionTo(database ?? new Secret(''), 'test'), { max: 1 })
  onTestFinished(() => pool.end())
  return migrate({ dialect: new PostgresDialect({ pool }), lock, migrations, now: () => 7 })
}

export const query = <Row extends object>({ database }: Place, statement: string) =>
  ask<Row & Record<string, unknown>>(database?.reveal() ?? '', statement)

/** Whether a transaction waits for an advisory lock of this schema. */
export async function waiting(place: Place): Promise<boolean> {
  const waiters = `select 1 from pg_locks where locktype = 'advisory' and not granted
    and objid = (select oid from pg_namespace where nspname = current_schema())`
  return (await query(place, waiters)).length > 0
}

/** Asks again and again: each answer is a round trip, so nothing spins. */
export async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done()));
}
