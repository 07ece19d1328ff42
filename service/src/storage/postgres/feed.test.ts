import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '#kernel'
import { openRevocation, type RevocationStore, type Ticker, type WakeUp } from '#revocation'
import { privatePostgres } from '../../../../test/support/postgres.ts'
import { emptyDirectory, opened, type Place, postgres } from '../backends.fixture.ts'
import { appendRevocation, createRevocationStore } from '../revocation-store.ts'
import { connectionTo } from './connection.ts'
import { lock } from './locks.ts'
import { database, entry, fresh, query, until, waiting } from './postgres.fixture.ts'
import { createWakeUps } from './wake-up.ts'

/** A place whose tables are there, and that nobody holds. */
async function prepared(place?: Required<Place>): Promise<Required<Place>> {
  const at = place ?? (await fresh())
  await (await opened(at)).close()
  return at
}

/** What one replica has of a database: a pool and a listening session of its own. */
function replica(place: Required<Place>, name = 'test') {
  const db = database(place)
  const wakeUps = createWakeUps(connectionTo(place.database ?? new Secret(''), `${name} feed`))
  onTestFinished(() => wakeUps.close())
  return { db, store: createRevocationStore(db, lock), wakeUp: wakeUps.wakeUp }
}

/** Counts wake-ups, and waits for the next: its first is that it listens. */
async function listening(wakeUp: WakeUp) {
  let count = 0
  let next = Promise.withResolvers<void>()
  const end = wakeUp(() => {
    count++
    next.resolve()
    next = Promise.withResolvers()
  })
  if (count === 0) await next.promise
  return { end, next: () => next.promise, count: () => count }
}

/** Never wakes by itself: what is read is read because of a wake-up. */
const asleep: Ticker = {
  elapsed: () => 0,
  sleep: (_, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    }),
}

async function revocationOf(deps: {
  readonly store: RevocationStore
  readonly wakeUp?: WakeUp
  readonly ticker?: Ticker
}) {
  const revocation = await openRevocation({ clock: { now: Date.now }, ...deps })
  onTestFinished(() => revocation.close())
  return revocation
}

const known = (revocation: { revoked(kind: 'grant', id: string): boolean }, id: string) =>
  expect.poll(() => revocation.revoked('grant', id), { interval: 1, timeout: 5000 })

describe.runIf(postgres !== undefined)('the feed between two replicas on PostgreSQL', () => {
  test('who listens is woken with the commit of an entry, and not before', async () => {
    const place = await prepared()
    const [here, there] = [replica(place), replica(place)]
    const ear = await listening(there.wakeUp)
    const before = ear.count()
    const heard = ear.next()
    await here.db.transaction().execute(async (transaction) => {
      await appendRevocation(transaction, lock, entry('h1'))
      // A notification that was sent would come before the answer to this.
      await there.store.after(0)
      expect(ear.count()).toBe(before)
    })
    await heard
    expect(await there.store.after(0)).toHaveLength(1)
  })

  test('an entry that is rolled back wakes nobody', async () => {
    const place = await prepared()
    const [here, there] = [replica(place), replica(place)]
    const ear = await listening(there.wakeUp)
    const before = ear.count()
    const failing = here.db.transaction().execute(async (transaction) => {
      await appendRevocation(transaction, lock, entry('h1'))
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    const heard = ear.next()
    await here.store.append(entry('h2'))
    await heard
    expect(ear.count()).toBe(before + 1)
  })

  test('a grant that is revoked, and one that has a new version, are told by the transaction that changes them', async () => {
    const place = await fresh()
    const storage = await opened(place)
    const ear = await listening(storage.wakeUp)
    const grant = { id: 'g1', version: 1, user: 'u1', agent: 'a', redirectUris: [], mounts: {} }
    const times = { createdAt: 1, expiresAt: 2, revokedAt: undefined }
    await storage.grants.insert({ ...grant, ...times })
    const changed = ear.next()
    await storage.grants.update({ ...grant, ...times, version: 2 }, entry('h1'))
    await changed
    const revoked = ear.next()
    await storage.grants.revoke('g1', 5, entry('h1'))
    await revoked
    ear.end()
  })

  test('what one replica revokes the other knows by the wake-up alone', async () => {
    const place = await prepared()
    const [here, there] = [replica(place), replica(place)]
    const ear = await listening(there.wakeUp)
    const [one, two] = [
      await revocationOf({ store: here.store, ticker: asleep }),
      await revocationOf({ store: there.store, wakeUp: there.wakeUp, ticker: asleep }),
    ]
    await one.revoke('grant', 'g1')
    await known(two, 'g1').toBe(true)
    ear.end()
  })

  test('and without any wake-up, by the half second', async () => {
    const place = await prepared()
    const [one, two] = [
      await revocationOf({ store: replica(place).store }),
      await revocationOf({ store: replica(place).store }),
    ]
    await one.revoke('grant', 'g1')
    await known(two, 'g1').toBe(true)
  })

  test('of two writers that commit in another order than they began, none is passed over', async () => {
    const place = await prepared()
    const [here, there] = [replica(place), replica(place)]
    const reader = await revocationOf({ store: there.store, ticker: asleep })
    const [one, two] = [reader.entry('grant', 'slow'), reader.entry('grant', 'quick')]
    const appended = Promise.withResolvers<void>()
    const commit = Promise.withResolvers<void>()
    const slow = here.db.transaction().execute(async (transaction) => {
      await appendRevocation(transaction, lock, one)
      appended.resolve()
      await commit.promise
    })
    await appended.promise
    let overtook = false
    const quick = here.store.append(two).then(() => (overtook = true))
    await until(async () => overtook || (await waiting(place)))
    await reader.read()
    commit.resolve()
    await Promise.all([slow, quick])
    await reader.read()
    expect(['slow', 'quick'].map((id) => reader.revoked('grant', id))).toEqual([true, true])
  })

  test('a listening session that dies comes back by itself, and wakes for what it missed', async () => {
    const place = await prepared()
    const [here, there] = [replica(place), replica(place, 'dying')]
    const ear = await listening(there.wakeUp)
    const sessions = `select pid from pg_stat_activity where application_name = 'dying feed'`
    const again = ear.next()
    await query(place, `select pg_terminate_backend(pid, 5000) from (${sessions}) s`)
    await here.store.append(entry('h1'))
    await again
    const heard = ear.next()
    await here.store.append(entry('h2'))
    await heard
    ear.end()
    await until(async () => (await query(place, sessions)).length === 0)
  })

  test('a reader whose connections die in the middle misses nothing', async () => {
    const place = await prepared()
    const here = replica(place)
    const reader = await revocationOf({ store: replica(place).store })
    for (const id of ['g1', 'g2', 'g3', 'g4', 'g5']) {
      await query(
        place,
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where application_name = 'test' and state = 'idle' and pid <> pg_backend_pid()`,
      )
      await until(() =>
        here.store.append(reader.entry('grant', id)).then(
          () => true,
          () => false,
        ),
      )
    }
    await known(reader, 'g5').toBe(true)
    expect(['g1', 'g2', 'g3', 'g4'].map((id) => reader.revoked('grant', id))).toEqual([
      true,
      true,
      true,
      true,
    ])
  })

  describe('over a restart of the server', () => {
    const server = privatePostgres()
    let url: string
    beforeAll(async () => {
      url = await server.start()
    })
    afterAll(() => server.remove())

    test('both go on, and the second knows what the first revoked before and after', async () => {
      const place = await prepared({ directory: emptyDirectory(), database: new Secret(url) })
      const [here, there] = [replica(place), replica(place)]
      const one = await revocationOf({ store: here.store })
      const two = await revocationOf({ store: there.store, wakeUp: there.wakeUp })
      await one.revoke('grant', 'before')
      await server.restart()
      await until(() =>
        one.revoke('grant', 'after').then(
          () => true,
          () => false,
        ),
      )
      await known(two, 'after').toBe(true)
      expect([two.revoked('grant', 'before'), two.current]).toEqual([true, true])
    })
  })
})
