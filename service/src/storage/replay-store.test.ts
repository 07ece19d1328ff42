import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

describe.each(backends)('replay records in %s', (_, place) => {
  test('an assertion presented fifty times at once counts once', async () => {
    const { replay } = await place()()
    expect(await winnersOfFifty(() => replay.use('jti', 1000, 900))).toBe(1)
  })

  test('a key stays used until the moment it expires, and a later expiry in the replay changes nothing', async () => {
    const { replay } = await place()()
    expect(await replay.use('jti', 1000, 900)).toBe(true)
    expect(await replay.use('jti', 5000, 1000)).toBe(false)
    expect(await replay.use('jti', 5000, 1001)).toBe(true)
  })

  test('of fifty uses of an expired key at once one counts', async () => {
    const { replay } = await place()()
    await replay.use('jti', 1000, 900)
    expect(await winnersOfFifty(() => replay.use('jti', 5000, 2000))).toBe(1)
  })

  test('a key stays used over a restart', async () => {
    const open = place()
    const before = await open()
    await before.replay.use('jti', 1000, 900)
    await before.close()
    const { replay } = await open()
    expect(await replay.use('jti', 1000, 900)).toBe(false)
  })

  test('a sweep forgets what has expired, however much it is, and nothing else', async () => {
    const { replay } = await place()()
    /** How many of them had been used; they are now. */
    const used = async () => {
      let again = 0
      for (let n = 0; n < 1001; n += 7) {
        const keys = Array.from({ length: 7 }, (_, i) => `jti ${n + i}`)
        const first = await Promise.all(keys.map((key) => replay.use(key, 1000, 900)))
        again += first.filter((each) => !each).length
      }
      return again
    }
    expect([await used(), await replay.use('later', 1001, 900)]).toEqual([0, true])
    await replay.sweep(1000)
    expect(await used()).toBe(1001)
    await replay.sweep(1001)
    // What is forgotten could be used again, had it not expired.
    expect([await used(), await replay.use('later', 1001, 900)]).toEqual([0, false])
  })

  test('any two strings are two keys, and each counts once', async () => {
    const { replay } = await place()()
    const keys = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 300 }), { minLength: 1, maxLength: 5 })
    let run = 0
    const once = fc.asyncProperty(keys, async (keys) => {
      run += 1
      for (const key of keys) expect(await replay.use(`${run} ${key}`, 1000, 900)).toBe(true)
      for (const key of keys) expect(await replay.use(`${run} ${key}`, 1000, 900)).toBe(false)
    })
    await fc.assert(once, { numRuns: 15 })
  })
})
