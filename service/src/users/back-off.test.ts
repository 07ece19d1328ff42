import { expect, test } from 'vitest'
import { createBackOff } from './back-off.ts'

function setUp() {
  const clock = { seconds: 1_800_000_000, now: () => clock.seconds * 1000 }
  const logged: string[] = []
  const write = (members: object, message: string) => {
    logged.push(`${message} ${JSON.stringify(members)}`)
  }
  const backOff = createBackOff({ clock, log: { info: write, warn: write, error: write } })
  let asked = 0
  const attempt = (right: boolean, name = 'alice') =>
    backOff.attempt(name, async () => {
      asked += 1
      return right
    })
  const wrong = async (times: number, name = 'alice') => {
    for (let i = 0; i < times; i++) expect(await attempt(false, name)).toBe(false)
  }
  return { backOff, attempt, wrong, clock, logged, asked: () => asked }
}
const refusal = (seconds: number) => ({
  code: 'users.too_many_tries',
  kind: 'limited',
  data: { retry_after: seconds },
})

test('five wrong passwords are free; from then on each makes the name wait twice as long, up to a minute', async () => {
  const { attempt, wrong, clock, asked } = setUp()
  await wrong(5)
  for (const wait of [2, 4, 8, 16, 32, 60, 60]) {
    const before = asked()
    clock.seconds += wait - 1
    await expect(attempt(true)).rejects.toMatchObject(refusal(1))
    expect(asked()).toBe(before)
    clock.seconds += 1
    await wrong(1)
  }
})

test('the right password, once it may be tried, ends the wait', async () => {
  const { attempt, wrong, clock } = setUp()
  await wrong(5)
  clock.seconds += 2
  expect(await attempt(true)).toBe(true)
  await wrong(5)
})

test('a wait is of one name alone', async () => {
  const { backOff, wrong } = setUp()
  await wrong(5)
  expect(() => backOff.check('alice')).toThrow()
  expect(() => backOff.check('Alice')).not.toThrow()
  await wrong(5, '__proto__')
})

test('of many tries at the same time each one counts', async () => {
  const { attempt, asked } = setUp()
  const tries = await Promise.allSettled(Array.from({ length: 50 }, () => attempt(false)))
  expect(asked()).toBe(5)
  expect(tries.filter(({ status }) => status === 'rejected')).toHaveLength(45)
})

test('the log hears once that a wait began, and not of whom', async () => {
  const { wrong, clock, logged } = setUp()
  await wrong(4)
  expect(logged).toEqual([])
  await wrong(1)
  for (let i = 0; i < 5; i++) {
    clock.seconds += 60
    await wrong(1)
  }
  expect(logged).toEqual([expect.stringMatching(/every further try has to wait \{"failed":5\}$/)])
  expect(logged.join('')).not.toContain('alice')
})

test('names are remembered up to a bound: many do not fill the memory, and the last ones still wait', async () => {
  const { backOff, wrong } = setUp()
  await wrong(5, 'first')
  for (let i = 0; i < 10_000; i++) await wrong(1, `name ${i}`)
  await wrong(5, 'last')
  expect(() => backOff.check('first')).not.toThrow()
  expect(() => backOff.check('last')).toThrow()
})
