import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Sealed } from '#vault'
import { AHEAD_MS, begin, RETIRED_MS, revoking, rotate, rotateNow, scheduleAt } from './key-schedule.ts'
import type { SigningKeyRow } from './signing-key-store.ts'

const NOW = 1_800_000_000_000
const made = (kid: string, now: number): SigningKeyRow => ({
  kid,
  createdAt: now,
  algorithm: 'ES256',
  signsAt: now,
  revokedAt: undefined,
  sealed: new Uint8Array() as Sealed,
})
/** The rows after a change, as the store has them. */
const after = (rows: readonly SigningKeyRow[], of: typeof begin, kid: string, now: number) => {
  const written = of(rows, made(kid, now), now)
  return [...rows.filter((row) => written.every((each) => each.kid !== row.kid)), ...written]
}
const states = (rows: readonly SigningKeyRow[], now: number) =>
  Object.fromEntries(scheduleAt(rows, now).map(({ row, state }) => [row.kid, state]))
const first = after([], begin, 'a', NOW)
const second = after(first, rotate, 'b', NOW)
const TAKES_OVER = NOW + AHEAD_MS

test('the first key signs at once, and no later start makes another', () => {
  expect(states(first, NOW)).toEqual({ a: 'signing' })
  expect(begin(first, made('b', NOW), NOW)).toEqual([])
})

test('the first key signs on a clock that was set back, too', () => {
  expect(states(first, NOW - 3_600_000)).toEqual({ a: 'signing' })
  expect(scheduleAt(first, NOW)).toMatchObject([{ since: NOW }])
})

test('a key that is revoked in the very moment it was made is replaced all the same', () => {
  const rows = after(after(first, rotateNow, 'z', NOW), revoking('z'), 'b', NOW)
  expect(states(rows, NOW)).toEqual({ a: 'retired', z: 'revoked', b: 'signing' })
})

test('a key is published for five and a half minutes before it signs', () => {
  expect(AHEAD_MS).toBe(330_000)
  expect(states(second, NOW)).toEqual({ a: 'signing', b: 'next' })
  expect(states(second, TAKES_OVER - 1)).toEqual({ a: 'signing', b: 'next' })
  expect(states(second, TAKES_OVER)).toEqual({ a: 'retired', b: 'signing' })
})

test('one that has retired verifies for seven minutes more, and never again', () => {
  expect(RETIRED_MS).toBe(420_000)
  const goneAt = TAKES_OVER + RETIRED_MS
  expect(scheduleAt(second, TAKES_OVER)[0]).toMatchObject({ since: TAKES_OVER, goneAt })
  expect(states(second, goneAt - 1)).toEqual({ a: 'retired', b: 'signing' })
  expect(states(second, goneAt)).toEqual({ a: 'gone', b: 'signing' })
  const third = after(after(second, rotateNow, 'c', goneAt), revoking('c'), 'd', goneAt + 1)
  expect(states(third, goneAt + 1)).toMatchObject({ a: 'gone', b: 'retired', c: 'revoked', d: 'signing' })
})

test('there is one next key at most', () => {
  expect(() => rotate(second, made('c', NOW), NOW + 1)).toThrow(
    expect.objectContaining({ code: 'tokens.rotation_pending' }),
  )
  const later = after(second, rotate, 'c', TAKES_OVER)
  expect(states(later, TAKES_OVER)).toEqual({ a: 'retired', b: 'signing', c: 'next' })
})

describe('now', () => {
  test('means the key that is published already, where there is one', () => {
    expect(states(after(second, rotateNow, 'c', NOW + 5), NOW + 5)).toEqual({ a: 'retired', b: 'signing' })
  })

  test('means a new one otherwise', () => {
    expect(states(after(first, rotateNow, 'b', NOW + 5), NOW + 5)).toEqual({ a: 'retired', b: 'signing' })
  })
})

describe('a key that is revoked', () => {
  test('and signed is replaced in the same moment, by the next one where there is one', () => {
    expect(states(after(first, revoking('a'), 'b', NOW + 5), NOW + 5)).toEqual({
      a: 'revoked',
      b: 'signing',
    })
    expect(states(after(second, revoking('a'), 'c', NOW + 5), NOW + 5)).toEqual({
      a: 'revoked',
      b: 'signing',
    })
  })

  test('and was to sign next never does, and retires nobody', () => {
    const rows = after(second, revoking('b'), 'c', NOW + 5)
    expect(states(rows, TAKES_OVER + RETIRED_MS)).toEqual({ a: 'signing', b: 'revoked' })
  })

  test('and had taken over did so: what is gone by then does not come back', () => {
    const gone = TAKES_OVER + RETIRED_MS
    expect(states(after(second, revoking('b'), 'c', gone), gone)).toEqual({
      a: 'gone',
      b: 'revoked',
      c: 'signing',
    })
  })

  test('and has retired leaves the one that signs alone', () => {
    const rows = after(second, revoking('a'), 'c', TAKES_OVER)
    expect(states(rows, TAKES_OVER)).toEqual({ a: 'revoked', b: 'signing' })
  })

  test('is known, and neither gone nor revoked before', () => {
    const twice = after(first, revoking('a'), 'b', NOW + 5)
    for (const [rows, kid] of [
      [first, 'x'],
      [twice, 'a'],
    ] as const)
      expect(() => revoking(kid)(rows, made('c', NOW), NOW + 6)).toThrow(
        expect.objectContaining({ code: 'tokens.key_unknown' }),
      )
    const gone = TAKES_OVER + RETIRED_MS
    expect(() => revoking('a')(second, made('c', gone), gone)).toThrow()
  })
})

test('whatever is done when: one key signs, whatever order the rows are in, and what is gone stays gone', () => {
  const step = fc.record({
    seconds: fc.integer({ min: 1, max: 900 }),
    what: fc.constantFrom('rotate', 'now', 'revoke'),
    which: fc.nat(20),
  })
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    let rows = first
    let now = NOW
    const ended = new Set<string>()
    for (const [i, { seconds, what, which }] of steps.entries()) {
      now += seconds * 1000
      const change = { rotate, now: rotateNow, revoke: revoking(rows[which % rows.length]?.kid ?? '') }[what]
      try {
        rows = after(rows, change, `k${i}`, now)
      } catch {
        // Refused: nothing changed.
      }
      const schedule = scheduleAt(rows, now)
      expect(scheduleAt(rows.toReversed(), now)).toEqual(schedule)
      expect(schedule.filter(({ state }) => state === 'signing')).toHaveLength(1)
      for (const { row, state } of schedule) {
        const over = state === 'gone' || state === 'revoked'
        if (ended.has(row.kid)) expect(over).toBe(true)
        if (over) ended.add(row.kid)
      }
    }
  })
  fc.assert(property)
})
