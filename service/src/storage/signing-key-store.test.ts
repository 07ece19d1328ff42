import type { SigningKeyRow } from '#tokens'
import type { Sealed } from '#vault'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const key = (kid: string, change: Partial<SigningKeyRow> = {}): SigningKeyRow => ({
  kid,
  createdAt: 1_700_000_000_000,
  algorithm: 'ES256',
  signsAt: 1_700_000_330_000,
  revokedAt: undefined,
  sealed: new Uint8Array([1, 2, 3]) as Sealed,
  ...change,
})
const entry = { kind: 'key' as const, idHash: 'h', at: 1, expiresAt: 1_700_000_000_000 }

describe.each(backends)('signing keys in %s', (_, place) => {
  test('there are none at first', async () => {
    const { signingKeys } = await place()()
    expect(await signingKeys.list()).toEqual([])
  })

  test('fifty first starts at once end with one key: each sees what those before it wrote', async () => {
    const { signingKeys } = await place()()
    const begun = (attempt: number) =>
      signingKeys.update((rows) => (rows.length === 0 ? [key(`k${attempt}`)] : []))
    const rows = await Promise.all(Array.from({ length: 50 }, (_, attempt) => begun(attempt)))
    expect(new Set(rows.map((each) => each.map(({ kid }) => kid).join(' '))).size).toBe(1)
    expect(await signingKeys.list()).toHaveLength(1)
  })

  test('of fifty changes at once that only the first may make, one is made', async () => {
    const { signingKeys } = await place()()
    const taken = async (attempt: number) =>
      signingKeys
        .update((rows) => {
          if (rows.length > 0) throw new Error('taken')
          return [key(`k${attempt}`)]
        })
        .then(
          () => true,
          () => false,
        )
    expect(await winnersOfFifty(taken)).toBe(1)
  })

  test('a key is found as it was written, the oldest first', async () => {
    const { signingKeys } = await place()()
    const next = key('k0', {
      createdAt: 1_700_000_000_001,
      algorithm: 'Ed25519',
      revokedAt: 1_700_000_000_002,
    })
    expect(await signingKeys.update(() => [next, key('k1')])).toEqual([key('k1'), next])
    expect(await signingKeys.list()).toEqual([key('k1'), next])
  })

  test('of a key that is there the times are written, and what is sealed never', async () => {
    const { signingKeys } = await place()()
    await signingKeys.update(() => [key('k1')])
    const times = { signsAt: 5, revokedAt: 6 }
    const other = { sealed: new Uint8Array([9]) as Sealed, algorithm: 'Ed25519' as const, createdAt: 4 }
    await signingKeys.update(() => [key('k1', { ...times, ...other })])
    expect(await signingKeys.list()).toEqual([key('k1', times)])
  })

  test('an entry of the feed comes with the change or not at all', async () => {
    const { signingKeys, revocations } = await place()()
    const failed = signingKeys.update(() => {
      throw new Error('no')
    }, entry)
    await expect(failed).rejects.toThrow('no')
    expect([await signingKeys.list(), await revocations.after(0)]).toEqual([[], []])
    await signingKeys.update(() => [key('k1')], entry)
    expect(await revocations.after(0)).toEqual([{ ...entry, sequence: 1 }])
  })
})
