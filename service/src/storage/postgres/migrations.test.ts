import { createHash } from 'node:crypto'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import type { Sealed } from '#vault'
import { createAccountStore } from '../account-store.ts'
import { emptyDirectory, opened, postgres } from '../backends.fixture.ts'
import { createGrantStore } from '../grant-store.ts'
import { openStorage } from '../index.ts'
import { dataMigrations, replayMigrations } from '../sqlite/migrations.ts'
import { createStateStore } from '../state-store.ts'
import { lock, LONE } from './locks.ts'
import { migrations } from './migrations.ts'
import { database, fresh, migrateTo, query, until } from './postgres.fixture.ts'

const grant = {
  id: 'g1',
  version: 1,
  user: 'u',
  agent: 'a',
  redirectUris: [],
  mounts: {},
  createdAt: 1,
  expiresAt: 1,
  revokedAt: undefined,
}
const row = {
  model: 'Session',
  idHash: 'h1',
  version: 1,
  sealed: new Uint8Array([4]) as Sealed,
  grantId: undefined,
  uidHash: undefined,
  consumedAt: undefined,
  expiresAt: 1000,
}

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
    ['0002-families', '7236b21b6ea0fcded7526c4ab90c8de5e9c7974f8b0f3ec28c977a99e5af9c84'],
    ['0003-replicas', '8bce3d62f54ec13a4a9787fbd694e393f7102d24cc071c7f36020bcdca7262c6'],
    ['0004-signing-keys', '239bbac0d0257f5e1ac2779c0ac64a7260d4e1ada6f08e010eb7c5ddcc11d16d'],
    ['0005-agents', '95d89af904cca23055a51814d203f5e0205f0f4e4a78d9ed214e6c38392753da'],
    ['0006-feed', '9dd6f9cf2186ecbbf0da9cfe42de9f9431d792c854514a20b50304d42eef576b'],
    ['0009-families-by-agent', '686970d6c2cbc2de544ef7ef469ec80dec1d3c4842a314518ef3563793e4b6bc'],
    ['0011-step-ups', '36290fe3310a072cc54f963c960baf3cfc21e17dc8a639de739fc92cec1424ec'],
    ['0012-catalogue', '3b9bde53d2ae95aa908be1d1d6ed4ba69ee1de00ecbabd56646247d842c29e73'],
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
    const account = { id: 'u1', issuer: 'https://idp.example', subject: 'ada', createdAt: 1 }
    await migrateTo(place, migrations.slice(0, 2))
    await query(place, `insert into accounts values ('u1', 'https://idp.example', 'ada', 1)`)
    const storage = await opened(place)
    expect(await storage.accounts.byId('u1')).toEqual(account)
    await storage.close()
    const grow = { name: '9999-grow', statements: ['alter table accounts add column note text'] }
    await migrateTo(place, [...migrations, grow])
    expect(await query(place, 'select id, note from accounts')).toEqual([{ id: 'u1', note: null }])

    const directory = emptyDirectory()
    await expect(openStorage({ ...place, directory })).rejects.toMatchObject({ code: 'storage.newer' })
    expect(await query(place, 'select count(*)::int as n from migrations')).toEqual([
      { n: migrations.length + 1 },
    ])
  })

  test('what the first version does goes on while the next one migrates, and after it', async () => {
    const place = await fresh()
    await migrateTo(place, migrations.slice(0, 2))
    // Its stores know the tables of its version alone.
    const db = database(place)
    const [accounts, state, grants] = [
      createAccountStore(db),
      createStateStore(db),
      createGrantStore(db, lock),
    ]
    const over = new AbortController()
    const serving = async (): Promise<number> => {
      let served = 0
      for (; !over.signal.aborted; served += 1) {
        const id = `${served}`
        await accounts.insert({ id, issuer: 'https://idp.example', subject: id, createdAt: 1 })
        await state.upsert({ ...row, idHash: id })
        await grants.insert({ ...grant, id, user: id })
        expect(await state.consume('Session', id, 1)).toBe(true)
        expect(await grants.current(id, 'a')).toMatchObject({ id })
      }
      return served
    }
    const served = serving()
    const next = await opened(place)
    await until(async () => (await next.grants.list()).length > 20)
    over.abort()
    expect(await served).toBeGreaterThan(20)
    expect(await next.grants.list()).toHaveLength(await served)
  })

  test('a version that shares with nobody keeps others out while it runs, and is kept out afterwards', async () => {
    const place = await fresh()
    const lone = new Client({ connectionString: place.database?.reveal() })
    await lone.connect()
    const key = `${LONE}, (select oid::int from pg_namespace where nspname = current_schema())`
    await lone.query(`select pg_advisory_lock(${key})`)
    await expect(openStorage(place)).rejects.toMatchObject({ code: 'storage.locked' })
    await lone.end()
    await opened(place)
    await expect(migrateTo(place, migrations.slice(0, 2))).rejects.toMatchObject({ code: 'storage.newer' })
  })

  test('the logs that the first version wrote can be taken by the first who comes', async () => {
    const place = await fresh()
    await migrateTo(place, migrations.slice(0, 2))
    await query(
      place,
      `insert into bundles values ('a', 1, 1, 1, ''), ('a', 2, 1, 1, ''), ('b', 1, 1, 1, '')`,
    )
    const { leases } = await opened(place)
    expect(await leases.list()).toEqual([
      { replica: 'a', term: 0, beat: 0, held: false },
      { replica: 'b', term: 0, beat: 0, held: false },
    ])
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
