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
    expect(await revocations.after(1)).toEqual([
      { ...entry('h2'), sequence: 2 },
      { ...entry('h3'), sequence: 3 },
    ])
    expect(await revocations.after(3)).toEqual([])
  })

  test('a kind that this version does not know is kept and told', async () => {
    const { revocations } = await place()()
    await revocations.append({ ...entry('h1'), kind: 'planet' })
    expect(await revocations.after(0)).toEqual([{ ...entry('h1'), kind: 'planet', sequence: 1 }])
  })

  test.each([
    ['what has expired is swept up to the first entry that has not', [999, 999, 1000, 1500], 1000, [3, 4]],
    ['an entry behind one that is kept is kept too', [999, 1000, 999, 1000], 1000, [2, 3, 4]],
    ['the last one stays, so that a place in the sequence can be told', [998, 997, 999], 1000, [3]],
    ['nothing is swept where there is nothing', [], 1000, []],
  ])('%s', async (_, ends, now, left) => {
    const { revocations } = await place()()
    for (const [n, expiresAt] of ends.entries()) await revocations.append(entry(`h${n}`, expiresAt))
    await revocations.sweep(now)
    expect((await revocations.after(0)).map(({ sequence }) => sequence)).toEqual(left)
    expect(await revocations.append(entry('next'))).toBe(ends.length + 1)
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
