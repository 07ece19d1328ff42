import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '#kernel'
import type { Sealed } from '#vault'
import { ask } from '../../../../test/support/postgres.ts'
import {
  emptyDirectory,
  emptySchema,
  opened,
  type Place,
  postgres,
  winnersOfFifty,
} from '../backends.fixture.ts'
import { openStorage } from '../index.ts'
import { migrate, type Migration } from '../migrate.ts'
import { appendRevocation, createRevocationStore } from '../revocation-store.ts'
import { dataMigrations, replayMigrations } from '../sqlite/migrations.ts'
import type { Tables } from '../tables.ts'
import { connectionTo } from './connection.ts'
import { lock } from './locks.ts'
import { migrations } from './migrations.ts'
import { createPool } from './pool.ts'
import type { Tenure } from './tenure.ts'

const bundle = { replica: 'a', at: 1, records: 1, body: new Uint8Array(20) }
const entry = (idHash: string) => ({ kind: 'grant', idHash, at: 5, expiresAt: 1000 }) as const
const unguarded: Tenure = {
  hold: () => Promise.resolve(),
  prove: () => Promise.resolve(),
  close: () => Promise.resolve(),
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
    ['0001-first', 'debbef4d4a73e67aea88ec5a906260d6a603b6f8dc895287a4bf9a22712b4737'],
    ['0001-replay', 'd64f22efc9c4b4b418b96dbd5f8e127e95d2213b6a2f82705c261028a1556454'],
  ])
})

describe.runIf(postgres !== undefined)('PostgreSQL', () => {
  const fresh = () => emptySchema(postgres ?? '')

  /** Kysely as the stores have it, but without a tenure. */
  function database({ database }: Required<Place>): Kysely<Tables> {
    const pool = createPool(connectionTo(database ?? new Secret(''), 'test'), unguarded)
    onTestFinished(() => pool.end())
    return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  }

  function migrateTo({ database }: Required<Place>, migrations: readonly Migration[]): Promise<void> {
    const pool = createPool(connectionTo(database ?? new Secret(''), 'test'), unguarded, 1)
    onTestFinished(() => pool.end())
    return migrate({ dialect: new PostgresDialect({ pool }), lock, migrations, now: () => 7 })
  }

  const query = <Row extends object>({ database }: Place, statement: string) =>
    ask<Row & Record<string, unknown>>(database?.reveal() ?? '', statement)

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
    const grow = { name: '0002-grow', statements: ['alter table accounts add column note text'] }
    await migrateTo(place, [...migrations, grow])
    expect(await query(place, 'select id, note from accounts')).toEqual([{ id: 'u1', note: null }])

    const directory = emptyDirectory()
    await expect(openStorage({ ...place, directory })).rejects.toMatchObject({ code: 'storage.newer' })
    expect(await query(place, 'select count(*)::int as n from migrations')).toEqual([{ n: 3 }])
    expect(await query(place, HOLDER)).toEqual([])
  })

  test('a migration that fails leaves the database at the one before, and can be run again', async () => {
    const place = await fresh()
    const statements = ['alter table accounts add column note text']
    const broken = { name: '0002-grow', statements: [...statements, 'create table'] }
    await expect(migrateTo(place, [...migrations, broken])).rejects.toMatchObject({
      code: 'storage.statement',
    })
    await migrateTo(place, [...migrations, { name: '0002-grow', statements }])
    expect(await query(place, 'select note from accounts')).toEqual([])
  })

  test('a later entry of the feed is never seen before an earlier one, whoever commits first', async () => {
    const place = await fresh()
    await (await opened(place)).close()
    const db = database(place)
    const feed = createRevocationStore(db, lock)
    const appended = Promise.withResolvers<void>()
    const commit = Promise.withResolvers<void>()
    const slow = db.transaction().execute(async (transaction) => {
      await appendRevocation(transaction, lock, entry('slow'))
      appended.resolve()
      await commit.promise
    })
    await appended.promise
    let overtook = false
    const quick = feed.append(entry('quick')).then(() => (overtook = true))
    await until(async () => overtook || (await waiting(place)))
    const seen = await feed.after(0, 0)
    commit.resolve()
    await Promise.all([slow, quick])
    const rest = await feed.after(seen.at(-1)?.sequence ?? 0, 0)
    expect([...seen, ...rest].map(({ idHash }) => idHash)).toEqual(['slow', 'quick'])
  })

  test('a first signing key that another start is about to commit is waited for, not doubled', async () => {
    const place = await fresh()
    const { signingKeys } = await opened(place)
    const key = { kid: 'k1', createdAt: 1, sealed: new Uint8Array(1) as Sealed }
    let answer: boolean | undefined
    const second = await database(place)
      .transaction()
      .execute(async (transaction) => {
        await lock(transaction, 'first-signing-key')
        await transaction
          .insertInto('signing_keys')
          .values({ kid: 'k0', created_at: 0, sealed: key.sealed })
          .execute()
        const asked = signingKeys.insertFirst(key).then((first) => (answer = first))
        await until(async () => answer !== undefined || (await waiting(place)))
        return { asked }
      })
    expect(await second.asked).toBe(false)
    expect((await signingKeys.list()).map(({ kid }) => kid)).toEqual(['k0'])
  })

  test('a session commits to the disk and reads what is committed, whatever URL, role and database say', async () => {
    const place = await fresh()
    const url = new URL(place.database?.reveal() ?? '')
    const hostile = '-c synchronous_commit=off -c default_transaction_isolation=serializable'
    url.searchParams.set('options', `${url.searchParams.get('options')} ${hostile}`)
    const db = database({ ...place, database: new Secret(url.href) })
    const setting = (name: string) => sql<string>`current_setting(${sql.lit(name)})`
    const settings = await db
      .selectNoFrom([
        setting('synchronous_commit').as('commit'),
        setting('transaction_isolation').as('isolation'),
        setting('statement_timeout').as('statement'),
        setting('lock_timeout').as('lock'),
        setting('idle_in_transaction_session_timeout').as('idle'),
        setting('search_path').as('path'),
      ])
      .executeTakeFirstOrThrow()
    expect(settings).toEqual({
      commit: 'on',
      isolation: 'read committed',
      statement: '10s',
      lock: '5s',
      idle: '10s',
      path: expect.stringMatching(/^test_/),
    })
  })

  test('only what may be used once is committed without waiting for the disk', async () => {
    const place = await fresh()
    const { bundles, replay } = await opened(place)
    const url = place.database?.reveal() ?? ''
    await ask(url, 'create table seen (of text, setting text)')
    await ask(
      url,
      `create function look() returns trigger language plpgsql as
         $$ begin insert into seen values (tg_table_name, current_setting('synchronous_commit')); return new; end $$`,
    )
    for (const table of ['bundles', 'replays'])
      await ask(url, `create trigger look before insert on ${table} for each row execute function look()`)
    await replay.use('jti', 1000, 900)
    await bundles.append({ ...bundle, sequence: 1 })
    await replay.use('jti 2', 1000, 900)
    expect(await query(place, 'select distinct of, setting from seen order by of')).toEqual([
      { of: 'bundles', setting: 'on' },
      { of: 'replays', setting: 'off' },
    ])
  })

  test('fifty calls at once share ten connections', async () => {
    const place = await fresh()
    const { secrets } = await opened(place)
    expect(await winnersOfFifty(() => secrets.insert('name', new Uint8Array(1) as Sealed))).toBe(1)
    const ours = `select count(*)::int as n from pg_stat_activity where application_name =
      (select application_name from (${HOLDER}) holder)`
    // One more: the one that holds the database.
    expect(await query(place, ours)).toEqual([{ n: 11 }])
  })

  describe('the database belongs to one process', () => {
    test('when the connection that says so dies, it is taken again before the next write', async () => {
      const place = await fresh()
      const { bundles } = await opened(place)
      await bundles.append({ ...bundle, sequence: 1 })
      await endHolder(place)
      await until(async () => (await query(place, HOLDER)).length === 0)
      await eventually(() => bundles.append({ ...bundle, sequence: 2 }))
      expect(await query(place, HOLDER)).toHaveLength(1)
      await expect(openStorage({ ...place, directory: emptyDirectory() })).rejects.toMatchObject({
        code: 'storage.locked',
      })
    })

    test('whoever lost it to another process never writes again, even when that one has gone', async () => {
      const place = await fresh()
      const first = await opened(place)
      await first.bundles.append({ ...bundle, sequence: 1 })
      await endHolder(place)
      const second = await opened({ ...place, directory: emptyDirectory() })
      const stopped = { code: 'storage.stopped', kind: 'unavailable' }
      await expect(first.bundles.append({ ...bundle, sequence: 2 })).rejects.toMatchObject(stopped)
      await second.close()
      await expect(first.bundles.append({ ...bundle, sequence: 2 })).rejects.toMatchObject(stopped)
      expect(await query(place, 'select sequence::int from bundles')).toEqual([{ sequence: 1 }])
    })

    test('one that did not notice its loss finds out before it writes over a new connection', async () => {
      const place = await fresh()
      const relay = await proxied(place)
      const first = await opened(relay)
      relay.deafen()
      await endHolder(place)
      const second = await opened({ ...place, directory: emptyDirectory() })
      const write = () => first.bundles.append({ ...bundle, sequence: 1 })
      await expect(write()).rejects.toMatchObject({ code: 'storage.unreachable' })
      await expect(write()).rejects.toMatchObject({ code: 'storage.stopped' })
      expect(await second.bundles.last('a')).toBe(0)
    })

    test('a session of its own that the server still believes in does not keep it out', async () => {
      const place = await fresh()
      const relay = await proxied(place)
      const { bundles } = await opened(relay)
      relay.cut()
      await eventually(() => bundles.append({ ...bundle, sequence: 1 }))
      expect(await query(place, HOLDER)).toHaveLength(1)
    })

    test('a data directory belongs to one process too', async () => {
      const place = await fresh()
      await opened(place)
      const other = { ...(await fresh()), directory: place.directory }
      await expect(openStorage(other)).rejects.toMatchObject({ code: 'storage.locked' })
    })

    test('two schemas of one database are two deployments', async () => {
      const [one, two] = [await opened(await fresh()), await opened(await fresh())]
      await one.revocations.append(entry('h1'))
      expect(await two.revocations.after(0, 0)).toEqual([])
    })
  })

  describe('what cannot be opened says why, never with the password, and leaves nothing open', () => {
    const changed = (change: (url: URL) => void) => {
      const url = new URL(postgres ?? '')
      change(url)
      return url.href
    }
    test.each([
      ['no URL', () => 'hunter2', 'storage.database_url'],
      ['another kind of database', () => 'mysql://a:hunter2@127.0.0.1/b', 'storage.database_url'],
      ['no user', () => 'postgres://127.0.0.1/b', 'storage.database_url'],
      ['a broken password', () => 'postgres://a:hunter2%@127.0.0.1/b', 'storage.database_url'],
      [
        'a parameter nobody knows',
        () => changed((url) => url.searchParams.set('ssl', 'hunter2')),
        'storage.database_url',
      ],
      [
        'TLS that verifies nothing',
        () => changed((url) => url.searchParams.set('sslmode', 'no-verify')),
        'storage.database_url',
      ],
      [
        'an authority that is no file',
        () => changed((url) => (url.search = 'sslmode=verify-full&sslrootcert=/nowhere')),
        'storage.database_url',
      ],
      ['a wrong password', () => changed((url) => (url.password = 'hunter2')), 'storage.refused'],
      ['no such database', () => changed((url) => (url.pathname = '/nowhere')), 'storage.refused'],
      [
        'a server without TLS',
        () => changed((url) => (url.search = 'sslmode=verify-full')),
        'storage.untrusted',
      ],
      ['no server', () => changed((url) => (url.port = '1')), 'storage.unreachable'],
      [
        'no such schema',
        () => changed((url) => (url.search = 'options=-c search_path=nowhere')),
        'storage.rights',
      ],
      [
        'a schema of others',
        () => changed((url) => (url.search = 'options=-c search_path=pg_catalog')),
        'storage.rights',
      ],
    ])('%s', async (_, url, code) => {
      const directory = emptyDirectory()
      const failure: unknown = await openStorage({ directory, database: new Secret(url()) }).catch(
        (error: unknown) => error,
      )
      expect(failure).toMatchObject({ code })
      const { password } = new URL(postgres ?? '')
      const said = JSON.stringify(failure, ['message', 'detail', 'cause', 'stack', 'input'])
      expect(said).not.toContain('hunter2')
      expect(said).not.toContain(password)
      await opened({ directory })
    })
  })

  async function waiting(place: Place): Promise<boolean> {
    const waiters = `select 1 from pg_locks where locktype = 'advisory' and not granted
      and objid = (select oid from pg_namespace where nspname = current_schema())`
    return (await query(place, waiters)).length > 0
  }

  async function endHolder(place: Place): Promise<void> {
    await query(place, `select pg_terminate_backend(pid, 5000) from (${HOLDER}) holder`)
  }

  /** A way to the server that can fail to tell one end what happened at the other. */
  async function proxied(place: Required<Place>): Promise<Place & { deafen(): void; cut(): void }> {
    const upstreamPort = Number(new URL(postgres ?? '').port)
    const ways = new Set<{ readonly client: Socket; readonly upstream: Socket; deaf: boolean }>()
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ port: upstreamPort, host: '127.0.0.1', allowHalfOpen: true })
      const way = { client, upstream, deaf: false }
      ways.add(way)
      for (const end of [client, upstream]) end.on('error', () => undefined)
      client.pipe(upstream)
      upstream.pipe(client, { end: false })
      upstream.on('end', () => way.deaf || client.end())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      for (const { client, upstream } of ways) for (const end of [client, upstream]) end.destroy()
      server.close()
    })
    const url = new URL(place.database?.reveal() ?? '')
    url.port = String((server.address() as AddressInfo).port)
    return {
      directory: place.directory,
      database: new Secret(url.href),
      /** The client of today's connections does not learn that the server hung up. */
      deafen: () => {
        for (const way of ways) way.deaf = true
      },
      /** The server does not learn that the client is gone. */
      cut: () => {
        for (const { client } of ways) client.destroy()
      },
    }
  }
})

/** The session that holds the database, of this schema. */
const HOLDER = `
  select a.pid, a.application_name from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.classid = ${0x7e74_0001}
    and l.objid = (select oid from pg_namespace where nspname = current_schema())`

/** Asks again and again: each answer is a round trip, so nothing spins. */
async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done()));
}

/** What fails because a connection is down works once that has been noticed. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      expect(error).toMatchObject({ code: 'storage.unreachable' })
      await new Promise(setImmediate)
    }
  }
}
