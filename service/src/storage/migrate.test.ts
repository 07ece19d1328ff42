import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { emptyDirectory, opened } from './backends.fixture.ts'
import { openStorage } from './index.ts'
import { migrate } from './migrate.ts'
import { dataMigrations, replayMigrations } from './sqlite/migrations.ts'
import { lock } from './sqlite/backend.ts'
import { openSqlite, type Sqlite } from './sqlite/sqlite.ts'

const now = (): number => 7
const grow = { name: '9999-grow', statements: ['alter table accounts add column note text'] }

async function sqlite(file: string): Promise<Sqlite> {
  const database = await openSqlite({ file, synchronous: 'FULL' })
  onTestFinished(() => database.close())
  return database
}

function digest(statements: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(statements)).digest('hex')
}

/** Reads a closed file without any of our code. */
function rows(file: string, query: string): readonly unknown[] {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return database
      .prepare(query)
      .all()
      .map((row) => ({ ...row }))
  } finally {
    database.close()
  }
}

test('a released migration never changes', () => {
  expect(
    [...dataMigrations, ...replayMigrations].map(({ name, statements }) => [name, digest(statements)]),
  ).toEqual([
    ['0001-first', '3fbae19d76616ba980a085daa5c71fac3f0fd7c036ddb229bfe2a905036ef72f'],
    ['0002-families', 'e8aa3604526e9974ab1c9f40305f93e6f0c340762086aa13fbe53f6c59d86365'],
    ['0003-replicas', 'ad0815931efe2f417316bae9206faf9513338093709713e03927ae1b0c159513'],
    ['0004-signing-keys', '7c816c1d911307536dfb9eb9d9f22bed72f0da9336a8d3bdd454dfbc0985e0b1'],
    ['0005-agents', '65955d5c3c81aa5cc5cbb22e3e403620d62a45a7d1be2267d74b365e9a24a8d9'],
    ['0006-feed', '4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945'],
    ['0009-families-by-agent', '686970d6c2cbc2de544ef7ef469ec80dec1d3c4842a314518ef3563793e4b6bc'],
    ['0011-step-ups', '7cbf55b92c946397fa0bcda24b4decf7f6a207aab77686fcf181e461aab7fba8'],
    ['0012-catalogue', '9aba73e0c150fc0d003e534a57c550e6c46660f1f0abbc9f391402b10d422a03'],
    ['0001-replay', '5450a2ce8aed19c96a7606cad6c3160383a1fa53a5e67f5989fbb233fa729b2c'],
  ])
})

test('a file of version 1 goes on to the next version with all its rows', async () => {
  const directory = emptyDirectory()
  const file = join(directory, 'tetrapod.db')
  const first = await sqlite(file)
  await migrate({ dialect: first.dialect, lock, migrations: dataMigrations.slice(0, 1), now })
  await first.close()
  const storage = await opened({ directory })
  const account = { id: 'u1', issuer: 'https://idp.example', subject: 'ada', createdAt: 1 }
  await storage.accounts.insert(account)
  await storage.close()

  const database = await sqlite(file)
  await migrate({ dialect: database.dialect, lock, migrations: [...dataMigrations, grow], now })
  await database.close()
  expect(rows(file, 'select id, note from accounts')).toEqual([{ id: 'u1', note: null }])
  expect(rows(file, 'select * from migrations order by name')).toEqual([
    { name: '0001-first', applied_at: 7 },
    ...dataMigrations.slice(1).map(({ name }) => ({ name, applied_at: 1_700_000_000_000 })),
    { name: '9999-grow', applied_at: 7 },
  ])
})

test('a file that a newer version wrote is refused and left as it is', async () => {
  const directory = emptyDirectory()
  await (await opened({ directory })).close()
  const file = join(directory, 'tetrapod.db')
  const newer = await sqlite(file)
  await migrate({ dialect: newer.dialect, lock, migrations: [...dataMigrations, grow], now })
  await newer.close()

  const before = rows(file, 'select sql from sqlite_master')
  await expect(openStorage({ directory })).rejects.toMatchObject({ code: 'storage.newer' })
  expect(rows(file, 'select sql from sqlite_master')).toEqual(before)
})

test('a migration that fails leaves the file at the one before, and can be run again', async () => {
  const file = join(emptyDirectory(), 'test.db')
  const database = await sqlite(file)
  const broken = { ...grow, statements: [...grow.statements, 'create table'] }
  await expect(
    migrate({ dialect: database.dialect, lock, migrations: [...dataMigrations, broken], now }),
  ).rejects.toMatchObject({
    code: 'storage.statement',
  })
  await migrate({ dialect: database.dialect, lock, migrations: [...dataMigrations, grow], now })
  await database.close()
  expect(rows(file, 'select name from migrations order by name')).toEqual([
    ...dataMigrations.map(({ name }) => ({ name })),
    { name: '9999-grow' },
  ])
})

test('a file that is up to date is opened without writing a migration again', async () => {
  const directory = emptyDirectory()
  for (let start = 0; start < 3; start += 1) await (await opened({ directory })).close()
  expect(rows(join(directory, 'tetrapod.db'), 'select name from migrations order by name')).toEqual(
    dataMigrations.map(({ name }) => ({ name })),
  )
})
