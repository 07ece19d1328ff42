import type { Family } from '#grants'
import type { RevocationEntry } from '#revocation'
import type { Session } from '#users'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const session: Session = {
  id: 's1',
  account: 'u1',
  authTime: 1_700_000_000,
  acr: 'pwd',
  expiresAt: 1_700_003_600,
}

const entry: RevocationEntry = { kind: 'session', idHash: 'h1', at: 7, expiresAt: 1_800_000_000_000 }
const family: Family = {
  id: 'f1',
  grant: 'g1',
  session: 's1',
  user: 'u1',
  agent: 'planner',
  server: 'crm',
  beganAt: 1,
  usedAt: 1,
  endedAt: undefined,
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

  test('a session ends with its logins and its entry in the feed, once, and others stay', async () => {
    const { sessions, families, revocations } = await place()()
    await sessions.insert('hash', session)
    await sessions.insert('other', { ...session, id: 's2' })
    await families.insert(family)
    await families.insert({ ...family, id: 'f2', session: 's2' })
    await families.insert({ ...family, id: 'f3', endedAt: 3 })
    expect(await winnersOfFifty(() => sessions.end('hash', 7, entry))).toBe(1)
    expect(await sessions.end('nobody', 7, entry)).toBe(false)
    expect(await sessions.find('hash')).toBeUndefined()
    expect(await sessions.find('other')).toBeDefined()
    expect(
      await Promise.all(['f1', 'f2', 'f3'].map(async (id) => (await families.find(id))?.endedAt)),
    ).toEqual([7, undefined, 3])
    expect(await revocations.after(0)).toEqual([{ ...entry, sequence: 1 }])
  })

  test('all that a user has ends in one go, and nobody else’s', async () => {
    const { sessions, families, revocations } = await place()()
    const user: RevocationEntry = { ...entry, kind: 'user' }
    await sessions.insert('one', session)
    await sessions.insert('two', { ...session, id: 's2' })
    await sessions.insert('bob', { ...session, id: 's3', account: 'u2' })
    await families.insert(family)
    await sessions.insert('replaced', { ...session, id: 's4' })
    await families.insert({ ...family, id: 'f2', session: 's4' })
    await sessions.remove('replaced')
    await families.insert({ ...family, id: 'f3', session: 's3', user: 'u2' })
    expect(await sessions.counts(session.expiresAt - 1)).toEqual(
      new Map([
        ['u1', 2],
        ['u2', 1],
      ]),
    )
    await sessions.endAll('u1', 7, user)
    expect(await sessions.counts(session.expiresAt - 1)).toEqual(new Map([['u2', 1]]))
    expect(await sessions.counts(session.expiresAt)).toEqual(new Map())
    expect(
      await Promise.all(['f1', 'f2', 'f3'].map(async (id) => (await families.find(id))?.endedAt)),
    ).toEqual([7, 7, undefined])
    expect(await revocations.after(0)).toEqual([{ ...user, sequence: 1 }])
  })

  test('nothing ends when the feed cannot be told', async () => {
    const { sessions, families } = await place()()
    const broken = { ...entry, idHash: null } as unknown as RevocationEntry
    await sessions.insert('hash', session)
    await families.insert(family)
    await expect(sessions.end('hash', 7, broken)).rejects.toMatchObject({ code: 'storage.statement' })
    await expect(sessions.endAll('u1', 7, broken)).rejects.toMatchObject({ code: 'storage.statement' })
    expect(await sessions.find('hash')).toEqual(session)
    expect(await families.find('f1')).toEqual(family)
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
