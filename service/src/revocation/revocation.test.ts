import { ISSUED_BEFORE_MARGIN_MS } from '@tetrapod/protocol'
import { describe, expect, test } from 'vitest'
import { feedTable, idle, NOW, replicaAt, tokenOf } from './revocation.fixture.ts'

/** A token of 300 s, and the minute by which clocks may differ. */
const TOKEN_MS = 360_000
const ENTRY_MS = 600_000

test('what was revoked is known at once, by its kind and whole id alone', async () => {
  const { revocation } = await replicaAt(feedTable())
  await revocation.revoke('grant', 'g1')
  expect(revocation.revoked('grant', 'g1')).toBe(true)
  expect(revocation.revoked('family', 'g1')).toBe(false)
  expect(revocation.revoked('grant', 'g')).toBe(false)
  expect(revocation.revoked('grant', '')).toBe(false)
})

test('nothing is revoked before it is durable', async () => {
  const table = feedTable()
  const { revocation } = await replicaAt(table)
  table.down = new Error('disk full')
  await expect(revocation.revoke('grant', 'g1')).rejects.toThrow('disk full')
  expect(revocation.revoked('grant', 'g1')).toBe(false)
})

test('a restart remembers every revocation whose tokens could still be alive', async () => {
  const table = feedTable()
  const first = await replicaAt(table)
  await first.revocation.revoke('grant', 'g1')
  await first.revocation.revoke('user', 'u1')
  const { revocation } = await replicaAt(table)
  expect(revocation.revoked('grant', 'g1')).toBe(true)
  expect(revocation.ends(tokenOf({ delegation: { gid: 'g2', hop: 3, rem: 5, anc: ['f2'] } }))).toBe(true)
})

test('an entry of another transaction counts once it is learnt', async () => {
  const { revocation } = await replicaAt(feedTable())
  const entry = revocation.entry('grant', 'g1')
  expect(revocation.revoked('grant', 'g1')).toBe(false)
  revocation.learn(entry)
  expect(revocation.revoked('grant', 'g1')).toBe(true)
})

test('the feed holds no id, only its hash, and each entry as long as a token could live', async () => {
  const table = feedTable()
  await (await replicaAt(table)).revocation.revoke('grant', 'canary-grant')
  expect(JSON.stringify(table.entries)).not.toContain('canary')
  expect(table.entries[0]?.expiresAt).toBeGreaterThanOrEqual(NOW + TOKEN_MS)
})

describe('an entry is forgotten', () => {
  test('after its end, and never before it', async () => {
    const { revocation, ticker } = await replicaAt(feedTable())
    await revocation.revoke('grant', 'g1')
    await ticker.pass(TOKEN_MS)
    await revocation.revoke('grant', 'g2')
    expect(revocation.revoked('grant', 'g1')).toBe(true)
    await ticker.pass(ENTRY_MS - TOKEN_MS + 1000)
    await revocation.revoke('family', 'f3')
    expect(['g1', 'g2'].map((id) => revocation.revoked('grant', id))).toEqual([false, true])
  })

  test('by no clock that jumps: forth, to revoke something, and back again', async () => {
    const { revocation, clock } = await replicaAt(feedTable())
    await revocation.revoke('grant', 'g1')
    clock.time += 24 * 3600_000
    await revocation.revoke('grant', 'g2')
    await revocation.read()
    clock.time -= 24 * 3600_000
    expect(revocation.revoked('grant', 'g1')).toBe(true)
  })

  test('later when it is revoked again, and keeps nothing that came between', async () => {
    const { revocation, ticker } = await replicaAt(feedTable())
    await revocation.revoke('grant', 'g1')
    await revocation.revoke('grant', 'g2')
    await ticker.pass(500_000)
    await revocation.revoke('grant', 'g1')
    await ticker.pass(110_000)
    await revocation.revoke('grant', 'g3')
    expect(['g1', 'g2', 'g3'].map((id) => revocation.revoked('grant', id))).toEqual([true, false, true])
  })
})

describe('a token ends', () => {
  test.each([
    ['grant', 'g1'],
    ['family', 'f1'],
    ['session', 's1'],
    ['user', 'u1'],
    ['token', 'jti-3'],
    ['token', 'jti-1'],
    ['key', 'k1'],
    ['agent', 'planner'],
    ['server', 'crm'],
  ] as const)('with its %s %s, here and at the replica that reads it', async (kind, id) => {
    const table = feedTable()
    const [here, there] = [await replicaAt(table), await replicaAt(table)]
    await here.revocation.revoke(kind, `${id}x`)
    await there.revocation.read()
    expect([here, there].map(({ revocation }) => revocation.ends(tokenOf()))).toEqual([false, false])
    await here.revocation.revoke(kind, id)
    await there.revocation.read()
    expect([here, there].map(({ revocation }) => revocation.ends(tokenOf()))).toEqual([true, true])
  })

  test('with its user only if it is from before: who signs in anew is let in', async () => {
    const { revocation } = await replicaAt(feedTable())
    await revocation.revoke('user', 'u1')
    const issuedAt = (NOW + ISSUED_BEFORE_MARGIN_MS) / 1000
    expect(revocation.ends(tokenOf({ issuedAt }))).toBe(true)
    expect(revocation.ends(tokenOf({ issuedAt: issuedAt + 1 }))).toBe(false)
  })

  test('with the later of two entries, in whatever order they are heard', async () => {
    const { revocation, clock } = await replicaAt(feedTable())
    const early = revocation.entry('agent', 'planner')
    clock.time += 60_000
    const late = revocation.entry('agent', 'planner')
    revocation.learn(late)
    revocation.learn(early)
    expect(revocation.ends(tokenOf({ issuedAt: NOW / 1000 + 60 }))).toBe(true)
  })

  test('with nothing of a kind that is not known here, which is kept and told on', async () => {
    const table = feedTable()
    const { revocation } = await replicaAt(table)
    const entry = { ...revocation.entry('grant', 'g1'), kind: 'planet' }
    table.write(entry)
    expect((await revocation.read()).entries).toEqual([{ ...entry, sequence: 1 }])
    expect(revocation.ends(tokenOf())).toBe(false)
  })

  test('with no new version of its grant', async () => {
    const { revocation } = await replicaAt(feedTable())
    revocation.learn(revocation.entry('grant_version', 'g1'))
    expect([revocation.ends(tokenOf()), revocation.revoked('grant', 'g1')]).toEqual([false, false])
  })
})

describe('who watches a token', () => {
  const another = tokenOf({ account: 'u2', delegation: { gid: 'g2', hop: 3, rem: 5, anc: ['f2'] } })

  test('is told once, when it ends, and nobody else is', async () => {
    const { revocation } = await replicaAt(feedTable())
    const told: string[] = []
    revocation.watch(tokenOf(), (why) => told.push(`first ${why}`))
    revocation.watch(another, (why) => told.push(`second ${why}`))
    revocation.watch(tokenOf(), () => told.push('ended'))()
    await revocation.revoke('family', 'f1')
    await revocation.revoke('grant', 'g1')
    expect(told).toEqual(['first revoked'])
    await revocation.revoke('key', 'k1')
    expect(told).toEqual(['first revoked', 'second revoked'])
  })

  test('is told at once where it has ended', async () => {
    const { revocation } = await replicaAt(feedTable())
    await revocation.revoke('grant', 'g1')
    const told: string[] = []
    revocation.watch(tokenOf(), (why) => told.push(why))
    expect(told).toEqual(['revoked'])
  })

  test('is told of what another replica revoked, once it is read', async () => {
    const table = feedTable()
    const [here, there] = [await replicaAt(table), await replicaAt(table)]
    const told: string[] = []
    here.revocation.watch(tokenOf(), (why) => told.push(why))
    await there.revocation.revoke('session', 's1')
    expect(told).toEqual([])
    await here.ticker.pass(500)
    expect(told).toEqual(['revoked'])
  })

  test('is not told that its user was revoked before it was issued', async () => {
    const { revocation, clock } = await replicaAt(feedTable())
    const told: string[] = []
    revocation.watch(tokenOf({ issuedAt: NOW / 1000 + 100 }), (why) => told.push(why))
    await revocation.revoke('user', 'u1')
    expect(told).toEqual([])
    clock.time += 100_000
    await revocation.revoke('user', 'u1')
    expect(told).toEqual(['revoked'])
  })
})

describe('a replica reads', () => {
  test('every half second what another one revoked, and tells those who wait for news', async () => {
    const table = feedTable()
    const [here, there] = [await replicaAt(table), await replicaAt(table)]
    let news = 0
    here.revocation.onNews(() => news++)
    await there.revocation.revoke('grant', 'g1')
    await here.ticker.pass(499)
    expect([here.revocation.revoked('grant', 'g1'), news]).toEqual([false, 0])
    await here.ticker.pass(1)
    expect([here.revocation.revoked('grant', 'g1'), news]).toEqual([true, 1])
    await here.ticker.pass(5000)
    expect(news).toBe(1)
  })

  test('at once when it is woken, and again when it was woken while it read', async () => {
    const table = feedTable()
    let wake = () => {}
    const wakeUp = (heard: () => void) => {
      wake = heard
      return () => (wake = () => {})
    }
    const here = await replicaAt(table, { wakeUp })
    await idle()
    table.held = Promise.withResolvers()
    wake()
    await idle()
    table.write(here.revocation.entry('grant', 'g1'))
    wake()
    table.held.resolve()
    await idle()
    expect(here.revocation.revoked('grant', 'g1')).toBe(true)
  })

  test('no more once it is closed, and answers nothing soon after', async () => {
    const table = feedTable()
    const { revocation, ticker } = await replicaAt(table)
    revocation.close()
    await idle()
    const before = table.reads
    await ticker.pass(5001)
    expect([table.reads, revocation.current]).toEqual([before, false])
  })

  test('everything anew when the last entry it knows is gone: its caches forget, and what was revoked stays so', async () => {
    const table = feedTable()
    const { revocation, ticker } = await replicaAt(table)
    await revocation.revoke('grant', 'g1')
    await revocation.revoke('grant', 'g2')
    await ticker.pass(500)
    let missed = 0
    revocation.listen({ heard: () => {}, missed: () => missed++ })
    await ticker.pass(500)
    expect(missed).toBe(0)
    // A restored backup: it knows of the first alone, and goes on counting from there.
    table.restore(table.entries.slice(0, 1))
    table.write(revocation.entry('grant', 'g3'))
    await ticker.pass(500)
    expect(missed).toBe(1)
    expect(['g1', 'g2', 'g3'].map((id) => revocation.revoked('grant', id))).toEqual([true, true, true])
    expect(await revocation.read()).toMatchObject({ head: 2, edition: 1 })
  })

  test('everything anew when what it knew was swept meanwhile', async () => {
    const table = feedTable()
    const { revocation, ticker } = await replicaAt(table)
    await revocation.revoke('grant', 'g1')
    await ticker.pass(500)
    let missed = 0
    revocation.listen({ heard: () => {}, missed: () => missed++ })
    table.write(revocation.entry('grant', 'g2'))
    table.write(revocation.entry('grant', 'g3'))
    table.restore(table.entries.slice(2))
    await ticker.pass(500)
    expect([missed, revocation.revoked('grant', 'g3')]).toEqual([1, true])
  })
})

describe('a replica that could not read for five seconds', () => {
  const stale = { code: 'revocation.stale', kind: 'unavailable' }

  test('answers no question, until it reads again', async () => {
    const table = feedTable()
    const { revocation, ticker } = await replicaAt(table)
    await ticker.pass(500)
    table.down = new Error('no way there')
    await ticker.pass(5000)
    expect(revocation.current).toBe(true)
    revocation.check()
    await ticker.pass(1)
    expect(revocation.current).toBe(false)
    expect(() => revocation.check()).toThrow(expect.objectContaining(stale))
    expect(() => revocation.revoked('grant', 'g1')).toThrow(expect.objectContaining(stale))
    expect(() => revocation.ends(tokenOf())).toThrow(expect.objectContaining(stale))
    table.down = undefined
    await ticker.pass(500)
    expect([revocation.current, revocation.revoked('grant', 'g1')]).toEqual([true, false])
  })

  test('counts from when a reading began, not from when it was answered', async () => {
    const table = feedTable()
    const { revocation, ticker } = await replicaAt(table)
    table.held = Promise.withResolvers()
    await ticker.pass(500)
    await ticker.pass(4400)
    table.held.resolve()
    await ticker.pass(1)
    table.down = new Error('no way there')
    await ticker.pass(599)
    expect(revocation.current).toBe(true)
    await ticker.pass(1)
    expect(revocation.current).toBe(false)
  })

  test('is not made to think that it is current by a clock that is set back', async () => {
    const table = feedTable()
    const { revocation, ticker, clock } = await replicaAt(table)
    table.down = new Error('no way there')
    clock.time -= 3600_000
    await ticker.pass(5001)
    expect(revocation.current).toBe(false)
  })

  test('ends what it watched, and takes up no new watch', async () => {
    const table = feedTable()
    const { revocation, ticker } = await replicaAt(table)
    const told: string[] = []
    revocation.watch(tokenOf(), (why) => told.push(why))
    table.down = new Error('no way there')
    await ticker.pass(5001)
    revocation.watch(tokenOf(), (why) => told.push(`new ${why}`))
    expect(told).toEqual(['stale', 'new stale'])
  })

  test('says so once in the log, and once when it is over, each time', async () => {
    const table = feedTable()
    const lines: string[] = []
    const write = (level: string) => (members: object) => lines.push(`${level} ${JSON.stringify(members)}`)
    const log = { info: write('info'), warn: write('warn'), error: write('error') }
    const { ticker } = await replicaAt(table, { log })
    for (let time = 0; time < 2; time++) {
      table.down = new Error('no way there')
      await ticker.pass(30_000)
      table.down = undefined
      await ticker.pass(30_000)
    }
    const both = ['error {"code":"revocation.stale"}', 'info {"code":"revocation.stale"}']
    expect(lines).toEqual([...both, ...both])
  })

  test('can still revoke', async () => {
    const table = feedTable()
    const { revocation, ticker } = await replicaAt(table)
    const after = table.after
    table.after = () => Promise.reject(new Error('cannot be read'))
    await ticker.pass(5001)
    await revocation.revoke('grant', 'g1')
    table.after = after
    await ticker.pass(500)
    expect(revocation.revoked('grant', 'g1')).toBe(true)
  })
})
