import { type Dialect, Kysely, sql } from 'kysely'
import { fault } from './faults.ts'
import type { MigrationTables } from './tables.ts'

/** One step forward. Once released it never changes: a correction is the next migration. */
export interface Migration {
  readonly name: string
  readonly statements: readonly string[]
}

/**
 * Brings a database to the last of `migrations`, each in a transaction of its own: one that fails leaves the
 * database at the one before. Throws `storage.newer` when the database has been where this version has not.
 */
export async function migrate(
  dialect: Dialect,
  migrations: readonly Migration[],
  now: () => number,
): Promise<void> {
  const db = new Kysely<MigrationTables>({ dialect })
  const applied = await appliedNames(db)
  const unknown = applied.find((name, place) => name !== migrations[place]?.name)
  if (unknown !== undefined) throw fault.newer({ detail: `unknown migration ${unknown}` })
  for (const migration of migrations.slice(applied.length)) await apply(db, migration, now())
}

async function appliedNames(db: Kysely<MigrationTables>): Promise<readonly string[]> {
  await db.schema
    .createTable('migrations')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .execute()
  const rows = await db.selectFrom('migrations').select('name').orderBy('name').execute()
  return rows.map(({ name }) => name)
}

async function apply(
  db: Kysely<MigrationTables>,
  { name, statements }: Migration,
  at: number,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    for (const statement of statements) await sql.raw(statement).execute(transaction)
    await transaction.insertInto('migrations').values({ name, applied_at: at }).execute()
  })
}
