import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { emptyDirectory, opened, postgres } from '../backends.fixture.ts'
import { openStorage } from '../index.ts'
import { dataMigrations, replayMigrations } from '../sqlite/migrations.ts'
import { migrations } from './migrations.ts'
import { fresh, HOLDER, migrateTo, query } from './postgres.fixture.ts'

test('every migration has its twin of the same name on SQLite', () => {
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).sort()
  expect(names(migrations)).toEqual(names([...dataMigrations, ...replayMigrations]))
  expect(names(migrations)).toEqual(migrations.map(({ name }) => name))
})

test('a released migration never changes', () => {
  const digest = (statements: readonly string[]) =>
    createHash('sha256').update(JSON.stringify(statements)).digest('hex')
  expect(migrations.map(({ name, statements }) => [name, digest(statements)])).toEqual([
    ['0001-first', '6161faed912674350153b0c4713511d87a7e5416e3232598b9e67e6461a27b52'],
    ['0001-replay', 'd64f22efc9c4b4b418b96dbd5f8e127e95d2213b6a2f82705c261028a1556454'],
    ['0005-agents', '95d89af904cca23055a51814d203f5e0205f0f4e4a78d9ed214e6c38392753da'],
  ])
})

describe.runIf(postgres !== undefined)('migrations of PostgreSQL', () => {
  test('of many starts at once one runs each migration, and the others find it done', async () => {
    const place = await fresh()
    await Promise.all(Array.from({ length: 8 }, () => migrateTo(place, migrations)))
    const rows = await query(place, 'select name, applied_at::int from migrations order by name')
    expect(rows).toEqual(migrations.map(({ name }) => ({ name, applied_at: 7 })))
  })

  test('a database of version 1 goes on with all its rows; one of a later version is refused and left as it is', async () => {
    const place = await fresh()
    const storage = await opened(place)
    await storage.accounts.insert({ id: 'u1', issuer: 'https://idp.example', subject: 'ada', createdAt: 1 })
    await storage.close()
    const grow = { name: '9999-grow', statements: ['alter table accounts add column note text'] }
    await migrateTo(place, [...migrations, grow])
    expect(await query(place, 'select id, note from accounts')).toEqual([{ id: 'u1', note: null }])

    const directory = emptyDirectory()
    await expect(openStorage({ ...place, directory })).rejects.toMatchObject({ code: 'storage.newer' })
    expect(await query(place, 'select count(*)::int as n from migrations')).toEqual([
      { n: migrations.length + 1 },
    ])
    expect(await query(place, HOLDER)).toEqual([])
  })

  test('a migration that fails leaves the database at the one before, and can be run again', async () => {
    const place = await fresh()
    const statements = ['alter table accounts add column note text']
    const broken = { name: '9999-grow', statements: [...statements, 'create table'] }
    await expect(migrateTo(place, [...migrations, broken])).rejects.toMatchObject({
      code: 'storage.statement',
    })
    await migrateTo(place, [...migrations, { name: '9999-grow', statements }])
    expect(await query(place, 'select note from accounts')).toEqual([])
  })
})
