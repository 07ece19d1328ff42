import { describe, expect, test } from 'vitest'
import { BUNDLE_MAX, createJournal, RIDING_MAX, WAITING_MAX } from './journal.ts'
import { KEPT_BYTES_MAX } from './personal.ts'
import { call, clock, exchange, memoryStore, opened, rest } from './audit.fixture.ts'
import { openAudit } from './audit.ts'

const ok = { status: 'ok', milliseconds: 12 } as const
const user = { id: 'u1', username: 'alice' }
const signIn = { kind: 'sign_in', user, provider: 'demo', session: 's', acr: 'pwd' } as const
const revocation = { kind: 'grant_revoked', user, agent: 'a', grant: 'g', by: 'operator' } as const
const unavailable = { code: 'audit.unavailable', kind: 'unavailable' }

/** The state of a promise now. */
async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'resolved' | 'rejected'> {
  await rest()
  const settled = promise.then(
    () => 'resolved' as const,
    () => 'rejected' as const,
  )
  return Promise.race([settled, rest().then(() => 'pending' as const)])
}

describe('a decision', () => {
  test('resolves only when its row is durable', async () => {
    const { audit, store } = await opened()
    const release = store.hold()
    const decided = audit.decide(call())
    expect(await stateOf(decided)).toBe('pending')
    expect(store.rows.size).toBe(0)
    release()
    expect(await decided).toBe('r1-1')
    expect(store.records().map(({ record }) => record.kind)).toEqual(['decision'])
  })

  test('that cannot be written is refused, and so is every other that waits', async () => {
    const { audit, store } = await opened()
    const release = store.hold()
    store.trouble = 'refuses'
    const first = audit.decide(call())
    await rest()
    const others = [audit.decide(call()), audit.exchange(exchange())]
    await rest()
    release()
    await expect(first).rejects.toMatchObject(unavailable)
    for (const other of others) await expect(other).rejects.toMatchObject(unavailable)
    expect(store.rows.size).toBe(0)
    expect(await audit.ready()).toBe(false)
  })

  test('is refused when its inputs cannot be sealed: nothing is written without them', async () => {
    const { store, vault, deps } = await opened()
    const audit = await openAudit({
      ...deps,
      vault: { ...vault, sealer: () => Promise.reject(new Error('key service down')) },
    })
    await expect(audit.decide(call())).rejects.toMatchObject(unavailable)
    const throwing = await openAudit({
      ...deps,
      vault: {
        ...vault,
        sealer: async () => () => {
          throw new Error('no')
        },
      },
    })
    await expect(throwing.decide(call())).rejects.toMatchObject(unavailable)
    expect(store.rows.size).toBe(0)
  })

  test.each([
    ['half a surrogate pair in the inputs', { arguments: { name: '\ud800' } }],
    ['a number out of range in the inputs', { arguments: JSON.parse('[1e999]') as number[] }],
    ['half a surrogate pair in the tool', { tool: '\udfff' }],
  ])('with %s is refused without a gap, alone', async (_, members) => {
    const { audit, store } = await opened()
    const release = store.hold()
    const decided = [audit.decide(call()), audit.decide(call(members)), audit.decide(call())]
    const outcomes = Promise.allSettled(decided)
    await rest()
    release()
    expect((await outcomes).map((o) => (o.status === 'fulfilled' ? o.value : o.reason))).toMatchObject([
      'r1-1',
      { code: 'audit.unrecordable', kind: 'invalid' },
      'r1-2',
    ])
    expect(store.records().map(({ record }) => record.sequence)).toEqual([1, 2])
  })

  test('100 at once take few commits, in order, without a gap', async () => {
    const { audit, store } = await opened()
    const release = store.hold()
    const decided = Array.from({ length: 100 }, (_, i) => audit.decide(call({ txn: `txn-${i}` })))
    await rest()
    release()
    const refs = await Promise.all(decided)
    expect(store.appends).toBe(2)
    expect(refs).toEqual(Array.from({ length: 100 }, (_, i) => `r1-${i + 1}`))
    expect(store.records().map(({ record }) => 'txn' in record && record.txn)).toEqual(
      refs.map((_, i) => `txn-${i}`),
    )
  })

  test('alone needs no timer', async () => {
    const { audit, timers } = await opened()
    await audit.decide(call())
    expect(timers).toEqual([])
  })
})

describe('more records than can wait', () => {
  test('are refused at once: decisions', () => {
    const { journal, entry, refused } = full()
    for (let i = 0; i < WAITING_MAX.records + 1; i += 1) journal.write(entry)
    expect(refused).toEqual([])
    journal.write(entry)
    expect(refused).toMatchObject([unavailable])
  })

  test('are refused at once: outcomes', () => {
    const { journal, entry, refused } = full()
    for (let i = 0; i < RIDING_MAX.records; i += 1) journal.ride(entry)
    expect(refused).toEqual([])
    journal.ride(entry)
    expect(refused).toMatchObject([unavailable])
  })

  test('do not keep a correction out', () => {
    const { journal, entry, refused } = full()
    for (let i = 0; i < RIDING_MAX.records; i += 1) journal.ride(entry)
    journal.correct(entry)
    expect(refused).toEqual([])
  })

  test('are refused at once: decisions with large inputs, before they fill the memory', () => {
    const { journal, entry, refused } = full()
    journal.write(entry)
    const large = { ...entry, bytes: WAITING_MAX.bytes / 4 }
    for (let i = 0; i < 4; i += 1) journal.write(large)
    expect(refused).toEqual([])
    journal.write(entry)
    expect(refused).toMatchObject([unavailable])
  })

  test('than a database takes in one row make several bundles, in order', async () => {
    const { audit, store } = await opened()
    const release = store.hold()
    const inputs = { text: 'x'.repeat(KEPT_BYTES_MAX.permit - 100) }
    const first = audit.decide(call())
    await rest()
    const decided = Array.from({ length: 70 }, () => audit.decide(call({ arguments: inputs })))
    await rest()
    release()
    await first
    await Promise.all(decided)
    const sizes = [...store.rows.values()].map(({ body }) => body.length)
    expect(sizes).toHaveLength(3)
    expect(Math.max(...sizes)).toBeLessThan(BUNDLE_MAX.bytes * 1.1)
    expect(store.records().map(({ record }) => record.sequence)).toEqual(
      Array.from({ length: 71 }, (_, i) => i + 1),
    )
  })
})

describe('after a failed append', () => {
  test('the next decision tries again, and the log goes on without a gap', async () => {
    const { audit, store } = await opened()
    await audit.decide(call())
    store.trouble = 'refuses'
    await expect(audit.decide(call())).rejects.toMatchObject(unavailable)
    await expect(audit.decide(call())).rejects.toMatchObject(unavailable)
    store.trouble = 'none'
    await audit.decide(call())
    expect(await audit.ready()).toBe(true)
    const records = store.records().map(({ record }) => record)
    expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, i) => i + 1))
  })

  test('asking for readiness tries again', async () => {
    const { audit, store } = await opened()
    store.trouble = 'refuses'
    await expect(audit.decide(call())).rejects.toMatchObject(unavailable)
    expect(await audit.ready()).toBe(false)
    store.trouble = 'none'
    expect(await audit.ready()).toBe(true)
  })

  test.each(['refuses', 'loses the answer'] as const)(
    'a call refused since the store %s is shown as failed once it can be written',
    async (trouble) => {
      const { audit, store } = await opened()
      store.trouble = trouble
      await expect(audit.decide(call({ txn: 'refused' }))).rejects.toMatchObject(unavailable)
      store.trouble = 'none'
      await audit.decide(call({ txn: 'later' }))
      expect(await audit.tail({ limit: 10 })).toMatchObject([
        { ref: 'r1-1', txn: 'refused', outcome: 'failed', reason: 'audit.unavailable' },
        { txn: 'later', outcome: 'pending' },
      ])
      const sequences = store.records().map(({ record }) => record.sequence)
      expect(sequences).toEqual([1, 2, 3])
    },
  )

  test.each(['refuses', 'loses the answer'] as const)(
    'neither an exchange nor an event that was refused since the store %s is shown as if it had happened',
    async (trouble) => {
      const { audit, store } = await opened()
      const release = store.hold()
      store.trouble = trouble
      // The first is a commit of its own; the others wait for it and are never written.
      const told = [audit.exchange(exchange({ txn: 'refused' })), audit.event(signIn)]
      const outcomes = Promise.allSettled(told)
      await rest()
      release()
      expect(await outcomes).toMatchObject([{ reason: unavailable }, { reason: unavailable }])
      store.trouble = 'none'
      expect(await audit.ready()).toBe(true)
      store.trouble = trouble
      await expect(audit.event(signIn)).rejects.toMatchObject(unavailable)
      store.trouble = 'none'
      await audit.exchange(exchange({ txn: 'later' }))
      const notWritten = { outcome: 'failed', reason: 'audit.unavailable' }
      const lines = [
        { kind: 'exchange', txn: 'refused', ...notWritten },
        { kind: 'sign_in', ...notWritten },
        { kind: 'exchange', txn: 'later', outcome: 'issued' },
      ]
      expect(await audit.tail({ limit: 10 })).toMatchObject(lines)
      // A page that begins below the corrections finds them too.
      const [first, second] = await audit.tail({ limit: 10 })
      expect(await audit.tail({ limit: 1, before: second?.ref })).toMatchObject([lines[0]])
      expect(first?.ref).toBe('r1-1')
    },
  )

  test('what was refused is corrected by a log that is being closed, too', async () => {
    const { audit, store, reopen } = await opened()
    const refs = []
    for (let i = 0; i < 3; i += 1) refs.push(await audit.decide(call()))
    store.trouble = 'refuses'
    await expect(audit.exchange(exchange())).rejects.toMatchObject(unavailable)
    await expect(audit.decide(call())).rejects.toMatchObject(unavailable)
    for (const ref of refs) audit.outcome(ref, ok)
    store.trouble = 'none'
    await audit.close()
    const failed = { outcome: 'failed', reason: 'audit.unavailable' }
    expect(await (await reopen()).tail({ limit: 1 })).toMatchObject([{ kind: 'exchange', ...failed }])
  })
})

describe('an outcome', () => {
  test('rides the commit of the next decision', async () => {
    const { audit, store } = await opened()
    audit.outcome(await audit.decide(call()), ok)
    await audit.decide(call())
    expect(store.appends).toBe(2)
    expect(store.records().map(({ record }) => record.kind)).toEqual(['decision', 'outcome', 'decision'])
  })

  test('is written by itself when no decision comes', async () => {
    const { audit, store, timers } = await opened()
    const refs = [await audit.decide(call()), await audit.decide(call())]
    for (const ref of refs) audit.outcome(ref, ok)
    expect(timers).toHaveLength(1)
    expect(store.appends).toBe(2)
    timers[0]?.()
    await rest()
    expect(store.appends).toBe(3)
    expect(store.records().map(({ record }) => record.kind)).toEqual([
      'decision',
      'decision',
      'outcome',
      'outcome',
    ])
  })

  test('that cannot be written is kept and rides the next commit that succeeds, once', async () => {
    const { audit, store, timers, logged } = await opened()
    audit.outcome(await audit.decide(call()), ok)
    store.trouble = 'refuses'
    timers[0]?.()
    await rest()
    expect(logged.join()).toContain('audit.append_failed')
    store.trouble = 'none'
    await audit.decide(call())
    await audit.decide(call())
    expect(store.records().filter(({ record }) => record.kind === 'outcome')).toHaveLength(1)
  })

  test('is given once: neither a second, nor one for a refused or an unknown call, is written', async () => {
    const { audit, store, logged } = await opened()
    const ref = await audit.decide(call())
    const refused = await audit.decide(call({ policy: { effect: 'deny' } }))
    for (const each of [ref, ref, refused, 'r1-99', 'other-1', 'r1-1x', '']) audit.outcome(each, ok)
    await audit.close()
    expect(store.records().filter(({ record }) => record.kind === 'outcome')).toHaveLength(1)
    expect(logged).toHaveLength(6)
  })

  test('with a reason that cannot be written is dropped without a throw, and the log goes on', async () => {
    const { audit, store } = await opened()
    audit.outcome(await audit.decide(call()), { ...ok, reason: '\ud800' })
    await audit.decide(call())
    expect(store.records().map(({ record }) => record.sequence)).toEqual([1, 2])
  })
})

describe('a restart', () => {
  test('after a crash gives every open call an unknown outcome, once', async () => {
    const { audit, store, reopen } = await opened()
    audit.outcome(await audit.decide(call({ txn: 'lost' })), ok)
    await audit.decide(call({ txn: 'running' }))
    await audit.decide(call({ txn: 'refused', policy: { effect: 'deny' } }))
    await audit.decide(call({ txn: 'running too' }))
    const again = await reopen()
    await again.close()
    const third = await reopen()
    expect((await third.tail({ limit: 10 })).map(({ txn, outcome }) => [txn, outcome])).toEqual([
      ['lost', 'ok'],
      ['running', 'unknown'],
      ['refused', 'denied'],
      ['running too', 'unknown'],
    ])
    expect(store.records().filter(({ record }) => record.kind === 'outcome')).toHaveLength(3)
    await third.tail({ limit: 1 })
  })

  test('does not begin while the unknown outcomes cannot be written', async () => {
    const { audit, store, reopen } = await opened()
    await audit.decide(call())
    store.trouble = 'refuses'
    await expect(reopen()).rejects.toMatchObject(unavailable)
    store.trouble = 'none'
    await reopen()
    expect(store.records().map(({ record }) => record.kind)).toEqual(['decision', 'outcome'])
  })

  test('goes on with the next number, closed or crashed', async () => {
    const { audit, store, reopen } = await opened()
    expect(await audit.decide(call({ policy: { effect: 'deny' } }))).toBe('r1-1')
    await audit.close()
    const second = await reopen()
    expect(await second.decide(call())).toBe('r1-2')
    const third = await reopen()
    expect(await third.decide(call())).toBe('r1-4')
    expect(store.records().map(({ record }) => record.sequence)).toEqual([1, 2, 3, 4])
  })

  test('reads only what is not settled', async () => {
    const { audit, store } = await opened()
    for (let i = 0; i < 70; i += 1) audit.outcome(await audit.decide(call()), ok)
    expect(store.settled.get('r1')).toBeGreaterThanOrEqual(60)
    const open = await audit.decide(call())
    for (let i = 0; i < 140; i += 1) audit.outcome(await audit.decide(call()), ok)
    expect(store.settled.get('r1')).toBeLessThan(71)
    audit.outcome(open, ok)
    await audit.close()
    expect(store.settled.get('r1')).toBe(await store.bundles.last('r1'))
  })

  test('does not settle past a call that still runs', async () => {
    const { audit, store } = await opened()
    await audit.decide(call({ policy: { effect: 'deny' } }))
    await audit.decide(call())
    await audit.close()
    expect(store.settled.get('r1')).toBe(1)
  })

  test('refuses to go on over a bundle that was changed or removed', async () => {
    const { audit, store, reopen } = await opened()
    await audit.decide(call())
    await audit.decide(call())
    const first = store.rows.get('r1/1')
    store.rows.delete('r1/1')
    await expect(reopen()).rejects.toMatchObject({ code: 'audit.bundle_unreadable' })
    if (first === undefined) throw new Error('no bundle')
    store.rows.set('r1/1', { ...first, body: first.body.slice(1) })
    await expect(reopen()).rejects.toMatchObject({
      code: 'audit.bundle_unreadable',
      detail: 'bundle 1 of replica r1',
    })
  })

  test('refuses to go on when the end of the log was cut off', async () => {
    const { audit, store, reopen } = await opened()
    await audit.decide(call({ policy: { effect: 'deny' } }))
    await audit.close()
    store.rows.clear()
    await expect(reopen()).rejects.toMatchObject({ code: 'audit.bundle_unreadable' })
  })
})

describe('an amendment', () => {
  test('says that what was recorded did not happen, wherever a page begins', async () => {
    let now = clock.now()
    const { audit } = await opened({ time: { now: () => now } })
    const given = await audit.event(signIn)
    const issued = await audit.exchange(exchange())
    for (let i = 0; i < 5; i += 1) audit.outcome(await audit.decide(call()), ok)
    audit.amend(given, { status: 'failed', reason: 'grants.changed_meanwhile' })
    audit.amend(issued, { status: 'unknown', reason: 'tokens.unavailable' })
    now += 1000
    for (let i = 0; i < 5; i += 1) audit.outcome(await audit.decide(call()), ok)
    const amended = [
      { ref: given, outcome: 'failed', reason: 'grants.changed_meanwhile' },
      { ref: issued, outcome: 'unknown', reason: 'tokens.unavailable' },
    ]
    expect((await audit.tail({ limit: 100 })).slice(0, 2)).toMatchObject(amended)
    expect(await audit.tail({ limit: 2, before: 'r1-3' })).toMatchObject(amended)
  })

  test('is not looked for through the whole log', async () => {
    let now = clock.now()
    const { audit, store } = await opened({ time: { now: () => now } })
    await audit.event(signIn)
    for (let i = 0; i < 200; i += 1) {
      now += 1000
      await audit.decide(call({ policy: { effect: 'deny' } }))
    }
    let read = 0
    const after = store.bundles.after.bind(store.bundles)
    store.bundles.after = (...range) => {
      read += 1
      return after(...range)
    }
    expect(await audit.tail({ limit: 1, before: 'r1-2' })).toMatchObject([{ outcome: 'recorded' }])
    expect(read).toBe(1)
  })

  test('is for exchanges and events: a call that runs keeps its outcome', async () => {
    const { audit, logged } = await opened()
    const ref = await audit.decide(call())
    for (const each of [ref, 'other-1', ''])
      audit.amend(each, { status: 'failed', reason: 'grants.changed_meanwhile' })
    audit.outcome(ref, ok)
    expect(await audit.tail({ limit: 5 })).toMatchObject([{ outcome: 'ok' }])
    expect(logged).toHaveLength(3)
  })
})

describe('what has happened already', () => {
  test('is recorded once the log can be written again, and neither throws nor waits before', async () => {
    const { audit, store, reopen } = await opened()
    store.trouble = 'refuses'
    await expect(audit.decide(call())).rejects.toMatchObject(unavailable)
    audit.note(revocation)
    expect(await audit.tail({ limit: 5 })).toEqual([])
    store.trouble = 'none'
    await audit.decide(call())
    const recorded = { kind: 'grant_revoked', username: 'alice', outcome: 'recorded', reason: 'by operator' }
    expect(await audit.tail({ limit: 5 })).toContainEqual(expect.objectContaining(recorded))
    await audit.close()
    const lines = await (await reopen()).tail({ limit: 5 })
    expect(lines.filter(({ kind }) => kind === 'grant_revoked')).toHaveLength(1)
  })

  test('is written by itself, and by a log that closes at once', async () => {
    const { audit, store, timers } = await opened()
    audit.note(revocation)
    await rest()
    timers[0]?.()
    await rest()
    audit.note(revocation)
    await audit.close()
    expect(store.records().map(({ record }) => record.kind)).toEqual(['grant_revoked', 'grant_revoked'])
  })

  test('is recorded without the name when that cannot be sealed', async () => {
    const { audit, vault } = await opened()
    vault.sealer = () => Promise.reject(new Error('disk full'))
    audit.note(revocation)
    expect(await audit.tail({ limit: 5 })).toMatchObject([
      { kind: 'grant_revoked', user: 'u1', username: undefined, unopenable: false },
    ])
  })

  test('is told of in the service log when it comes after the end', async () => {
    const { audit, logged } = await opened()
    await audit.close()
    audit.note(revocation)
    expect(logged).toEqual([expect.stringContaining('audit.note_lost')])
  })
})

describe('closing', () => {
  test('writes what waits and refuses what comes later', async () => {
    const { audit, store } = await opened()
    const release = store.hold()
    const decided = audit.decide(call())
    await rest()
    const second = audit.decide(call())
    await rest()
    const closed = audit.close()
    const late = audit.decide(call())
    release()
    await expect(late).rejects.toMatchObject(unavailable)
    expect(await Promise.all([decided, second])).toEqual(['r1-1', 'r1-2'])
    await closed
    expect(store.records()).toHaveLength(2)
  })

  test('resolves though nothing can be written', async () => {
    const { audit, store } = await opened()
    audit.outcome(await audit.decide(call()), ok)
    store.trouble = 'refuses'
    await audit.close()
    expect(store.records()).toHaveLength(1)
  })
})

test('no input, name or token is in a log line or an error', async () => {
  const { audit, store, logged } = await opened()
  const canary = 'canary-4711'
  const input = call({
    arguments: { secret: canary },
    user: { id: 'u1', username: canary },
    jti: canary,
  })
  const ref = await audit.decide(input)
  audit.outcome(ref, ok)
  audit.outcome(ref, ok)
  store.trouble = 'refuses'
  const failures = await Promise.allSettled([
    audit.decide(input),
    audit.decide(call({ arguments: { secret: canary, bad: '\ud800' } })),
  ])
  const told = failures.map((f) => (f.status === 'rejected' ? describeError(f.reason) : 'fulfilled'))
  expect(told).not.toContain('fulfilled')
  expect(logged.length).toBeGreaterThan(1)
  expect([...logged, ...told].join()).not.toContain(canary)
})

test('an error of the store that quotes what was written is logged by its name alone', async () => {
  const { audit, store, logged } = await opened()
  store.bundles.append = () => Promise.reject(new RangeError('cannot insert canary-4711'))
  await expect(audit.decide(call())).rejects.toMatchObject(unavailable)
  expect(logged).toEqual([expect.stringContaining('RangeError')])
  expect(logged.join()).not.toContain('canary')
})

/** A journal whose store is stuck. */
function full() {
  const store = memoryStore()
  store.hold()
  const refused: unknown[] = []
  const journal = createJournal({
    store: store.bundles,
    lease: { replica: 'r1', term: 0 },
    clock,
    start: { bundle: 1, record: 1, at: 0 },
    report: () => undefined,
    schedule: () => undefined,
    committed: async () => undefined,
  })
  const entry = {
    bytes: 1,
    encode: () => ({ canonical: new Uint8Array(1), salt: new Uint8Array(16), sealed: undefined }),
    durable: () => undefined,
    refused: (reason: unknown) => refused.push(reason),
  }
  return { journal, entry, refused }
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return `${error.stack} ${JSON.stringify(error)} ${describeError(error.cause)}`
}
