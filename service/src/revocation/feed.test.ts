import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFeed } from './index.ts'
import { feedTable, NOW, replicaAt } from './revocation.fixture.ts'

const ENTRY_MS = 600_000

/** A wait that the test ends when it wants to. */
const wait = () => new AbortController()
const atOnce = AbortSignal.abort()

test('a reader without a place is told everything that still counts, in order, and nothing that does not', async () => {
  const { revocation, feed, ticker } = await setUp()
  await revocation.revoke('grant', 'old')
  await ticker.pass(ENTRY_MS + 500)
  await revocation.revoke('family', 'f1')
  await revocation.revoke('grant', 'g1')
  const page = await feed.read({ reader: 'crm', after: 0, until: atOnce })
  expect(page.entries.map(({ sequence, kind }) => [sequence, kind])).toEqual([
    [2, 'family'],
    [3, 'grant'],
  ])
  expect(page).toMatchObject({ sequence: 3, more: false, reset: false })
})

test('a reader that waits is answered as soon as something is revoked', async () => {
  const { revocation, feed } = await setUp()
  await revocation.revoke('grant', 'g1')
  const answer = feed.read({ reader: 'crm', after: 1, until: wait().signal })
  await revocation.revoke('grant', 'g2')
  expect(await answer).toMatchObject({ sequence: 2, entries: [{ sequence: 2 }] })
})

test('what is revoked while the store is being read is not missed', async () => {
  const { revocation, feed, store } = await setUp()
  store.held = Promise.withResolvers()
  const answer = feed.read({ reader: 'crm', after: 0, until: wait().signal })
  await revocation.revoke('grant', 'g1')
  store.held.resolve()
  expect(await answer).toMatchObject({ sequence: 1, entries: [{ sequence: 1 }] })
})

test('a wait that ends without news ends with the reader’s own place', async () => {
  const { revocation, feed } = await setUp()
  await revocation.revoke('grant', 'g1')
  const over = wait()
  const answer = feed.read({ reader: 'crm', after: 1, until: over.signal })
  over.abort()
  expect(await answer).toEqual({ sequence: 1, entries: [], more: false, reset: false })
})

test('what another process wrote is told to who asks', async () => {
  const { feed, store } = await setUp()
  store.write({ kind: 'grant', idHash: 'h', at: NOW, expiresAt: NOW + ENTRY_MS })
  expect(await feed.read({ reader: 'crm', after: 0, until: atOnce })).toMatchObject({ sequence: 1 })
})

test.each([
  ['ahead of ours, as after a restored backup', 99],
  ['before what is kept', 1],
])('a place %s begins the whole live set anew', async (_, after) => {
  const { revocation, feed, ticker } = await setUp()
  await revocation.revoke('grant', 'g1')
  await revocation.revoke('grant', 'g2')
  await ticker.pass(ENTRY_MS + 500)
  await revocation.revoke('grant', 'g3')
  await revocation.revoke('grant', 'g4')
  expect(await feed.read({ reader: 'crm', after, until: wait().signal })).toMatchObject({
    reset: true,
    sequence: 4,
    entries: [{ sequence: 3 }, { sequence: 4 }],
  })
})

test('a place that a restart does not know of any more is no place to wait at', async () => {
  const { feed } = await setUp()
  const page = await feed.read({ reader: 'crm', after: 57, until: wait().signal })
  expect(page).toEqual({ sequence: 0, entries: [], more: false, reset: true })
})

test('who waits at a place that a restored database gives anew is told the whole live set', async () => {
  const { revocation, feed, store, ticker } = await setUp()
  for (const id of ['g1', 'g2', 'g3']) await revocation.revoke('grant', id)
  const answer = feed.read({ reader: 'crm', after: 3, until: wait().signal })
  await settled(feed)
  store.restore(store.entries.slice(0, 1))
  for (const id of ['g4', 'g5', 'g6']) store.write(revocation.entry('grant', id))
  await ticker.pass(500)
  expect(await answer).toMatchObject({
    reset: true,
    sequence: 4,
    entries: [{ sequence: 1 }, { sequence: 2 }, { sequence: 3 }, { sequence: 4 }],
  })
})

test('who waits at one replica is told what another one revokes', async () => {
  const { revocation, feed, store, ticker } = await setUp()
  await revocation.revoke('grant', 'g1')
  const answer = feed.read({ reader: 'crm', after: 1, until: wait().signal })
  await settled(feed)
  await (await replicaAt(store)).revocation.revoke('grant', 'g2')
  await ticker.pass(500)
  expect(await answer).toMatchObject({ sequence: 2, entries: [{ sequence: 2 }], reset: false })
})

test('however much there is and however it is paged, a reader that follows its places misses nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 900 }), fc.nat({ max: 900 }), async (count, after) => {
      const { feed, store } = await setUp()
      for (let n = 0; n < count; n++) {
        store.write({ kind: 'grant', idHash: `h${n}`, at: NOW, expiresAt: NOW + ENTRY_MS })
      }
      const seen: number[] = []
      let place = Math.min(after, count)
      for (let more = true; more;) {
        const page = await feed.read({ reader: 'crm', after: place, until: atOnce })
        expect(page.entries.length).toBeLessThanOrEqual(256)
        seen.push(...page.entries.map(({ sequence }) => sequence))
        ;({ more, sequence: place } = page)
      }
      const from = Math.min(after, count)
      expect(seen).toEqual(Array.from({ length: count - from }, (_, n) => from + n + 1))
    }),
    { numRuns: 25 },
  )
})

test('one reader cannot take the waiting places of another', async () => {
  const { revocation, feed } = await setUp({ waitingMax: 10, waitingPerReaderMax: 2 })
  const greedy = Array.from({ length: 50 }, () =>
    feed.read({ reader: 'greedy', after: 0, until: wait().signal }),
  )
  // Two wait; the others are told at once that there is nothing.
  const early = await Promise.all(greedy.slice(2))
  expect(early.every(({ entries }) => entries.length === 0)).toBe(true)
  const honest = feed.read({ reader: 'crm', after: 0, until: wait().signal })
  expect(await Promise.race([honest, settled(feed)])).toBe('waits')
  await revocation.revoke('grant', 'g1')
  expect((await honest).entries).toHaveLength(1)
  expect((await Promise.all(greedy.slice(0, 2))).map(({ entries }) => entries.length)).toEqual([1, 1])
})

test('when too many wait in all, the next are answered at once, and their places are free again afterwards', async () => {
  const { revocation, feed } = await setUp({ waitingMax: 2, waitingPerReaderMax: 2 })
  const waiting = ['a', 'b'].map((reader) => feed.read({ reader, after: 0, until: wait().signal }))
  expect((await feed.read({ reader: 'c', after: 0, until: wait().signal })).entries).toEqual([])
  await revocation.revoke('grant', 'g1')
  await Promise.all(waiting)
  const again = feed.read({ reader: 'c', after: 1, until: wait().signal })
  expect(await Promise.race([again, settled(feed)])).toBe('waits')
})

test('a store that cannot be read is told, to who asks and to who waits, never taken for no news', async () => {
  const { revocation, feed, store } = await setUp()
  const answer = feed.read({ reader: 'crm', after: 0, until: wait().signal })
  await settled(feed)
  const entry = revocation.entry('grant', 'g1')
  store.down = new Error('disk full')
  revocation.learn(entry)
  await expect(answer).rejects.toThrow('disk full')
  await expect(feed.read({ reader: 'crm', after: 0, until: atOnce })).rejects.toThrow('disk full')
})

test('closing answers who waits, and nobody waits afterwards', async () => {
  const { feed } = await setUp()
  const answer = feed.read({ reader: 'crm', after: 0, until: wait().signal })
  feed.close()
  expect((await answer).entries).toEqual([])
  expect((await feed.read({ reader: 'crm', after: 0, until: wait().signal })).entries).toEqual([])
})

test('a thousand that wait cost two reads of the store, not a thousand', async () => {
  const { revocation, feed, store } = await setUp({ waitingMax: 2000, waitingPerReaderMax: 2000 })
  const waiting = Array.from({ length: 1000 }, () =>
    feed.read({ reader: 'crm', after: 0, until: wait().signal }),
  )
  await settled(feed)
  const before = store.reads
  await revocation.revoke('grant', 'g1')
  await Promise.all(waiting)
  expect(store.reads - before).toBeLessThanOrEqual(2)
})

/** Resolves when everything that was asked before waits or has been answered: another question was. */
async function settled(feed: Awaited<ReturnType<typeof setUp>>['feed']): Promise<'waits'> {
  await feed.read({ reader: 'nobody', after: 0, until: atOnce })
  await feed.read({ reader: 'nobody', after: 0, until: atOnce })
  return 'waits'
}

async function setUp(limits: { waitingMax?: number; waitingPerReaderMax?: number } = {}) {
  const store = feedTable()
  const { revocation, ticker } = await replicaAt(store)
  return { revocation, store, ticker, feed: createFeed({ revocation, ...limits }) }
}
