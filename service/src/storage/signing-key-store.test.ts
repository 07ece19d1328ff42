import type { SigningKeyRow } from '#tokens'
import type { Sealed } from '#vault'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const key = (kid: string): SigningKeyRow => ({
  kid,
  createdAt: 1_700_000_000_000,
  sealed: new Uint8Array([1, 2, 3]) as Sealed,
})

describe.each(backends)('signing keys in %s', (_, place) => {
  test('there are none at first', async () => {
    const { signingKeys } = await place()()
    expect(await signingKeys.list()).toEqual([])
  })

  test('fifty first starts at once end with one key, whatever its kid', async () => {
    const { signingKeys } = await place()()
    expect(await winnersOfFifty((attempt) => signingKeys.insertFirst(key(`k${attempt}`)))).toBe(1)
    expect(await signingKeys.list()).toHaveLength(1)
  })

  test('a first key is found as it was written, and a later start changes nothing', async () => {
    const { signingKeys } = await place()()
    expect(await signingKeys.insertFirst(key('k1'))).toBe(true)
    expect(await signingKeys.insertFirst(key('k2'))).toBe(false)
    expect(await signingKeys.list()).toEqual([key('k1')])
  })
})
