import type { Partition, Sealed } from '#vault'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const sealed = (...bytes: number[]): Sealed => new Uint8Array(bytes) as Sealed
const day: Partition = { purpose: 'audit', user: 'u1', partition: 'u1/2026-01-31' }

describe.each(backends)('keys of partitions in %s', (_, place) => {
  test('a partition that was never sealed for has none', async () => {
    const { partitionKeys } = await place()()
    expect(await partitionKeys.find(day)).toBeUndefined()
  })

  test('of fifty first rows at once one writes the key, and all find that one', async () => {
    const { partitionKeys } = await place()()
    const winners: number[] = []
    const count = await winnersOfFifty(async (attempt) => {
      const won = await partitionKeys.insert(day, sealed(attempt))
      if (won) winners.push(attempt)
      return won
    })
    expect(count).toBe(1)
    expect(await partitionKeys.find(day)).toEqual(sealed(...winners))
  })

  test('partitions of another purpose, user, day or of no user have keys of their own', async () => {
    const { partitionKeys } = await place()()
    const { user: _, ...nobody } = day
    const others: Partition[] = [
      { ...day, purpose: 'oauth' },
      { ...day, user: 'u2' },
      { ...day, partition: 'x' },
      nobody,
    ]
    for (const [at, partition] of [day, ...others].entries()) {
      expect(await partitionKeys.insert(partition, sealed(at))).toBe(true)
    }
    expect(await partitionKeys.find(day)).toEqual(sealed(0))
    expect(await partitionKeys.find(nobody)).toEqual(sealed(4))
  })
})
