import type { StateRow } from '#oauth'
import type { Sealed } from '#vault'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const code: StateRow = {
  model: 'AuthorizationCode',
  idHash: 'h1',
  version: 1_700_000_000_000,
  sealed: new Uint8Array([1, 2, 3]) as Sealed,
  grantId: 'g1.f1',
  uidHash: undefined,
  consumedAt: undefined,
  expiresAt: 1000,
}

describe.each(backends)('state in %s', (_, place) => {
  test('a row is found as it was written, under its own model alone', async () => {
    const { state } = await place()()
    await state.upsert(code)
    expect(await state.find('AuthorizationCode', 'h1')).toEqual(code)
    expect(await state.find('RefreshToken', 'h1')).toBeUndefined()
  })

  test('a second write replaces the row', async () => {
    const { state } = await place()()
    await state.upsert({ ...code, uidHash: 'old' })
    const next = {
      ...code,
      version: 2,
      sealed: new Uint8Array([9]) as Sealed,
      grantId: undefined,
      expiresAt: undefined,
    }
    await state.upsert(next)
    expect(await state.find('AuthorizationCode', 'h1')).toEqual(next)
  })

  test('a session is found by its second id', async () => {
    const { state } = await place()()
    const session = { ...code, model: 'Session', uidHash: 'u1' }
    await state.upsert(session)
    expect(await state.findByUid('Session', 'u1')).toEqual(session)
    expect(await state.findByUid('Session', 'u2')).toBeUndefined()
    expect(await state.findByUid('Interaction', 'u1')).toBeUndefined()
  })

  test('a code redeemed fifty times at once is redeemed once', async () => {
    const { state } = await place()()
    await state.upsert(code)
    await state.upsert({ ...code, idHash: 'h2' })
    expect(await winnersOfFifty((at) => state.consume('AuthorizationCode', 'h1', 100 + at))).toBe(1)
    expect((await state.find('AuthorizationCode', 'h1'))?.consumedAt).toBeTypeOf('number')
    expect((await state.find('AuthorizationCode', 'h2'))?.consumedAt).toBeUndefined()
  })

  test('what is used is forgotten when its use says so, and else when it would have been', async () => {
    const { state } = await place()()
    await state.upsert(code)
    await state.upsert({ ...code, idHash: 'h2' })
    await state.consume('AuthorizationCode', 'h1', 100, 250)
    await state.consume('AuthorizationCode', 'h1', 100, 900)
    await state.consume('AuthorizationCode', 'h2', 100)
    expect((await state.find('AuthorizationCode', 'h1'))?.expiresAt).toBe(250)
    expect((await state.find('AuthorizationCode', 'h2'))?.expiresAt).toBe(1000)
  })

  test('a code nobody issued cannot be redeemed', async () => {
    const { state } = await place()()
    await state.upsert(code)
    expect(await state.consume('AuthorizationCode', 'h9', 100)).toBe(false)
    expect(await state.consume('RefreshToken', 'h1', 100)).toBe(false)
  })

  test('writing a used row again does not make it usable, nor change when it was used', async () => {
    const { state } = await place()()
    await state.upsert(code)
    await state.consume('AuthorizationCode', 'h1', 100)
    await state.upsert({ ...code, version: 2 })
    expect(await state.consume('AuthorizationCode', 'h1', 200)).toBe(false)
    await state.upsert({ ...code, version: 3, consumedAt: 300 })
    expect((await state.find('AuthorizationCode', 'h1'))?.consumedAt).toBe(100)
  })

  test('a login is forgotten as a whole, and only this login and this model', async () => {
    const { state } = await place()()
    await state.upsert(code)
    await state.upsert({ ...code, idHash: 'h2' })
    await state.upsert({ ...code, idHash: 'h3', grantId: 'g1.f2' })
    await state.upsert({ ...code, model: 'RefreshToken' })
    await state.removeByGrant('AuthorizationCode', 'g1.f1')
    const left = await Promise.all(['h1', 'h2', 'h3'].map((id) => state.find('AuthorizationCode', id)))
    expect(left.map((row) => row?.idHash)).toEqual([undefined, undefined, 'h3'])
    expect(await state.find('RefreshToken', 'h1')).toBeDefined()
  })

  test('a removed row is gone, its neighbours are not', async () => {
    const { state } = await place()()
    await state.upsert(code)
    await state.upsert({ ...code, idHash: 'h2' })
    await state.upsert({ ...code, model: 'RefreshToken' })
    await state.remove('AuthorizationCode', 'h1')
    expect(await state.find('AuthorizationCode', 'h1')).toBeUndefined()
    expect(await state.find('AuthorizationCode', 'h2')).toBeDefined()
    expect(await state.find('RefreshToken', 'h1')).toBeDefined()
  })

  test('a sweep takes what has expired, and leaves what has not or never does', async () => {
    const { state } = await place()()
    await state.upsert(code)
    await state.upsert({ ...code, idHash: 'h2', expiresAt: 1001 })
    await state.upsert({ ...code, idHash: 'h3', expiresAt: undefined })
    await state.sweep(1001)
    const left = await Promise.all(['h1', 'h2', 'h3'].map((id) => state.find('AuthorizationCode', id)))
    expect(left.map((row) => row?.idHash)).toEqual([undefined, 'h2', 'h3'])
  })
})
