import type { Family } from '#grants'
import type { CatalogueEnds, CatalogueRow, RevocationEntry } from '#revocation'
import { describe, expect, test } from 'vitest'
import { backends, begin, winnersOfFifty } from './backends.fixture.ts'

const row = (version: number): CatalogueRow => ({
  version,
  digest: `digest-${version}`,
  standing: [{ kind: 'server', id: 'crm', of: 'https://crm.example' }],
  at: 1_800_000_000_000,
})
const nothing: CatalogueEnds = { at: 9, agents: [], servers: [], accounts: [], entries: [] }
const entry: RevocationEntry = { kind: 'edge', idHash: 'h', at: 9, expiresAt: 1_800_000_000_000 }
const family = (id: string, change: Partial<Family> = {}): Family => ({
  id,
  grant: 'g1',
  session: `s-${change.user ?? 'u1'}`,
  user: 'u1',
  agent: 'planner',
  server: 'crm',
  beganAt: 1,
  usedAt: 1,
  endedAt: undefined,
  ...change,
})

describe.each(backends)('the catalogue that was last in force, in %s', (_, place) => {
  test('is found as it was written, over restarts, and there is none at first', async () => {
    const open = place()
    const before = await open()
    expect(await before.catalogue.read()).toBeUndefined()
    expect(await before.catalogue.replace(row(1), nothing)).toBe(true)
    expect(await before.catalogue.replace(row(2), nothing)).toBe(true)
    await before.close()
    expect(await (await open()).catalogue.read()).toEqual(row(2))
  })

  test('of fifty that take a place at once one does, and its entries alone are in the feed', async () => {
    const { catalogue, revocations } = await place()()
    const ends = { ...nothing, entries: [entry] }
    expect(await winnersOfFifty(() => catalogue.replace(row(1), ends))).toBe(1)
    expect(await winnersOfFifty(() => catalogue.replace(row(2), ends))).toBe(1)
    expect(await catalogue.replace(row(2), ends)).toBe(false)
    expect(await revocations.after(0)).toHaveLength(2)
  })

  test('ends the logins of agents, servers and people that it leaves out, and their sessions; no others', async () => {
    const storage = await place()()
    const { catalogue, families, sessions } = storage
    const logins = [
      family('by-agent', { agent: 'robot' }),
      family('at-server', { server: 'notes' }),
      family('of-user', { user: 'u2' }),
      family('other', { user: 'u3' }),
    ]
    for (const login of logins) expect(await begin(storage, login)).toBe(true)
    const ends = { ...nothing, agents: ['robot'], servers: ['notes'], accounts: ['u2'] }
    await catalogue.replace(row(1), ends)
    const ended = await Promise.all(logins.map(async ({ id }) => (await families.find(id))?.endedAt))
    expect(ended).toEqual([9, 9, 9, undefined])
    expect(await sessions.find('cookie of s-u2')).toBeUndefined()
    expect(await sessions.find('cookie of s-u1')).toBeDefined()
  })
})
