import { expect, test } from 'vitest'
import { createTokenBucket } from './token-bucket.ts'

function setUp() {
  const clock = { ms: 1_800_000_000_000, now: () => clock.ms }
  const take = createTokenBucket({ perSecond: 20, burst: 100, clock })
  const taken = (times: number) => Array.from({ length: times }, take).filter((wait) => wait === 0).length
  return { clock, take, taken }
}

test('a hundred at once, then twenty each second, and never more than a hundred after a rest', () => {
  const { clock, taken } = setUp()
  expect(taken(500)).toBe(100)
  clock.ms += 1000
  expect(taken(500)).toBe(20)
  clock.ms += 500
  expect(taken(500)).toBe(10)
  clock.ms += 3_600_000
  expect(taken(500)).toBe(100)
})

test('who gets none is told how long to wait, and waiting so long is enough', () => {
  const { clock, take, taken } = setUp()
  taken(100)
  const wait = take()
  expect(wait).toBe(1)
  clock.ms += wait * 1000
  expect(take()).toBe(0)
})

test('asking in vain makes nobody wait longer', () => {
  const { clock, take } = setUp()
  for (let i = 0; i < 1000; i++) take()
  clock.ms += 50
  expect(take()).toBe(0)
})

test('a clock that is set back gives nothing and takes nothing', () => {
  const { clock, taken } = setUp()
  taken(60)
  clock.ms -= 3_600_000
  expect(taken(100)).toBe(40)
  clock.ms += 1000
  expect(taken(100)).toBe(20)
})
