import type { Bundle } from '#audit'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'
import type { Storage } from './index.ts'

const bundle = (sequence: number, replica = 'a'): Bundle => ({
  replica,
  sequence,
  at: 1_700_000_000_000,
  records: 2,
  body: new Uint8Array([sequence, 2, 3]),
})

/** The logs `a` and `b`, each in its first term. */
async function withLogs(open: () => Promise<Storage>): Promise<Storage> {
  const storage = await open()
  for (const replica of ['a', 'b']) await storage.leases.create(replica)
  return storage
}

describe.each(backends)('audit bundles in %s', (_, place) => {
  test('a replica without bundles is at 0, settled at 0', async () => {
    const { bundles } = await withLogs(place())
    expect(await bundles.last('a')).toBe(0)
    expect(await bundles.settled('a')).toBe(0)
    expect(await bundles.after('a', 0, 10)).toEqual([])
  })

  test('a place in the log is written once: of fifty at once one resolves, and it is not overwritten', async () => {
    const { bundles } = await withLogs(place())
    await bundles.append(bundle(1), 1)
    const write = (): Promise<boolean> =>
      bundles.append({ ...bundle(2) }, 1).then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'storage.lease_lost', kind: 'conflict' })
          return false
        },
      )
    expect(await winnersOfFifty(write)).toBe(1)
    await expect(bundles.append({ ...bundle(1), body: new Uint8Array([0]) }, 1)).rejects.toThrow()
    expect(await bundles.after('a', 0, 10)).toEqual([bundle(1), bundle(2)])
  })

  test('a replica is read forward and backward from any place, its own bundles alone', async () => {
    const { bundles } = await withLogs(place())
    for (const sequence of [1, 2, 3, 4]) await bundles.append(bundle(sequence), 1)
    await bundles.append(bundle(1, 'b'), 1)
    expect(await bundles.after('a', 1, 2)).toEqual([bundle(2), bundle(3)])
    expect(await bundles.before('a', 4, 2)).toEqual([bundle(3), bundle(2)])
    expect(await bundles.before('a', 1, 10)).toEqual([])
    expect(await bundles.last('a')).toBe(4)
    expect(await bundles.last('b')).toBe(1)
  })

  test('what is settled stays settled, per replica', async () => {
    const { bundles } = await withLogs(place())
    await bundles.settle('a', 3)
    await bundles.settle('a', 2)
    await bundles.settle('b', 1)
    expect(await bundles.settled('a')).toBe(3)
    expect(await bundles.settled('b')).toBe(1)
    await bundles.settle('a', 4)
    expect(await bundles.settled('a')).toBe(4)
  })

  test('a body comes back byte for byte', async () => {
    const { bundles } = await withLogs(place())
    let sequence = 0
    const kept = fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (body) => {
      sequence += 1
      await bundles.append({ ...bundle(0), sequence, body }, 1)
      expect((await bundles.after('a', sequence - 1, 1))[0]?.body).toEqual(body)
    })
    await fc.assert(kept, { numRuns: 30 })
  })
})
