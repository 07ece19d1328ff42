import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  openRevocation,
  type PlacedEntry,
  type Revocation,
  type RevocationEntry,
  revocationFault,
} from '#revocation'
import { type Consent, createGrants, type Grant, type GrantStore } from './index.ts'

const NOW = 1_800_000_000_000
const DAYS_30 = 30 * 24 * 3600_000
const recorded = async () => () => {}
const consent: Consent = {
  user: 'u1',
  agent: 'planner',
  redirectUri: 'https://planner.example/cb',
  server: 'crm',
  scopes: ['crm.read'],
  calls: { payroll: { 'crm.read': ['payroll.read'] } },
  delegates: { planner: ['researcher'] },
}

describe('a consent', () => {
  test('is a grant for thirty days, as it was shown', async () => {
    const { grants } = await setUp()
    const grant = await grants.give(consent, recorded)
    expect(grant).toMatchObject({
      version: 1,
      user: 'u1',
      agent: 'planner',
      createdAt: NOW,
      expiresAt: NOW + DAYS_30,
    })
    const { scopes, calls, delegates } = consent
    expect(grant.mounts).toEqual({ crm: { scopes, calls, delegates, since: NOW, expiresAt: NOW + DAYS_30 } })
    expect(grant.redirectUris).toEqual([consent.redirectUri])
    expect(await grants.live(grant.id)).toEqual(grant)
    expect(await grants.liveFor('u1', 'planner')).toEqual(grant)
  })

  test('that is wider is the next version, and keeps what was granted', async () => {
    const { grants } = await setUp()
    const first = await grants.give(consent, recorded)
    const more = {
      scopes: ['crm.write'],
      calls: { payroll: { 'crm.write': ['payroll.pay'] }, ledger: { 'crm.write': ['book'] } },
    }
    const second = await grants.give({ ...consent, ...more }, recorded)
    const third = await grants.give(
      { ...consent, server: 'notes', scopes: ['notes.read'], calls: {}, delegates: {} },
      recorded,
    )
    expect([second.id, third.id, second.version, third.version]).toEqual([first.id, first.id, 2, 3])
    expect(third.mounts).toEqual({
      crm: {
        scopes: ['crm.read', 'crm.write'],
        calls: {
          payroll: { 'crm.read': ['payroll.read'], 'crm.write': ['payroll.pay'] },
          ledger: { 'crm.write': ['book'] },
        },
        delegates: consent.delegates,
        since: NOW,
        expiresAt: NOW + DAYS_30,
      },
      notes: { scopes: ['notes.read'], calls: {}, delegates: {}, since: NOW, expiresAt: NOW + DAYS_30 },
    })
    expect(await grants.live(first.id)).toEqual(third)
  })

  test('from another port of the same program of this machine adds no address', async () => {
    const { grants } = await setUp()
    await grants.give({ ...consent, redirectUri: 'http://127.0.0.1:4000/cb' }, recorded)
    const { redirectUris } = await grants.give(
      { ...consent, redirectUri: 'http://127.0.0.1:4001/cb' },
      recorded,
    )
    expect(redirectUris).toEqual(['http://127.0.0.1:4000/cb'])
  })

  test('with another redirect URI adds it, and each one once', async () => {
    const { grants } = await setUp()
    const other = 'https://planner.example/other'
    await grants.give(consent, recorded)
    await grants.give({ ...consent, redirectUri: other }, recorded)
    const { redirectUris } = await grants.give(consent, recorded)
    expect(redirectUris).toEqual([consent.redirectUri, other])
  })

  test('given again and again holds exactly what was ever shown, whatever it is called', async () => {
    const name = fc.constantFrom('crm', 'constructor', '__proto__', 'a')
    const names = fc.uniqueArray(name, { maxLength: 3 })
    const shown = fc.record({
      server: name,
      scopes: names,
      calls: fc.dictionary(name, fc.dictionary(name, names)),
    })
    const unmeant = { delegates: {}, since: 0, expiresAt: 0 }
    const property = fc.asyncProperty(fc.array(shown, { minLength: 1, maxLength: 4 }), async (consents) => {
      const { grants } = await setUp()
      let last: Grant | undefined
      for (const each of consents) last = await grants.give({ ...consent, ...each }, recorded)
      expect(factsOf(last?.mounts ?? {})).toEqual(
        new Set(consents.flatMap((it) => [...factsOf({ [it.server]: { ...it, ...unmeant } })])),
      )
    })
    await fc.assert(property, { numRuns: 60 })
  })

  test('after the old one expired gets nothing of it', async () => {
    const { grants, clock } = await setUp()
    const first = await grants.give(consent, recorded)
    clock.time += DAYS_30
    const redirectUri = 'https://planner.example/other'
    const second = await grants.give(
      { ...consent, redirectUri, server: 'notes', scopes: ['notes.read'], calls: {} },
      recorded,
    )
    const { delegates } = consent
    expect(second.mounts).toEqual({
      notes: {
        scopes: ['notes.read'],
        calls: {},
        delegates,
        since: NOW + DAYS_30,
        expiresAt: NOW + 2 * DAYS_30,
      },
    })
    expect(second.redirectUris).toEqual([redirectUri])
    expect(second).toMatchObject({ id: first.id, version: 2, expiresAt: NOW + 2 * DAYS_30 })
  })

  test('holds what was left of what it showed: the rest is taken back where the grant had it, with its edges', async () => {
    const { grants } = await setUp()
    await grants.give({ ...consent, scopes: ['crm.read', 'crm.write', 'crm.list'] }, recorded)
    const { mounts } = await grants.give(
      { ...consent, scopes: ['crm.write'], refused: ['crm.read'], calls: {} },
      recorded,
    )
    expect(mounts['crm']).toMatchObject({
      scopes: ['crm.write', 'crm.list'],
      calls: { payroll: {} },
    })
  })

  test('lets an agent hand to those that were left of what it showed, at its server alone', async () => {
    const { grants } = await setUp()
    await grants.give({ ...consent, delegates: { planner: ['researcher', 'writer'] } }, recorded)
    await grants.give({ ...consent, server: 'notes', scopes: ['notes.read'] }, recorded)
    const narrower = await grants.give({ ...consent, delegates: { planner: ['writer'] } }, recorded)
    expect(narrower.mounts['crm']?.delegates).toEqual({ planner: ['writer'] })
    expect(narrower.mounts['notes']?.delegates).toEqual(consent.delegates)
    const { delegates: _, ...nobody } = consent
    const none = await grants.give(nobody, recorded)
    expect(none.mounts['crm']?.delegates).toEqual({})
  })

  test('lasts as long as was said, for its server alone, and thirty days at most', async () => {
    const { grants, clock } = await setUp()
    const { id } = await grants.give(consent, recorded)
    const notes = { ...consent, server: 'notes', scopes: ['notes.read'], calls: {}, lastsSeconds: 3600 }
    expect(await grants.give(notes, recorded)).toMatchObject({
      expiresAt: NOW + DAYS_30,
      mounts: { crm: { expiresAt: NOW + DAYS_30 }, notes: { expiresAt: NOW + 3600_000 } },
    })
    clock.time += 3600_000 - 1
    expect(Object.keys((await grants.live(id))?.mounts ?? {})).toEqual(['crm', 'notes'])
    clock.time += 1
    expect(Object.keys((await grants.live(id))?.mounts ?? {})).toEqual(['crm'])
    expect(Object.keys((await grants.liveFor('u1', 'planner'))?.mounts ?? {})).toEqual(['crm'])
    // What has ended gives nothing to the next version; the last word counts for its server, shorter or longer.
    const last = await grants.give({ ...consent, scopes: [], lastsSeconds: 60 }, recorded)
    expect(Object.keys(last.mounts)).toEqual(['crm'])
    expect(last.expiresAt).toBe(clock.time + 60_000)
    const longest = await grants.give({ ...consent, lastsSeconds: Number.MAX_SAFE_INTEGER }, recorded)
    expect(longest.expiresAt).toBe(clock.time + DAYS_30)
  })

  test('after a revocation is a new grant, with nothing of the old', async () => {
    const { grants } = await setUp()
    const first = await grants.give(consent, recorded)
    await grants.revoke(first.id)
    const second = await grants.give({ ...consent, scopes: ['crm.write'], calls: {} }, recorded)
    expect(second.id).not.toBe(first.id)
    expect(second).toMatchObject({ version: 1, mounts: { crm: { scopes: ['crm.write'], calls: {} } } })
    expect(await grants.live(first.id)).toBeUndefined()
  })

  test('that cannot be put on record gives nothing', async () => {
    const { grants, rows } = await setUp()
    const refuses = () => Promise.reject(new Error('audit is down'))
    await expect(grants.give(consent, refuses)).rejects.toThrow('audit is down')
    expect(rows.size).toBe(0)
    const first = await grants.give(consent, recorded)
    await expect(grants.give({ ...consent, scopes: ['crm.write'] }, refuses)).rejects.toThrow('audit is down')
    expect(await grants.live(first.id)).toEqual(first)
  })

  test('is on record as it will be, before it counts', async () => {
    const { grants, rows } = await setUp()
    const onRecord: Grant[] = []
    const given = await grants.give(consent, async (grant) => {
      expect(rows.size).toBe(0)
      onRecord.push(grant)
      return () => {}
    })
    expect(onRecord).toEqual([given])
  })

  test('at the same moment as another for this agent: one counts, the other is told to start again', async () => {
    const { grants, rows } = await setUp()
    const both = await Promise.allSettled([
      grants.give(consent, recorded),
      grants.give({ ...consent, server: 'notes' }, recorded),
    ])
    expect(rows.size).toBe(1)
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'grants.changed_meanwhile', kind: 'conflict' },
    })
  })

  test('that is wider, while the grant is revoked, does not bring it back', async () => {
    const { grants } = await setUp()
    const { id } = await grants.give(consent, recorded)
    const amended: string[] = []
    const revoking = async () => {
      await grants.revoke(id)
      return (...amendment: string[]) => void amended.push(amendment.join(' '))
    }
    await expect(grants.give({ ...consent, scopes: ['crm.write'] }, revoking)).rejects.toMatchObject({
      code: 'grants.changed_meanwhile',
    })
    expect(await grants.live(id)).toBeUndefined()
    expect(amended).toEqual(['failed grants.changed_meanwhile'])
  })

  test.each([
    [new Error('gone'), 'unknown internal'],
    [revocationFault.stale(), 'unknown revocation.stale'],
  ])('that may have been written all the same is unknown on record: %s', async (failure, said) => {
    const { store, revocation, clock } = await setUp()
    const grants = createGrants({
      store: { ...store, insert: () => Promise.reject(failure) },
      revocation,
      clock,
    })
    const amended: string[] = []
    const given = grants.give(
      consent,
      async () =>
        (...amendment) =>
          void amended.push(amendment.join(' ')),
    )
    await expect(given).rejects.toBe(failure)
    expect(amended).toEqual([said])
  })

  test('tells this process of another version at once, and of a first one nobody', async () => {
    const { grants, revocation } = await setUp()
    const heard: string[] = []
    revocation.listen({ heard: ({ kind }) => void heard.push(kind), missed() {} })
    await grants.give(consent, recorded)
    expect(heard).toEqual([])
    await grants.give({ ...consent, scopes: ['crm.write'] }, recorded)
    expect(heard).toEqual(['grant_version'])
  })
})

describe('a grant', () => {
  test('is listed to its user while it lives, and to operators for good', async () => {
    const { grants, clock } = await setUp()
    const short = await grants.give({ ...consent, agent: 'researcher', lastsSeconds: 1 }, recorded)
    const long = await grants.give(consent, recorded)
    const other = await grants.give({ ...consent, user: 'u2' }, recorded)
    expect(await grants.liveOf('u1')).toEqual([short, long])
    clock.time += 1000
    expect(await grants.liveOf('u1')).toEqual([long])
    expect(await grants.list()).toEqual([short, long, other])
  })

  test('that is revoked is in the feed of this process before it is read', async () => {
    const { grants, revocation } = await setUp()
    const { id } = await grants.give(consent, recorded)
    await grants.revoke(id)
    expect(revocation.revoked('grant', id)).toBe(true)
  })

  test('that is revoked and then nowhere is unknown', async () => {
    const { grants, store, revocation, clock } = await setUp()
    const { id } = await grants.give(consent, recorded)
    const forgetful = createGrants({ store: { ...store, find: async () => undefined }, revocation, clock })
    await expect(forgetful.revoke(id)).rejects.toMatchObject({ code: 'grants.unknown' })
  })

  test('is read once, whatever else is revoked', async () => {
    const { grants, store, revocation, clock } = await setUp()
    const given = await grants.give(consent, recorded)
    let reads = 0
    const find = (id: string) => (reads++, store.find(id))
    const counting = createGrants({ store: { ...store, find }, revocation, clock })
    expect(await counting.live(given.id)).toEqual(given)
    await revocation.revoke('family', given.id)
    expect(await counting.live(given.id)).toEqual(given)
    expect(reads).toBe(1)
  })
  test('is dead at once when it is revoked, here and after a restart', async () => {
    const { grants, reopen, rows } = await setUp()
    const { id } = await grants.give(consent, recorded)
    await grants.live(id)
    expect(await grants.revoke(id)).toMatchObject({ id, revokedAt: NOW })
    expect(await grants.live(id)).toBeUndefined()
    expect(await grants.liveFor('u1', 'planner')).toBeUndefined()
    expect(await (await reopen()).live(id)).toBeUndefined()
    expect(rows.size).toBe(1)
  })

  test('is dead at the moment it expires', async () => {
    const { grants, clock, reopen } = await setUp()
    const { id } = await grants.give(consent, recorded)
    clock.time = NOW + DAYS_30 - 1
    expect(await grants.live(id)).toBeDefined()
    clock.time = NOW + DAYS_30
    expect(await grants.live(id)).toBeUndefined()
    expect(await grants.liveFor('u1', 'planner')).toBeUndefined()
    expect(await (await reopen()).live(id)).toBeUndefined()
  })

  test('is revoked once: a second time, and one that never was, are unknown', async () => {
    const { grants } = await setUp()
    const { id } = await grants.give(consent, recorded)
    await grants.revoke(id)
    await expect(grants.revoke(id)).rejects.toMatchObject({ code: 'grants.unknown', kind: 'missing' })
    await expect(grants.revoke('nobody')).rejects.toMatchObject({ code: 'grants.unknown' })
  })

  test('of one agent is nothing to another agent or user', async () => {
    const { grants } = await setUp()
    await grants.give(consent, recorded)
    expect(await grants.liveFor('u1', 'researcher')).toBeUndefined()
    expect(await grants.liveFor('u2', 'planner')).toBeUndefined()
    expect(await grants.live('other')).toBeUndefined()
  })

  test('that was read before its revocation and arrives after it stays dead, also when the feed has forgotten it', async () => {
    const { grants, reopen, time, rows, holdReads } = await setUp()
    const { id } = await grants.give(consent, recorded)
    const later = await reopen()
    const release = holdReads()
    const slow = later.live(id)
    await later.revoke(id)
    release()
    expect(await slow).toBeUndefined()
    time.elapsed += 700_000
    await time.read()
    const other = await later.give({ ...consent, agent: 'researcher' }, recorded)
    await later.revoke(other.id)
    expect(rows.get(id)?.revokedAt).toBe(NOW)
    expect(await later.live(id)).toBeUndefined()
  })
})

describe('at another replica, which remembers it,', () => {
  test('a wider consent counts once the feed is read, and so does a narrower one', async () => {
    const { grants, reopen, rows, time } = await setUp()
    const first = await grants.give(consent, recorded)
    const other = await reopen()
    expect(await other.live(first.id)).toEqual(first)
    const wider = await grants.give({ ...consent, scopes: ['crm.write'] }, recorded)
    expect(await other.live(first.id)).toEqual(first)
    await time.read()
    expect(await other.live(first.id)).toEqual(wider)

    // An expired grant starts over: the next consent is all there is.
    rows.set(first.id, { ...wider, expiresAt: NOW })
    const only = { scopes: ['crm.write'], calls: {}, delegates: {} }
    const narrower = await grants.give({ ...consent, ...only }, recorded)
    expect(narrower.mounts).toEqual({ crm: { ...only, since: NOW, expiresAt: narrower.expiresAt } })
    await time.read()
    expect(await other.live(first.id)).toEqual(narrower)
  })

  test('it is dead where it was on its way when the feed told of its revocation', async () => {
    const { grants, reopen, holdReads, time } = await setUp()
    const { id } = await grants.give(consent, recorded)
    const elsewhere = await reopen()
    const release = holdReads()
    const slow = elsewhere.live(id)
    await grants.revoke(id)
    await time.read()
    release()
    expect(await slow).toBeUndefined()
  })

  test('what was on its way while it changed is not remembered', async () => {
    const { grants, reopen, holdReads, time } = await setUp()
    const first = await grants.give(consent, recorded)
    const other = await reopen()
    const release = holdReads()
    const slow = other.live(first.id)
    const wider = await grants.give({ ...consent, scopes: ['crm.write'] }, recorded)
    await time.read()
    release()
    expect(await slow).toEqual(first)
    expect(await other.live(first.id)).toEqual(wider)
  })

  test('what another replica wrote meanwhile counts, and not what this one wrote before', async () => {
    const { grants, reopen, store, time } = await setUp()
    const first = await grants.give(consent, recorded)
    const other = await reopen()
    const { update } = store
    // Written; and before this replica goes on, the other writes the next version, and is heard.
    const overtaken: GrantStore['update'] = async (grant, entry) => {
      Object.assign(store, { update })
      const written = await update(grant, entry)
      await other.give({ ...consent, scopes: ['crm.delete'] }, recorded)
      await time.read()
      return written
    }
    Object.assign(store, { update: overtaken })
    await grants.give({ ...consent, scopes: ['crm.write'] }, recorded)
    expect(await grants.live(first.id)).toMatchObject({ version: 3 })
    expect(await grants.live(first.id)).toEqual(await other.live(first.id))
  })

  test('it stays dead after its revocation, when the feed has forgotten that too', async () => {
    const { grants, reopen, feed, time } = await setUp()
    feed.write({ kind: 'grant', idHash: 'of another', at: NOW, expiresAt: NOW })
    const { id } = await grants.give(consent, recorded)
    const other = await reopen()
    await other.live(id)
    await grants.revoke(id)
    await time.read()
    expect(await other.live(id)).toBeUndefined()
    time.elapsed += 700_000
    await time.read()
    await grants.revoke((await grants.give({ ...consent, agent: 'researcher' }, recorded)).id)
    await time.read()
    expect(await other.live(id)).toBeUndefined()
  })

  test('it is read again after a pause in which entries were swept', async () => {
    const { grants, reopen, rows, feed, time } = await setUp()
    const first = await grants.give(consent, recorded)
    await grants.give({ ...consent, scopes: ['crm.write'] }, recorded)
    const other = await reopen()
    await other.live(first.id)
    await grants.give({ ...consent, scopes: ['crm.delete'] }, recorded)
    feed.write({ kind: 'grant', idHash: 'of another', at: NOW, expiresAt: NOW })
    feed.sweepAllButLast()
    await time.read()
    expect(await other.live(first.id)).toEqual(rows.get(first.id))
  })
})

/** Everything a grant says, one line each. */
function factsOf(mounts: Grant['mounts']): Set<string> {
  const facts = Object.entries(mounts).flatMap(([server, { scopes, calls }]) => [
    `at ${server}`,
    ...scopes.map((scope) => `${server} ${scope}`),
    ...Object.entries(calls).flatMap(([api, edges]) =>
      Object.entries(edges).flatMap(([from, reached]) =>
        reached.map((to) => `${server} ${api} ${from} ${to}`),
      ),
    ),
  ])
  return new Set(facts)
}

/** `reopen` is what a restart does; `holdReads` keeps the next read by id on its way until it is released. */
async function setUp() {
  const clock = { time: NOW, now: () => clock.time }
  const rows = new Map<string, Grant>()
  let held: Promise<void> | undefined
  const current = (user: string, agent: string) =>
    [...rows.values()].find((row) => row.user === user && row.agent === agent && row.revokedAt === undefined)
  const store: GrantStore = {
    find: async (id) => {
      const row = rows.get(id)
      const waiting = held
      held = undefined
      await waiting
      return row
    },
    current: async (user, agent) => current(user, agent),
    currentOf: async (user) =>
      [...rows.values()].filter((row) => row.user === user && row.revokedAt === undefined),
    list: async () => [...rows.values()],
    insert: async (grant) =>
      current(grant.user, grant.agent) === undefined && rows.set(grant.id, grant).size > 0,
    update: async (grant, entry) => {
      const row = rows.get(grant.id)
      if (row === undefined || row.revokedAt !== undefined || row.version !== grant.version - 1) return false
      rows.set(grant.id, grant)
      feed.write(entry)
      return true
    },
    revoke: async (id, at, entry) => {
      const row = rows.get(id)
      if (row === undefined || row.revokedAt !== undefined) return false
      rows.set(id, { ...row, version: row.version + 1, revokedAt: at })
      feed.write(entry)
      return true
    },
  }
  const feed = feedTable()
  const opened: Revocation[] = []
  const time = {
    elapsed: 0,
    /** Every replica reads the feed. */
    read: () => Promise.all(opened.map((revocation) => revocation.read())),
  }
  const ticker = { elapsed: () => time.elapsed, sleep: () => new Promise<void>(() => {}) }
  const reopen = async () => {
    const revocation = await openRevocation({ store: feed, clock, ticker })
    opened.push(revocation)
    return createGrants({ store, revocation, clock })
  }
  const holdReads = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    held = promise
    return resolve
  }
  const grants = await reopen()
  const [revocation] = opened
  if (revocation === undefined) throw new Error('nothing was opened')
  return { grants, reopen, store, revocation, clock, time, feed, rows, holdReads }
}

function feedTable() {
  let entries: readonly PlacedEntry[] = []
  let last = 0
  const write = (entry: RevocationEntry) => {
    entries = [...entries, { ...entry, sequence: ++last }]
    return last
  }
  return {
    write,
    append: async (entry: RevocationEntry) => write(entry),
    after: async (sequence: number) => entries.filter((entry) => entry.sequence > sequence),
    sweep: async () => {},
    sweepAllButLast: () => (entries = entries.slice(-1)),
  }
}
