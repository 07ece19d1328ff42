import type { AgentRow } from '#agents'
import type { Family } from '#grants'
import type { RevocationEntry } from '#revocation'
import { describe, expect, test } from 'vitest'
import { backends, begin } from './backends.fixture.ts'

const MAX = 100
const row = (id: string, changed: Partial<AgentRow> = {}): AgentRow => ({
  id,
  kind: 'registered',
  name: 'Stranger',
  metadata: { redirect_uris: ['https://a.example/cb'], client_secret: 'sha256:x' },
  createdAt: 1_795_521_600_000,
  usedAt: undefined,
  disabledAt: undefined,
  ...changed,
})
const entry = (idHash: string, at = 5): RevocationEntry => ({ kind: 'agent', idHash, at, expiresAt: 1000 })
const version = (idHash: string): RevocationEntry => ({ ...entry(idHash), kind: 'agent_version' })
const family = (id: string, agent: string, endedAt?: number): Family => ({
  id,
  grant: 'g1',
  session: 's1',
  user: 'u1',
  agent,
  server: 'crm',
  beganAt: 1,
  usedAt: 1,
  endedAt,
})

describe.each(backends)('agents in %s', (_, place) => {
  test('a registration is kept as it was written, over restarts', async () => {
    const open = place()
    const before = await open()
    expect(await before.agents.insert(row('dyn_1'), MAX)).toBe(true)
    await before.close()
    const { agents } = await open()
    expect(await agents.find('dyn_1')).toEqual(row('dyn_1'))
    expect(await agents.find('dyn_2')).toBeUndefined()
  })

  test('there are never more registrations than are kept, and other agents do not count', async () => {
    const { agents } = await place()()
    await agents.used(row('https://a.example/doc', { kind: 'document', metadata: undefined }), 1)
    expect(await agents.insert(row('dyn_1'), 2)).toBe(true)
    expect(await agents.insert(row('dyn_2'), 2)).toBe(true)
    expect(await agents.insert(row('dyn_3'), 2)).toBe(false)
    expect((await agents.list()).map(({ id }) => id).toSorted()).toEqual([
      'dyn_1',
      'dyn_2',
      'https://a.example/doc',
    ])
  })

  test('what is said of a registration that is gone does not make it again', async () => {
    const { agents, revocations } = await place()()
    await agents.insert(row('dyn_1'), MAX)
    await agents.remove('dyn_1', entry('h1'))
    expect(await agents.used(row('dyn_1'), 2)).toBe(false)
    expect(await agents.disable(row('dyn_1'), entry('h2'))).toBe(false)
    expect(await agents.find('dyn_1')).toBeUndefined()
    expect((await revocations.after(0)).map(({ idHash }) => idHash)).toEqual(['h1'])
  })

  test('a registration is replaced, which is on the feed, and nothing else is', async () => {
    const { agents, revocations } = await place()()
    await agents.insert(row('dyn_1'), MAX)
    await agents.used(row('https://a.example/doc', { kind: 'document', metadata: undefined }), 1)
    const changed = { name: 'New', metadata: { redirect_uris: [] } }
    expect(await agents.replace('dyn_1', changed, version('h1'))).toBe(true)
    expect(await agents.find('dyn_1')).toEqual(row('dyn_1', changed))
    expect(await agents.replace('dyn_2', changed, version('h2'))).toBe(false)
    expect(await agents.replace('https://a.example/doc', changed, version('h3'))).toBe(false)
    expect((await revocations.after(0)).map(({ kind, idHash }) => [kind, idHash])).toEqual([
      ['agent_version', 'h1'],
    ])
  })

  test('what is removed is gone, and on the feed; what is not there is neither', async () => {
    const { agents, revocations } = await place()()
    await agents.insert(row('dyn_1'), MAX)
    expect(await agents.remove('dyn_1', entry('h1'))).toBe(true)
    expect(await agents.find('dyn_1')).toBeUndefined()
    expect(await agents.remove('dyn_1', entry('h2'))).toBe(false)
    expect((await revocations.after(0)).map(({ kind, idHash }) => [kind, idHash])).toEqual([['agent', 'h1']])
  })

  test('an agent is stopped and let go on, known before or not, and stays what it is', async () => {
    const { agents, revocations } = await place()()
    await agents.insert(row('dyn_1'), MAX)
    const named = row('assistant', { kind: 'catalogue', metadata: undefined })
    await agents.disable(row('dyn_1', { name: 'other' }), entry('h1', 7))
    await agents.disable(named, entry('h2', 8))
    expect(await agents.find('dyn_1')).toEqual(row('dyn_1', { disabledAt: 7 }))
    expect(await agents.find('assistant')).toEqual({ ...named, disabledAt: 8 })
    await agents.enable('dyn_1', version('h1'))
    expect(await agents.find('dyn_1')).toEqual(row('dyn_1'))
    expect((await revocations.after(0)).map(({ kind, idHash }) => [kind, idHash])).toEqual([
      ['agent', 'h1'],
      ['agent', 'h2'],
      ['agent_version', 'h1'],
    ])
  })

  test.each(['disable', 'remove'] as const)(
    '%s ends every login of the agent for good, and no other',
    async (how) => {
      const storage = await place()()
      const { agents, families } = storage
      await agents.insert(row('dyn_1'), MAX)
      for (const one of [family('f1', 'dyn_1'), family('f2', 'dyn_1', 3), family('f3', 'dyn_2')])
        await begin(storage, one)
      if (how === 'disable') await agents.disable(row('dyn_1'), entry('h1', 7))
      else await agents.remove('dyn_1', entry('h1', 7))
      await agents.enable('dyn_1', version('h1'))
      const ends = await Promise.all(['f1', 'f2', 'f3'].map((id) => families.find(id)))
      expect(ends.map((it) => it?.endedAt)).toEqual([7, 3, undefined])
    },
  )

  test('using an agent changes nothing of what it is and whether it was stopped', async () => {
    const { agents } = await place()()
    await agents.insert(row('dyn_1'), MAX)
    await agents.disable(row('dyn_1'), entry('h1', 7))
    await agents.used(row('dyn_1'), 9)
    expect(await agents.find('dyn_1')).toEqual(row('dyn_1', { usedAt: 9, disabledAt: 7 }))
  })

  test('registrations that nobody uses are forgotten; those in use, stopped, or not registrations stay', async () => {
    const { agents } = await place()()
    for (const [id, createdAt] of [
      ['old', 10],
      ['young', 30],
      ['used', 10],
      ['idle', 10],
      ['stopped', 10],
    ] as const)
      await agents.insert(row(id, { createdAt }), MAX)
    await agents.used(row('used'), 25)
    await agents.used(row('idle'), 15)
    await agents.used(
      row('https://a.example/doc', { kind: 'document', metadata: undefined, createdAt: 1 }),
      1,
    )
    await agents.disable(row('stopped'), entry('h1', 11))
    await agents.sweep(20, 20)
    const kept = (await agents.list()).map(({ id }) => id)
    expect(kept.toSorted()).toEqual(['https://a.example/doc', 'stopped', 'used', 'young'])
  })

  test('a registration has one management token at a time, which ends with it', async () => {
    const { agents } = await place()()
    await agents.insert(row('dyn_1'), MAX)
    await agents.setManagement('dyn_1', 't1')
    expect(await agents.managedBy('t1')).toBe('dyn_1')
    await agents.setManagement('dyn_1', 't2')
    expect(await agents.managedBy('t1')).toBeUndefined()
    expect(await agents.managedBy('t2')).toBe('dyn_1')
    await agents.replace('dyn_1', { name: 'New', metadata: {} }, version('h1'))
    expect(await agents.managedBy('t2')).toBe('dyn_1')
    await agents.remove('dyn_1', entry('h1'))
    expect(await agents.managedBy('t2')).toBeUndefined()
  })
})
