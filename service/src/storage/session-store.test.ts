import type { Session } from '#users'
import { describe, expect, test } from 'vitest'
import { backends } from './backends.fixture.ts'

const session: Session = {
  id: 's1',
  account: 'u1',
  authTime: 1_700_000_000,
  acr: 'pwd',
  expiresAt: 1_700_003_600,
}

describe.each(backends)('sessions in %s', (_, place) => {
  test('a session is found by its cookie alone, as it was written', async () => {
    const { sessions } = await place()()
    await sessions.insert('hash', session)
    expect(await sessions.find('hash')).toEqual(session)
    expect(await sessions.find('s1')).toBeUndefined()
  })

  test('a removed session is not found, and others stay', async () => {
    const { sessions } = await place()()
    await sessions.insert('hash', session)
    await sessions.insert('other', { ...session, id: 's2' })
    await sessions.remove('hash')
    expect(await sessions.find('hash')).toBeUndefined()
    expect(await sessions.find('other')).toEqual({ ...session, id: 's2' })
  })

  test('a session does not take over the cookie of another', async () => {
    const { sessions } = await place()()
    await sessions.insert('hash', session)
    await expect(sessions.insert('hash', { ...session, id: 's2', account: 'eve' })).rejects.toThrow()
    expect(await sessions.find('hash')).toEqual(session)
  })

  test('a sweep forgets sessions that ended before now, and no other', async () => {
    const { sessions } = await place()()
    await sessions.insert('ended', { ...session, id: 's1', expiresAt: 99 })
    await sessions.insert('ending', { ...session, id: 's2', expiresAt: 100 })
    await sessions.sweep(100)
    expect(await sessions.find('ended')).toBeUndefined()
    expect(await sessions.find('ending')).toBeDefined()
  })
})
