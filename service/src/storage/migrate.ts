import { Kysely, type Dialect, sql, type Transaction } from 'kysely'
import { fault } from './faults.ts'
import type { Lock } from './lock.ts'
import type { MigrationTables } from './tables.ts'

/** One step forward. Once released it never changes: a correction is the next migration. */
export interface Migration {
  readonly name: string
  readonly statements: readonly string[]
}

export interface MigrateOptions {
  readonly dialect: Dialect
  readonly lock: Lock
  readonly migrations: readonly Migration[]
  readonly now: () => number
}

/**
 * Brings a database to the last of `migrations`, each in a transaction of its own: one that fails leaves the
 * database at the one before, and of two starts at once one runs it. Throws `storage.newer` when the database has
 * been where this version has not.
 */
export async function migrate({ dialect, lock, migrations, now }: MigrateOptions): Promise<void> {
  const db = new Kysely<MigrationTables>({ dialect })
  const step = () =>
    db.transaction().execute(async (transaction) => {
      await lock(transaction, 'migrations')
      return applyNext(transaction, migrations, now())
    })
  while (await step());
}

/** False when there is none left. */
async function applyNext(
  transaction: Transaction<MigrationTables>,
  migrations: readonly Migration[],
  at: number,
): Promise<boolean> {
  const applied = await appliedNames(transaction)
  const unknown = applied.find((name, place) => name !== migrations[place]?.name)
  if (unknown !== undefined) throw fault.newer({ detail: `unknown migration ${unknown}` })
  const next = migrations[applied.length]
  if (next === undefined) return false
  for (const statement of next.statements) await sql.raw(statement).execute(transaction)
  await transaction.insertInto('migrations').values({ name: next.name, applied_at: at }).execute()
  return true
}

async function appliedNames(transaction: Transaction<MigrationTables>): Promise<readonly string[]> {
  await transaction.schema
    .createTable('migrations')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .execute()
  const rows = await transaction.selectFrom('migrations').select('name').execute()
  // Not by the database, whose order of letters depends on where it was made.
  return rows.map(({ name }) => name).sort()
}
