import { expect, test } from 'vitest'
import { createBulkhead } from './bulkhead.ts'

/** Works that begin when the bulkhead lets them and end when the test says so. */
function setUp() {
  const inTurn = createBulkhead({ atOnce: 2, waitingMax: 3, full: () => new Error('full') })
  const begun: number[] = []
  const ends: (() => void)[] = []
  const work = (id: number) =>
    inTurn(async () => {
      begun.push(id)
      await new Promise<void>((resolve) => (ends[id] = resolve))
      return id
    })
  return { inTurn, begun, ends, work }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('two work, three wait in order, and the next is refused at once', async () => {
  const { begun, ends, work } = setUp()
  const works = [0, 1, 2, 3, 4].map(work)
  await settled()
  expect(begun).toEqual([0, 1])
  await expect(work(5)).rejects.toThrow('full')

  ends[1]?.()
  await settled()
  expect(begun).toEqual([0, 1, 2])
  for (const id of [0, 2]) ends[id]?.()
  await settled()
  expect(begun).toEqual([0, 1, 2, 3, 4])
  for (const id of [3, 4]) ends[id]?.()
  expect(await Promise.all(works)).toEqual([0, 1, 2, 3, 4])
})

test('a place that somebody waits for is not taken by who comes later', async () => {
  const { begun, ends, work } = setUp()
  const works = [0, 1, 2].map(work)
  await settled()
  ends[0]?.()
  await works[0]
  works.push(work(3))
  await settled()
  expect(begun).toEqual([0, 1, 2])
  for (const id of [1, 2]) ends[id]?.()
  await settled()
  ends[3]?.()
  await Promise.all(works)
})

test('a work that fails gives its place back', async () => {
  const { inTurn } = setUp()
  for (let i = 0; i < 10; i++)
    await expect(inTurn(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await inTurn(async () => 'yes')).toBe('yes')
})
