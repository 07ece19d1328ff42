import { describe, expect, test } from 'vitest'
import type { Sealed } from '#vault'
import { ask } from '../../../../test/support/postgres.ts'
import { opened, postgres, winnersOfFifty } from '../backends.fixture.ts'
import { createBundleStore } from '../bundle-store.ts'
import { appendRevocation, createRevocationStore } from '../revocation-store.ts'
import { lock } from './locks.ts'
import { bundle, database, entry, fresh, query, until, waiting } from './postgres.fixture.ts'

/** Of a session that waits: for a row of a table in this schema. */
const OF_THIS_SCHEMA = `pid in (select l.pid from pg_locks l join pg_class c on c.oid = l.relation
  where c.relnamespace = (select oid from pg_namespace where nspname = current_schema()))`

describe.runIf(postgres !== undefined)('several connections to PostgreSQL', () => {
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
    const seen = await feed.after(0)
    commit.resolve()
    await Promise.all([slow, quick])
    const rest = await feed.after(seen.at(-1)?.sequence ?? 0)
    expect([...seen, ...rest].map(({ idHash }) => idHash)).toEqual(['slow', 'quick'])
  })

  test('a first signing key that another start is about to commit is waited for, not doubled', async () => {
    const place = await fresh()
    const { signingKeys } = await opened(place)
    const sealed = new Uint8Array(1) as Sealed
    const times = { signsAt: 1, revokedAt: undefined }
    const key = { kid: 'k1', createdAt: 1, algorithm: 'ES256' as const, ...times, sealed }
    let seen: number | undefined
    const second = await database(place)
      .transaction()
      .execute(async (transaction) => {
        await lock(transaction, 'signing-keys')
        await transaction
          .insertInto('signing_keys')
          .values({ kid: 'k0', created_at: 0, sealed, algorithm: 'ES256', signs_at: null, revoked_at: null })
          .execute()
        const asked = signingKeys.update((rows) => ((seen = rows.length), rows.length === 0 ? [key] : []))
        await until(async () => seen !== undefined || (await waiting(place)))
        return { asked }
      })
    expect((await second.asked).map(({ kid }) => kid)).toEqual(['k0'])
  })

  test('whoever takes a log waits for a bundle that is being written to it, and finds it', async () => {
    const place = await fresh()
    const { bundles, leases } = await opened(place)
    await leases.create('a')
    const [seen] = await leases.list()
    const db = database(place)
    const commit = Promise.withResolvers<void>()
    const appended = Promise.withResolvers<void>()
    const slow = db.transaction().execute(async (transaction) => {
      await createBundleStore(transaction, true).append({ ...bundle, sequence: 1 }, 1)
      appended.resolve()
      await commit.promise
    })
    await appended.promise
    let taken = false
    const taking = seen && leases.take(seen).finally(() => (taken = true))
    const blocked = `select 1 from pg_stat_activity where query like 'update "leases"%' and wait_event_type = 'Lock'
      and ${OF_THIS_SCHEMA}`
    await until(async () => taken || (await query(place, blocked)).length > 0)
    expect(taken).toBe(false)
    commit.resolve()
    await slow
    expect(await taking).toEqual({ replica: 'a', term: 2 })
    expect(await bundles.last('a')).toBe(1)
  })

  test('only what may be used once is committed without waiting for the disk', async () => {
    const place = await fresh()
    const { bundles, leases, replay } = await opened(place)
    await leases.create('a')
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
    await bundles.append({ ...bundle, sequence: 1 }, 1)
    await replay.use('jti 2', 1000, 900)
    expect(await query(place, 'select distinct of, setting from seen order by of')).toEqual([
      { of: 'bundles', setting: 'on' },
      { of: 'replays', setting: 'off' },
    ])
  })

  test('fifty calls at once share ten connections', async () => {
    const place = await fresh()
    const { secrets } = await opened(place)
    await query(place, 'alter table secrets add column pid int default pg_backend_pid()')
    await winnersOfFifty((n) => secrets.insert(`name ${n}`, new Uint8Array(1) as Sealed))
    const connections = 'select count(distinct pid)::int as n, count(*)::int as rows from secrets'
    expect(await query(place, connections)).toEqual([{ n: 10, rows: 50 }])
  })
})
