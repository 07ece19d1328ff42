import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const bundle = (sequence: number) => ({ replica: 'a', sequence, at: 1, records: 1, body: new Uint8Array(9) })
const lost = { code: 'storage.lease_lost', kind: 'conflict' }

describe.each(backends)('leases of audit logs in %s', (_, place) => {
  test('a log is made once: of fifty at once one has it', async () => {
    const { leases } = await place()()
    expect(await winnersOfFifty(async () => (await leases.create('a')) !== undefined)).toBe(1)
    expect(await leases.list()).toEqual([{ replica: 'a', term: 1, beat: 0, held: true }])
  })

  test('of fifty who take a lease as they saw it one has it, in the next term', async () => {
    const { leases } = await place()()
    await leases.create('a')
    const [seen] = await leases.list()
    if (seen === undefined) throw new Error('no lease')
    expect(await winnersOfFifty(async () => (await leases.take(seen)) !== undefined)).toBe(1)
    expect(await leases.list()).toEqual([{ replica: 'a', term: 2, beat: 0, held: true }])
  })

  test('a lease that gave a sign of life since it was seen is not taken', async () => {
    const { leases } = await place()()
    const lease = await leases.create('a')
    const [seen] = await leases.list()
    if (seen === undefined || lease === undefined) throw new Error('no lease')
    expect(await leases.beat(lease)).toBe(true)
    expect(await leases.take(seen)).toBeUndefined()
    expect(await leases.beat(lease)).toBe(true)
  })

  test('one that was let go is taken; whoever had it is told, and changes nothing any more', async () => {
    const { leases } = await place()()
    const first = (await leases.create('a')) ?? { replica: 'a', term: 0 }
    await leases.release(first)
    const [free] = await leases.list()
    expect(free).toMatchObject({ held: false })
    expect(await leases.beat(first)).toBe(false)
    expect(free && (await leases.take(free))).toEqual({ replica: 'a', term: 2 })
    expect(await leases.beat(first)).toBe(false)
    await leases.release(first)
    expect(await leases.list()).toMatchObject([{ term: 2, held: true }])
  })

  test('nothing is appended to a log under another term than its own, or when nobody has it', async () => {
    const { leases, bundles } = await place()()
    const first = (await leases.create('a')) ?? { replica: 'a', term: 0 }
    await bundles.append(bundle(1), 1)
    const [seen] = await leases.list()
    const second = seen && (await leases.take(seen))
    await expect(bundles.append(bundle(2), first.term)).rejects.toMatchObject(lost)
    await expect(bundles.append(bundle(2), 3)).rejects.toMatchObject(lost)
    await bundles.append(bundle(2), second?.term ?? 0)
    if (second !== undefined) await leases.release(second)
    await expect(bundles.append(bundle(3), second?.term ?? 0)).rejects.toMatchObject(lost)
    await expect(bundles.append({ ...bundle(1), replica: 'b' }, 1)).rejects.toMatchObject(lost)
    expect(await bundles.last('a')).toBe(2)
  })
})
