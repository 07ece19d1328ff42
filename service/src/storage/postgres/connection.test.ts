import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { Secret } from '#kernel'
import { emptyDirectory, opened, postgres } from '../backends.fixture.ts'
import { openStorage } from '../index.ts'
import { connectionTo } from './connection.ts'
import { database, fresh } from './postgres.fixture.ts'

test.each([
  ['localhost', '', false],
  ['127.0.0.1', '', false],
  ['[::1]', '', false],
  ['%2Fvar%2Frun', '', false],
  ['db.internal', 'sslmode=disable', false],
  ['db.internal', '', {}],
  ['127.evil.example', '', {}],
  ['10.0.0.1', '', {}],
  ['db.internal', 'sslmode=require', {}],
  ['db.internal', 'sslmode=verify-ca', {}],
  ['localhost', 'sslmode=verify-full', {}],
])('the way to %s with %s has TLS %s, and never one that verifies nothing', (host, search, tls) => {
  const { ssl } = connectionTo(new Secret(`postgres://a:b@${host}/c?${search}`), 'test')
  expect(ssl).toEqual(tls)
})

test('what stands in a URL is understood as it was meant, and only that is', () => {
  const url = 'postgresql://us%40er:p%3A%2F%25@db.internal:6432/na%20me?options=-c%20search_path%3Dx'
  expect(connectionTo(new Secret(url), 'tetrapod 1')).toMatchObject({
    host: 'db.internal',
    port: 6432,
    user: 'us@er',
    password: 'p:/%',
    database: 'na me',
    application_name: 'tetrapod 1',
    options: expect.stringMatching(/^-c search_path=x -c synchronous_commit=on /),
  })
})

describe.runIf(postgres !== undefined)('a connection to PostgreSQL', () => {
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
})
