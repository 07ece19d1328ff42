import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompiledQuery, Kysely, sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { createDriver } from './driver.ts'
import { openSqlite } from './sqlite.ts'
import { openThread } from './thread.ts'
import { toFault } from './to-fault.ts'

interface Numbers {
  readonly numbers: { readonly n: number }
}

function file() {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-sqlite-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return { file: join(directory, 'test.db'), synchronous: 'FULL' } as const
}

async function database(): Promise<Kysely<Numbers>> {
  const sqlite = await openSqlite(file())
  onTestFinished(() => sqlite.close())
  const db = new Kysely<Numbers>({ dialect: sqlite.dialect })
  await sql`create table numbers (n integer not null unique) strict`.execute(db)
  return db
}

test('a query asked while a transaction is open is not part of it: it survives the rollback', async () => {
  const db = await database()
  const asked: Promise<unknown>[] = []
  const rolledBack = db.transaction().execute(async (transaction) => {
    await transaction.insertInto('numbers').values({ n: 1 }).execute()
    asked.push(db.insertInto('numbers').values({ n: 2 }).execute())
    await transaction.insertInto('numbers').values({ n: 3 }).execute()
    throw new Error('changed my mind')
  })
  // Asked in the same tick as the transaction: between its wait and its `begin` nothing may slip in.
  const sameTick = db.insertInto('numbers').values({ n: 4 }).execute()
  await expect(rolledBack).rejects.toThrow('changed my mind')
  await Promise.all([...asked, sameTick])
  const rows = await db.selectFrom('numbers').select('n').orderBy('n').execute()
  expect(rows.map(({ n }) => n)).toEqual([2, 4])
})

test('transactions asked at once run one after the other, and none loses an update', async () => {
  const db = await database()
  await db.insertInto('numbers').values({ n: 0 }).execute()
  const increment = () =>
    db.transaction().execute(async (transaction) => {
      const { n } = await transaction.selectFrom('numbers').select('n').executeTakeFirstOrThrow()
      await transaction
        .updateTable('numbers')
        .set({ n: n + 1 })
        .execute()
    })
  await Promise.all(Array.from({ length: 20 }, increment))
  expect(await db.selectFrom('numbers').select('n').execute()).toEqual([{ n: 20 }])
})

test('after a transaction that failed the next query runs', async () => {
  const db = await database()
  await db.insertInto('numbers').values({ n: 1 }).execute()
  const twice = db
    .transaction()
    .execute((transaction) => transaction.insertInto('numbers').values({ n: 1 }).execute())
  await expect(twice).rejects.toMatchObject({ code: 'storage.statement', kind: 'internal' })
  expect(await db.selectFrom('numbers').selectAll().execute()).toHaveLength(1)
})

test('when SQLite itself gave a transaction up, the caller learns why, and the next query runs', async () => {
  const db = await database()
  const twice = db.transaction().execute(async (transaction) => {
    for (let n = 0; n < 2; n += 1) await sql`insert or rollback into numbers values (1)`.execute(transaction)
  })
  await expect(twice).rejects.toMatchObject({ detail: expect.stringContaining('UNIQUE') })
  expect(await db.selectFrom('numbers').selectAll().execute()).toEqual([])
})

test('a query and a transaction asked in one tick reach the file in that order, never one inside the other', async () => {
  const asked: string[] = []
  const driver = createDriver({
    run: async (sql) => {
      asked.push(sql)
      return { rows: [], changes: 0 }
    },
    close: () => Promise.resolve(),
  })
  const [alone, owner] = [await driver.acquireConnection(), await driver.acquireConnection()]
  const query = alone.executeQuery(CompiledQuery.raw('query'))
  await driver.beginTransaction(owner, {})
  const waiting = alone.executeQuery(CompiledQuery.raw('later'))
  await owner.executeQuery(CompiledQuery.raw('inside'))
  await driver.commitTransaction(owner)
  await Promise.all([query, waiting])
  expect(asked).toEqual(['query', 'begin immediate', 'inside', 'commit', 'later'])
})

test('closing lets a transaction that has begun come to its commit, and lets nothing new in', async () => {
  const place = file()
  const sqlite = await openSqlite(place)
  const db = new Kysely<Numbers>({ dialect: sqlite.dialect })
  await sql`create table numbers (n integer not null unique) strict`.execute(db)
  let closed: Promise<void> | undefined
  await db.transaction().execute(async (transaction) => {
    closed = sqlite.close()
    await expect(db.insertInto('numbers').values({ n: 1 }).execute()).rejects.toMatchObject({
      code: 'storage.closed',
    })
    await transaction.insertInto('numbers').values({ n: 2 }).execute()
  })
  await closed
  const again = await openSqlite(place)
  onTestFinished(() => again.close())
  const reader = new Kysely<Numbers>({ dialect: again.dialect })
  expect(await reader.selectFrom('numbers').selectAll().execute()).toEqual([{ n: 2 }])
})

test('a small buffer travels alone, without the memory it was cut from', async () => {
  const measures = `
    import { parentPort } from 'node:worker_threads'
    parentPort.postMessage({ id: 0, answer: { rows: [], changes: 0 } })
    parentPort.on('message', (order) => {
      if (order === null) return parentPort.close()
      const bytes = order.parameters[0].buffer.byteLength
      parentPort.postMessage({ id: order.id, answer: { rows: [{ bytes }] } })
    })`
  const thread = await openThread(file(), new URL(`data:text/javascript,${encodeURIComponent(measures)}`))
  const small = Buffer.from('another person’s secret').subarray(0, 4)
  expect((await thread.run('any', [small])).rows).toEqual([{ bytes: 4 }])
  await thread.close()
})

test('a commit is on the disk before it is answered', async () => {
  const db = await database()
  const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(db)
  expect(rows).toEqual([{ synchronous: 2 }])
})

test('a thread that dies fails what was asked and what is asked later, and can be closed', async () => {
  const dies = `
    import { parentPort } from 'node:worker_threads'
    parentPort.postMessage({ id: 0, answer: { rows: [], changes: 0 } })
    parentPort.on('message', () => { throw new Error('died') })`
  const thread = await openThread(file(), new URL(`data:text/javascript,${encodeURIComponent(dies)}`))
  await expect(thread.run('select 1', [])).rejects.toMatchObject({ code: 'storage.stopped' })
  await expect(thread.run('select 1', [])).rejects.toMatchObject({ code: 'storage.stopped' })
  await thread.close()
})

test('a thread that dies before the file is open fails the opening', async () => {
  const dies = new URL('data:text/javascript,throw new Error("died")')
  await expect(openThread(file(), dies)).rejects.toMatchObject({ code: 'storage.stopped' })
})

test.each([
  ['lock', 5, 'storage.locked'],
  ['statement', 5, 'storage.busy'],
  ['open', 14, 'storage.unopenable'],
  ['statement', 13, 'storage.disk'],
  ['statement', 10 | (3 << 8), 'storage.disk'],
  ['statement', 8, 'storage.disk'],
  ['statement', 11, 'storage.damaged'],
  ['open', 26, 'storage.damaged'],
  ['statement', 19, 'storage.statement'],
  ['statement', undefined, 'storage.statement'],
] as const)('a failure at %s with SQLite’s code %s is %s', (at, errcode, code) => {
  expect(toFault({ at, errcode, message: 'm' }, '/data/file')).toMatchObject({
    code,
    detail: '/data/file: m',
  })
})
