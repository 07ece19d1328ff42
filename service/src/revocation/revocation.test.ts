import { expect, test } from 'vitest'
import { openRevocation, type RevocationEntry } from './index.ts'

const NOW = 1_800_000_000_000
/** A token of 300 s, and the minute by which clocks may differ. */
const TOKEN_MS = 360_000

test('what was revoked is known at once, by its kind and whole id alone', async () => {
  const { open } = setUp()
  const revocation = await open()
  await revocation.revoke('grant', 'g1')
  expect(revocation.revoked('grant', 'g1')).toBe(true)
  expect(revocation.revoked('family', 'g1')).toBe(false)
  expect(revocation.revoked('grant', 'g')).toBe(false)
  expect(revocation.revoked('grant', '')).toBe(false)
})

test('nothing is revoked before it is durable', async () => {
  const { open, feed } = setUp()
  const revocation = await open()
  feed.refuses = true
  await expect(revocation.revoke('grant', 'g1')).rejects.toThrow('disk full')
  expect(revocation.revoked('grant', 'g1')).toBe(false)
})

test('a restart remembers every revocation whose tokens could still be alive', async () => {
  const { open, clock } = setUp()
  const first = await open()
  await first.revoke('grant', 'g1')
  await first.revoke('family', 'f1')
  clock.time += TOKEN_MS
  const second = await open()
  expect(second.revoked('grant', 'g1')).toBe(true)
  expect(second.revoked('family', 'f1')).toBe(true)
})

test('an entry of another transaction counts once it is learnt', async () => {
  const revocation = await setUp().open()
  const entry = revocation.entry('grant', 'g1')
  expect(revocation.revoked('grant', 'g1')).toBe(false)
  revocation.learn(entry)
  expect(revocation.revoked('grant', 'g1')).toBe(true)
})

test('the feed holds no id, only its hash', async () => {
  const { open, feed } = setUp()
  await (await open()).revoke('grant', 'canary-grant')
  expect(JSON.stringify(feed.entries)).not.toContain('canary')
  expect(feed.entries[0]?.expiresAt).toBeGreaterThanOrEqual(NOW + TOKEN_MS)
})

test('entries are forgotten after their end, and never one before it', async () => {
  const { open, clock } = setUp()
  const revocation = await open()
  await revocation.revoke('grant', 'g1')
  clock.time += TOKEN_MS
  await revocation.revoke('grant', 'g2')
  expect(revocation.revoked('grant', 'g1')).toBe(true)
  clock.time = NOW + 600_001
  await revocation.revoke('grant', 'g3')
  expect(['g1', 'g2', 'g3'].map((id) => revocation.revoked('grant', id))).toEqual([false, true, true])
})

test('what is revoked again does not keep what came between', async () => {
  const { open, clock } = setUp()
  const revocation = await open()
  await revocation.revoke('grant', 'g1')
  await revocation.revoke('grant', 'g2')
  clock.time += 500_000
  await revocation.revoke('grant', 'g1')
  clock.time += 100_001
  await revocation.revoke('grant', 'g3')
  expect(['g1', 'g2', 'g3'].map((id) => revocation.revoked('grant', id))).toEqual([true, false, true])
})

test('what is revoked again lives as long as its latest entry', async () => {
  const { open, clock } = setUp()
  const revocation = await open()
  await revocation.revoke('grant', 'g1')
  clock.time += 500_000
  await revocation.revoke('grant', 'g1')
  clock.time += 200_000
  await revocation.revoke('grant', 'g2')
  expect(revocation.revoked('grant', 'g1')).toBe(true)
})

test('who watches is told once, when one of what it watches is revoked, and nobody else is', async () => {
  const revocation = await setUp().open()
  const told: string[] = []
  const watch = (name: string, grant: string, family: string) =>
    revocation.watch(
      [
        ['grant', grant],
        ['family', family],
      ],
      () => told.push(name),
    )
  watch('first', 'g1', 'f1')
  watch('second', 'g1', 'f2')
  watch('third', 'g2', 'g1')
  watch('ended', 'g1', 'f1')()
  await revocation.revoke('family', 'f1')
  expect(told).toEqual(['first'])
  await revocation.revoke('grant', 'g1')
  expect(told).toEqual(['first', 'second'])
})

test('who watches what is revoked already is told at once', async () => {
  const revocation = await setUp().open()
  await revocation.revoke('grant', 'g1')
  let told = 0
  revocation.watch([['grant', 'g1']], () => told++)
  expect(told).toBe(1)
})

test('what another process revoked is known, and stops who watches, once it is read', async () => {
  const { open, feed } = setUp()
  const [here, there] = [await open(), await open()]
  let told = 0
  here.watch([['grant', 'g1']], () => told++)
  await there.revoke('grant', 'g1')
  await here.read()
  expect([here.revoked('grant', 'g1'), told, feed.entries.length]).toEqual([true, 1, 1])
})

function setUp() {
  const clock = { time: NOW, now: () => clock.time }
  const feed = {
    entries: [] as RevocationEntry[],
    refuses: false,
    append: async (entry: RevocationEntry) => {
      if (feed.refuses) throw new Error('disk full')
      return feed.entries.push(entry)
    },
    sweep: async () => {},
    after: async (sequence: number, now: number) =>
      feed.entries
        .map((entry, at) => ({ ...entry, sequence: at + 1 }))
        .filter((entry) => entry.sequence > sequence && entry.expiresAt >= now),
  }
  return { clock, feed, open: () => openRevocation({ store: feed, clock }) }
}
