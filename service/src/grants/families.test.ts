import { describe, expect, test } from 'vitest'
import { openRevocation } from '#revocation'
import { createFamilies, type Family, type FamilyStore, type Grant } from './index.ts'

const NOW = 1_800_000_000_000
const login = { grant: 'g1', session: 's1', user: 'u1', agent: 'planner', server: 'crm' }

describe('a login of an agent', () => {
  test('lives from its beginning on, and has an id of its own', async () => {
    const { families } = await setUp()
    const [one, two] = [await families.begin(login), await families.begin(login)]
    expect(one).toMatchObject({ ...login, beganAt: NOW, usedAt: NOW, endedAt: undefined })
    expect(one.id).not.toBe(two.id)
    expect(await families.live(one.id)).toEqual(one)
    expect(await families.live('another')).toBeUndefined()
  })

  test('ends for good, after the feed has forgotten it too, and another one goes on', async () => {
    const { families, revocation, time } = await setUp()
    const [one, two] = [await families.begin(login), await families.begin(login)]
    expect(await families.end(one.id)).toBe(true)
    expect(revocation.revoked('family', one.id)).toBe(true)
    expect(await families.live(one.id)).toBeUndefined()
    time.elapsed += 24 * 3600_000
    await revocation.read()
    await revocation.revoke('family', 'whoever')
    expect(revocation.revoked('family', one.id)).toBe(false)
    expect(await families.live(one.id)).toBeUndefined()
    expect(await families.live(two.id)).toEqual(two)
  })

  test('that another process ended is over here as soon as the feed says so', async () => {
    const { families, revocation } = await setUp()
    const one = await families.begin(login)
    revocation.learn(revocation.entry('family', one.id))
    expect(await families.live(one.id)).toBeUndefined()
  })

  test('is ended once: the second time there is nothing to end', async () => {
    const { families, revocation } = await setUp()
    const { id } = await families.begin(login)
    expect([await families.end(id), await families.end(id), await families.end('another')]).toEqual([
      true,
      false,
      false,
    ])
    expect(revocation.revoked('family', 'another')).toBe(false)
  })

  test('that begins under a grant that is dead by then is dead too', async () => {
    const { families, dead } = await setUp()
    dead.add('g1')
    const { id, beganAt } = await families.begin(login)
    expect(beganAt).toBe(NOW)
    expect(await families.live(id)).toBeUndefined()
  })

  test('that begins after its session was signed out does not go on', async () => {
    const { families, gone, rows } = await setUp()
    gone.add('s1')
    await expect(families.begin(login)).rejects.toMatchObject({
      code: 'grants.signed_out',
      kind: 'unauthenticated',
    })
    expect(rows.size).toBe(0)
    expect((await families.begin({ ...login, session: 's2' })).endedAt).toBeUndefined()
  })

  test('does not outlive its grant', async () => {
    const { families, dead } = await setUp()
    const { id } = await families.begin(login)
    dead.add('g1')
    expect(await families.live(id)).toBeUndefined()
  })

  test('does not come back with the next consent, when the one that it was under had ended', async () => {
    const { families, part, clock } = await setUp()
    const { id } = await families.begin(login)
    clock.at += 1000
    part.since = clock.at
    expect(await families.live(id)).toBeUndefined()
    const next = await families.begin(login)
    expect(await families.live(next.id)).toEqual(next)
  })

  test('lives where the clock of the replica that took the consent is ahead', async () => {
    const { families, part } = await setUp()
    part.since = NOW + 2000
    const { id, beganAt } = await families.begin(login)
    expect(beganAt).toBe(NOW + 2000)
    expect(await families.live(id)).toBeDefined()
  })

  test('says when it was last used', async () => {
    const { families, clock } = await setUp()
    const { id } = await families.begin(login)
    clock.at += 5000
    await families.used(id)
    expect(await families.lastUses('u1')).toEqual(new Map([['g1', NOW + 5000]]))
    expect(await families.lastUses('u2')).toEqual(new Map())
  })
})

async function setUp() {
  const rows = new Map<string, Family>()
  const change = (id: string, members: Partial<Family>) => {
    const row = rows.get(id)
    if (row === undefined || row.endedAt !== undefined) return false
    rows.set(id, { ...row, ...members })
    return true
  }
  const gone = new Set<string>()
  const store: FamilyStore = {
    insert: async (family) => !gone.has(family.session) && rows.set(family.id, family).size > 0,
    find: async (id) => rows.get(id),
    lastUses: async (user) =>
      new Map([...rows.values()].filter((row) => row.user === user).map((row) => [row.grant, row.usedAt])),
    touch: async (id, at) => void change(id, { usedAt: at }),
    end: async (id, at) => change(id, { endedAt: at }),
    sweep: async () => {},
  }
  const clock = { at: NOW, now: () => clock.at }
  const feed = { append: async () => 1, after: async () => [], sweep: async () => {} }
  const time = { elapsed: 0 }
  const ticker = { elapsed: () => time.elapsed, sleep: () => new Promise<void>(() => {}) }
  const revocation = await openRevocation({ store: feed, clock, ticker })
  const dead = new Set<string>()
  const part = { since: 0 }
  const grants = {
    live: async (id: string) =>
      dead.has(id) ? undefined : ({ id, mounts: { crm: part } } as unknown as Grant),
  }
  return {
    families: createFamilies({ store, grants, revocation, clock }),
    revocation,
    clock,
    time,
    dead,
    gone,
    part,
    rows,
  }
}
