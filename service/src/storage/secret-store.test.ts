import type { Sealed } from '#vault'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const sealed = (...bytes: number[]): Sealed => new Uint8Array(bytes) as Sealed

describe.each(backends)('secrets in %s', (_, place) => {
  test('a name that was never written is absent', async () => {
    const { secrets } = await place()()
    expect(await secrets.find('tickets')).toBeUndefined()
  })

  test('of fifty starts at once one writes the secret, and all find that one', async () => {
    const { secrets } = await place()()
    const winners: number[] = []
    const count = await winnersOfFifty(async (attempt) => {
      const won = await secrets.insert('tickets', sealed(attempt))
      if (won) winners.push(attempt)
      return won
    })
    expect(count).toBe(1)
    expect(await secrets.find('tickets')).toEqual(sealed(...winners))
  })

  test('names do not share a secret', async () => {
    const { secrets } = await place()()
    await secrets.insert('tickets', sealed(1))
    expect(await secrets.insert('cookies', sealed(2))).toBe(true)
    expect(await secrets.find('tickets')).toEqual(sealed(1))
  })
})
