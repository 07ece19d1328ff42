import type { RevocationEntry } from '#revocation'
import { describe, expect, test } from 'vitest'
import { backends } from './backends.fixture.ts'

const entry = (idHash: string, expiresAt = 1000): RevocationEntry => ({
  kind: 'family',
  idHash,
  at: 5,
  expiresAt,
})

describe.each(backends)('revocations in %s', (_, place) => {
  test('fifty entries at once get fifty places, counted from 1', async () => {
    const { revocations } = await place()()
    const places = await Promise.all(Array.from({ length: 50 }, (_, n) => revocations.append(entry(`h${n}`))))
    expect(places.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
  })

  test('a reader gets what came after its place, in order and as it was written', async () => {
    const { revocations } = await place()()
    for (const id of ['h1', 'h2', 'h3']) await revocations.append(entry(id))
    expect(await revocations.after(1, 0)).toEqual([
      { ...entry('h2'), sequence: 2 },
      { ...entry('h3'), sequence: 3 },
    ])
    expect(await revocations.after(3, 0)).toEqual([])
  })

  test('an entry is told until the moment it expires, and not after', async () => {
    const { revocations } = await place()()
    await revocations.append(entry('h1', 1000))
    expect(await revocations.after(0, 1000)).toHaveLength(1)
    expect(await revocations.after(0, 1001)).toEqual([])
  })

  test('what has expired is swept, what has not stays, and no place is given twice', async () => {
    const { revocations } = await place()()
    for (const [id, expiresAt] of [['h1', 2000] as const, ['h2', 1000] as const, ['h3', 999] as const]) {
      await revocations.append(entry(id, expiresAt))
    }
    await revocations.sweep(1000)
    expect((await revocations.after(0, 0)).map(({ sequence }) => sequence)).toEqual([1, 2])
    await revocations.sweep(5000)
    expect(await revocations.after(0, 0)).toEqual([])
    expect(await revocations.append(entry('h4'))).toBe(4)
  })

  test('the sequence goes on where it was after a restart', async () => {
    const open = place()
    const before = await open()
    await before.revocations.append(entry('h1'))
    await before.close()
    const { revocations } = await open()
    expect(await revocations.append(entry('h2'))).toBe(2)
  })
})
