import type { Family } from '#grants'
import type { RevocationEntry } from '#revocation'
import { describe, expect, test } from 'vitest'
import { backends, begin, winnersOfFifty } from './backends.fixture.ts'

const family: Family = {
  id: 'f1',
  grant: 'g1',
  session: 's1',
  user: 'u1',
  agent: 'planner',
  server: 'crm',
  beganAt: 1_700_000_000_000,
  usedAt: 1_700_000_000_000,
  endedAt: undefined,
}
const entry: RevocationEntry = { kind: 'family', idHash: 'h1', at: 5, expiresAt: 1_800_000_000_000 }

describe.each(backends)('logins of agents in %s', (_, place) => {
  test('one is found as it was written', async () => {
    const storage = await place()()
    const { families } = storage
    await begin(storage, family)
    expect(await families.find('f1')).toEqual(family)
    expect(await families.find('f2')).toBeUndefined()
  })

  test('none begins in a session that is gone, and of a sign-out at the same time one is first', async () => {
    const storage = await place()()
    const { families, sessions } = storage
    expect(await families.insert(family)).toBe(false)
    expect(await families.find('f1')).toBeUndefined()
    expect(await begin(storage, family)).toBe(true)
    const user = { kind: 'user', idHash: 'h2', at: 9, expiresAt: entry.expiresAt }
    const begun = Array.from({ length: 20 }, (_, n) => families.insert({ ...family, id: `g${n}` }))
    await Promise.all([...begun.slice(0, 10), sessions.endAll('u1', 9, user), ...begun.slice(10)])
    const left = Array.from({ length: 20 }, (_, n) => families.find(`g${n}`))
    expect((await Promise.all(left)).filter((one) => one !== undefined && one.endedAt === undefined)).toEqual(
      [],
    )
  })

  test('of fifty that end it at once one does, and the feed says so once', async () => {
    const storage = await place()()
    const { families, revocations } = storage
    await begin(storage, family)
    expect(await winnersOfFifty(() => families.end('f1', 9, entry))).toBe(1)
    expect(await families.find('f1')).toEqual({ ...family, endedAt: 9 })
    expect(await revocations.after(0)).toEqual([{ ...entry, sequence: 1 }])
  })

  test('what is unknown ends nothing and is nothing to the feed', async () => {
    const { families, revocations } = await place()()
    expect(await families.end('f1', 9, entry)).toBe(false)
    expect(await revocations.after(0)).toEqual([])
  })

  test('the last use of each grant is the latest of its logins, and is never set back', async () => {
    const storage = await place()()
    const { families } = storage
    await begin(storage, family)
    await begin(storage, { ...family, id: 'f2' })
    await begin(storage, { ...family, id: 'f3', grant: 'g2' })
    await begin(storage, { ...family, id: 'f4', user: 'u2', grant: 'g3' })
    await families.touch('f2', 1_700_000_009_000)
    await families.touch('f2', 1_700_000_005_000)
    expect(await families.lastUses('u1')).toEqual(
      new Map([
        ['g1', 1_700_000_009_000],
        ['g2', 1_700_000_000_000],
      ]),
    )
  })

  test('what was not used for long is forgotten, and nothing else', async () => {
    const storage = await place()()
    const { families } = storage
    await begin(storage, family)
    await begin(storage, { ...family, id: 'f2', usedAt: family.usedAt + 1 })
    await families.sweep(family.usedAt + 1)
    expect(await families.find('f1')).toBeUndefined()
    expect(await families.find('f2')).toBeDefined()
  })
})
