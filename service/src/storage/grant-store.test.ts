import type { Grant } from '#grants'
import type { RevocationEntry } from '#revocation'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const grant: Grant = {
  id: 'g1',
  version: 1,
  user: 'u1',
  agent: 'planner',
  redirectUris: ['https://planner.example/cb'],
  mounts: {
    crm: {
      scopes: ['crm.read'],
      calls: { payroll: { 'crm.read': ['payroll.read'] } },
      delegates: { planner: ['researcher'] },
      since: 1_700_000_000_000,
      expiresAt: 1_750_000_000_000,
    },
  },
  createdAt: 1_700_000_000_000,
  expiresAt: 1_800_000_000_000,
  revokedAt: undefined,
}
const entry: RevocationEntry = { kind: 'grant', idHash: 'h1', at: 5, expiresAt: 1_800_000_000_000 }
const changed: RevocationEntry = { ...entry, kind: 'grant_version' }

describe.each(backends)('grants in %s', (_, place) => {
  test('a grant is found as it was written, by id and as the current one', async () => {
    const { grants } = await place()()
    expect(await grants.insert(grant)).toBe(true)
    expect(await grants.find('g1')).toEqual(grant)
    expect(await grants.current('u1', 'planner')).toEqual(grant)
  })

  test('a grant for one agent is nothing to another agent or user', async () => {
    const { grants } = await place()()
    await grants.insert(grant)
    expect(await grants.current('u1', 'researcher')).toBeUndefined()
    expect(await grants.current('u2', 'planner')).toBeUndefined()
  })

  test('of fifty consents at once for one user and agent one makes the grant', async () => {
    const { grants } = await place()()
    expect(await winnersOfFifty((attempt) => grants.insert({ ...grant, id: `g${attempt}` }))).toBe(1)
    expect(await grants.list()).toHaveLength(1)
  })

  test('of fifty wider consents at once one becomes the next version', async () => {
    const { grants, revocations } = await place()()
    await grants.insert(grant)
    const wider = (attempt: number): Grant => ({ ...grant, version: 2, expiresAt: attempt })
    expect(await winnersOfFifty((attempt) => grants.update(wider(attempt), changed))).toBe(1)
    expect((await grants.find('g1'))?.version).toBe(2)
    expect(await revocations.after(0)).toEqual([{ ...changed, sequence: 1 }])
  })

  test('an old version cannot be written over a newer one, and none can be skipped', async () => {
    const { grants } = await place()()
    await grants.insert({ ...grant, version: 5 })
    for (const version of [4, 5, 7])
      expect(await grants.update({ ...grant, version, mounts: {} }, changed)).toBe(false)
    expect(await grants.find('g1')).toEqual({ ...grant, version: 5 })
  })

  test('a next version can widen and prolong a grant, never hand it to another user or agent', async () => {
    const { grants } = await place()()
    await grants.insert(grant)
    expect(await grants.update({ ...grant, version: 2, user: 'eve' }, changed)).toBe(false)
    expect(await grants.update({ ...grant, version: 2, agent: 'mallory' }, changed)).toBe(false)
    const redirectUris = [...grant.redirectUris, 'https://planner.example/other']
    const next = { ...grant, version: 2, redirectUris, mounts: {}, expiresAt: 1_900_000_000_000 }
    expect(await grants.update(next, changed)).toBe(true)
    expect(await grants.find('g1')).toEqual(next)
  })

  test('revoking marks the grant, grows its version and tells the feed, once under fifty calls at once', async () => {
    const { grants, revocations } = await place()()
    await grants.insert(grant)
    expect(await winnersOfFifty(() => grants.revoke('g1', 5, entry))).toBe(1)
    expect(await grants.find('g1')).toEqual({ ...grant, version: 2, revokedAt: 5 })
    expect(await revocations.after(0)).toEqual([{ ...entry, sequence: 1 }])
  })

  test('a grant is not revoked when the feed cannot be told', async () => {
    const { grants, revocations } = await place()()
    await grants.insert(grant)
    const broken = { ...entry, idHash: null } as unknown as RevocationEntry
    await expect(grants.revoke('g1', 5, broken)).rejects.toMatchObject({ code: 'storage.statement' })
    expect(await grants.find('g1')).toEqual(grant)
    expect(await revocations.after(0)).toEqual([])
    expect(await grants.revoke('g1', 6, entry)).toBe(true)
  })

  test('a grant nobody knows cannot be revoked, and the feed stays silent', async () => {
    const { grants, revocations } = await place()()
    expect(await grants.revoke('g9', 5, entry)).toBe(false)
    expect(await revocations.after(0)).toEqual([])
  })

  test('a revoked grant takes no next version, and makes room for a new grant', async () => {
    const { grants } = await place()()
    await grants.insert(grant)
    await grants.revoke('g1', 5, entry)
    expect(await grants.update({ ...grant, version: 3 }, changed)).toBe(false)
    expect(await grants.current('u1', 'planner')).toBeUndefined()
    const again = { ...grant, id: 'g2', createdAt: grant.createdAt + 1 }
    expect(await grants.insert(again)).toBe(true)
    expect(await grants.current('u1', 'planner')).toEqual(again)
    expect((await grants.list()).map(({ id }) => id)).toEqual(['g2', 'g1'])
  })

  test('a part that was written before parts had ends of their own ends with its grant, and hands to nobody', async () => {
    const { grants } = await place()()
    const old = { scopes: ['crm.read'], calls: {} } as unknown as Grant['mounts'][string]
    await grants.insert({ ...grant, mounts: { crm: old } })
    expect((await grants.find('g1'))?.mounts['crm']).toMatchObject({
      expiresAt: grant.expiresAt,
      delegates: {},
    })
  })

  test('the grants of a user are theirs that are not revoked, newest first', async () => {
    const { grants } = await place()()
    const of = (id: string, user: string, createdAt: number) =>
      grants.insert({ ...grant, id, agent: id, user, createdAt })
    await of('g1', 'u1', 1)
    await of('g2', 'u1', 2)
    await of('g3', 'u2', 3)
    await of('g4', 'u1', 4)
    await grants.revoke('g2', 5, entry)
    expect((await grants.currentOf('u1')).map(({ id }) => id)).toEqual(['g4', 'g1'])
    expect(await grants.currentOf('u3')).toEqual([])
  })

  test('an expired grant is still the current one', async () => {
    const { grants } = await place()()
    await grants.insert({ ...grant, expiresAt: 1 })
    expect((await grants.current('u1', 'planner'))?.id).toBe('g1')
  })

  test('whatever names mounts, scopes and APIs have, they come back the same', async () => {
    const { grants } = await place()()
    const names = fc.array(fc.string(), { maxLength: 3 })
    const edges = fc.dictionary(fc.string(), names, { maxKeys: 3 })
    const mount = fc.record({
      scopes: names,
      calls: fc.dictionary(fc.string(), edges, { maxKeys: 3 }),
      delegates: edges,
      since: fc.nat(),
      expiresAt: fc.nat(),
    })
    const mounts = fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), mount, { maxKeys: 3 })
    let id = 0
    const kept = fc.asyncProperty(mounts, async (mounts) => {
      const written = { ...grant, id: `p${++id}`, agent: `a${id}`, mounts }
      await grants.insert(written)
      expect(JSON.stringify(await grants.find(written.id))).toBe(JSON.stringify(written))
    })
    await fc.assert(kept, { numRuns: 50 })
  })
})
