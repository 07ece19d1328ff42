import { ISSUED_BEFORE_MARGIN_MS } from '@tetrapod/protocol'
import { describe, expect, test } from 'vitest'
import { feedTable, NOW, replicaAt, tokenOf } from './revocation.fixture.ts'

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
  const another = tokenOf({ subject: 'u2', delegation: { gid: 'g2', hop: 3, rem: 5, anc: ['f2'] } })

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
