import { describe, expect, test } from 'vitest'
import { call, opened, rest, START } from './audit.fixture.ts'
import { BEAT_MS, DEAD_MS } from './tenancy.ts'

const ok = { status: 'ok', milliseconds: 12 } as const
const unavailable = { code: 'audit.unavailable', kind: 'unavailable' }

/** A replica `r1` and one that joined it; time stands still but where a test lets it pass. */
async function two() {
  let now = START
  const clock = { now: () => now }
  const world = await opened({ time: clock })
  const other = await world.join()
  return {
    ...world,
    other,
    pass: (milliseconds: number) => (now += milliseconds),
    /** Lets time pass in which `watching` looks around as it does by itself. */
    async watch(milliseconds: number, ...watching: readonly { tick(): Promise<void> }[]) {
      for (let passed = 0; passed < milliseconds; passed += BEAT_MS) {
        now += BEAT_MS
        for (const { tick } of watching) await tick()
      }
      await rest()
    },
  }
}

describe('several replicas', () => {
  test('write logs of their own, each without a gap', async () => {
    const { audit, other, store } = await two()
    const refs = [await audit.decide(call()), await other.audit.decide(call()), await audit.decide(call())]
    const [, name] = [...store.states.keys()]
    expect(refs).toEqual(['r1-1', `${name}-1`, 'r1-2'])
    expect(store.records(name).map(({ record }) => record.replica)).toEqual([name])
  })

  test('are shown together, in the order of time, by each of them', async () => {
    const { audit, other, pass } = await two()
    for (const [n, writer] of [audit, other.audit, audit, other.audit].entries()) {
      writer.outcome(await writer.decide(call({ txn: `txn-${n}` })), ok)
      pass(5)
    }
    await audit.tail({ limit: 1 })
    for (const reader of [other.audit, audit]) {
      const lines = await reader.tail({ limit: 10 })
      expect(lines.map(({ txn, outcome }) => `${txn} ${outcome}`)).toEqual(
        [0, 1, 2, 3].map((n) => `txn-${n} ok`),
      )
    }
  })

  test('are paged back together without a line lost or repeated, though many are of one moment', async () => {
    const { audit, other, pass } = await two()
    const written: string[] = []
    for (let n = 0; n < 30; n += 1) {
      written.push(await (n % 3 === 0 ? other.audit : audit).decide(call()))
      if (n % 4 === 0) pass(1)
    }
    const seen: string[] = []
    for (let before: string | undefined; ;) {
      const lines = await audit.tail({ limit: 7, before })
      if (lines.length === 0) break
      seen.unshift(...lines.map(({ ref }) => ref))
      before = lines[0]?.ref
    }
    expect(seen).toHaveLength(30)
    expect(new Set(seen)).toEqual(new Set(written))
  })

  test('are paged back without a line lost though a clock was set back meanwhile', async () => {
    const { audit, other, pass } = await two()
    const written: string[] = []
    for (let n = 0; n < 12; n += 1) {
      written.push(await (n % 2 === 0 ? other.audit : audit).decide(call()))
      pass(n === 5 ? -60_000 : 10)
    }
    const seen: string[] = []
    for (let before: string | undefined; ;) {
      const lines = await audit.tail({ limit: 3, before })
      if (lines.length === 0) break
      seen.unshift(...lines.map(({ ref }) => ref))
      before = lines[0]?.ref
    }
    expect(seen.toSorted()).toEqual(written.toSorted())
  })

  test('a ref of a replica that never was is refused', async () => {
    const { audit } = await two()
    await expect(audit.tail({ limit: 1, before: 'r9-1' })).rejects.toMatchObject({
      code: 'audit.ref_unknown',
    })
  })
})

describe('a replica that ended without a word', () => {
  test('has its open decisions ended with `unknown` by another, once', async () => {
    const { audit, other, store, join, watch } = await two()
    audit.outcome(await audit.decide(call()), ok)
    await audit.decide(call())
    const third = await join()
    await watch(DEAD_MS + BEAT_MS, other, third)
    expect(store.records().map(({ record }) => record)).toMatchObject([
      { kind: 'decision' },
      { kind: 'outcome', decision: 1, status: 'ok' },
      { kind: 'decision' },
      { kind: 'outcome', decision: 3, status: 'unknown' },
    ])
  })

  test('is not taken to have ended before its time', async () => {
    const { audit, other, store, watch } = await two()
    await audit.decide(call())
    await watch(DEAD_MS, other)
    expect(store.records()).toHaveLength(1)
    await audit.decide(call())
  })

  test('is told from one that lives: its signs of life keep its log', async () => {
    const { other, join, watch } = await two()
    const third = await join()
    const ref = await third.audit.decide(call())
    await watch(3 * DEAD_MS, other, third)
    third.audit.outcome(ref, ok)
    expect((await third.audit.tail({ limit: 1 }))[0]).toMatchObject({ ref, outcome: 'ok' })
  })

  test('is not assumed from a time in which nobody reached the database', async () => {
    const { audit, other, store, watch, pass } = await two()
    await audit.decide(call())
    await watch(BEAT_MS, other)
    store.trouble = 'refuses'
    await watch(2 * DEAD_MS, other)
    store.trouble = 'none'
    pass(BEAT_MS)
    await other.tick()
    await rest()
    expect(store.records()).toHaveLength(1)
    await audit.decide(call())
  })

  test('leaves a log that is finished and that the next start goes on with', async () => {
    const { audit, other, join, watch } = await two()
    await audit.decide(call())
    await watch(DEAD_MS + BEAT_MS, other)
    const third = await join()
    expect(await third.audit.decide(call())).toBe('r1-3')
  })

  test('whose log is damaged is reported, and does not keep the others from theirs', async () => {
    const { audit, other, store, logged, join, watch } = await two()
    await audit.decide(call())
    const bundle = store.rows.get('r1/1')
    if (bundle !== undefined) store.rows.set('r1/1', { ...bundle, body: new Uint8Array(3) })
    await watch(DEAD_MS + BEAT_MS, other)
    expect(logged.join()).toContain('audit.takeover_failed')
    await other.audit.decide(call())
    await (await join()).audit.decide(call())
  })
})

describe('a replica whose log was taken from it', () => {
  async function taken() {
    const world = await two()
    const slow = await world.join()
    const ref = await slow.audit.decide(call())
    await world.watch(DEAD_MS + BEAT_MS, world.other)
    return { ...world, slow, ref, name: ref.split('-')[0] ?? '' }
  }

  test('never writes into it again, refuses, and says that it is not ready', async () => {
    const { slow, store, name } = await taken()
    const before = store.records(name).length
    await expect(slow.audit.decide(call())).rejects.toMatchObject(unavailable)
    await expect(slow.audit.decide(call())).rejects.toMatchObject(unavailable)
    expect(await slow.audit.ready()).toBe(false)
    expect(store.records(name)).toHaveLength(before)
  })

  test('takes another and goes on by itself; what it had begun stays `unknown`', async () => {
    const { slow, ref, name, logged } = await taken()
    await slow.tick()
    slow.audit.outcome(ref, ok)
    expect(await slow.audit.ready()).toBe(true)
    const next = await slow.audit.decide(call())
    expect(next).not.toMatch(new RegExp(`^${name}-[12]$`))
    const lines = await slow.audit.tail({ limit: 10 })
    expect(lines.find((line) => line.ref === ref)).toMatchObject({ outcome: 'unknown' })
    expect(logged.join()).toContain('audit.lease_lost')
  })

  test('refuses while there is no other to be had, and tries again', async () => {
    const { slow, store } = await taken()
    const { list } = store.leases
    store.leases.list = () => Promise.reject(new Error('connection lost'))
    await slow.tick()
    await expect(slow.audit.decide(call())).rejects.toMatchObject(unavailable)
    expect(await slow.audit.ready()).toBe(false)
    store.leases.list = list
    expect(await slow.audit.ready()).toBe(true)
    await slow.audit.decide(call())
  })
})

describe('a replica that stops', () => {
  test('leaves its log to the next start at once', async () => {
    const { other, join } = await two()
    const ref = await other.audit.decide(call())
    other.audit.outcome(ref, ok)
    await other.audit.close()
    const next = await (await join()).audit.decide(call())
    expect(next).toBe(ref.replace(/-1$/, '-3'))
  })

  test('with a call whose outcome never came leaves it to be found', async () => {
    const { audit, other, store, watch, join } = await two()
    await audit.close()
    const ref = await other.audit.decide(call())
    await other.audit.close()
    const third = await join()
    expect(await third.audit.decide(call())).toMatch(/^r1-/)
    await watch(DEAD_MS + BEAT_MS, third)
    const name = ref.split('-')[0] ?? ''
    expect(store.records(name).map(({ record }) => record.kind)).toEqual(['decision', 'outcome'])
  })
})
