import { errors } from 'oidc-provider'
import { describe, expect, test } from 'vitest'
import type { Families } from '#grants'
import { hashed, Secret } from '#kernel'
import type { Sealed, Vault } from '#vault'
import { stateAdapter } from './adapter.ts'
import { heldRefreshTokens } from './held-refresh-tokens.ts'
import { createRefreshTokens } from './refresh-tokens.ts'
import type { StateRow, StateStore } from './state-store.ts'

const NOW = 1_700_000_000_000
const LOGIN = 'grant.family.session'

/** An adapter on memory; the vault keeps what it was given and hands out numbers. */
function opened({ live = true, replayed = false, grant = 'grant', caller = 'assistant' } = {}) {
  const rows = new Map<string, StateRow>()
  const sealed = new Map<string, Buffer>()
  const revoked: string[] = []
  const clock = { at: NOW, now: () => clock.at }
  const key = (model: string, idHash: string) => `${model}:${idHash}`
  const state = {
    find: async (model, idHash) => rows.get(key(model, idHash)),
    findByUid: async (model, uidHash) =>
      [...rows.values()].find((row) => row.model === model && row.uidHash === uidHash),
    upsert: async (row) => {
      const before = rows.get(key(row.model, row.idHash))
      rows.set(key(row.model, row.idHash), { ...row, consumedAt: before?.consumedAt })
    },
    consume: async (model, idHash, at, forgetAt) => {
      const row = rows.get(key(model, idHash))
      if (row === undefined || row.consumedAt !== undefined) return false
      rows.set(key(model, idHash), { ...row, consumedAt: at, expiresAt: forgetAt ?? row.expiresAt })
      return true
    },
    remove: async (model, idHash) => void rows.delete(key(model, idHash)),
    removeByGrant: async () => {},
    sweep: async () => {},
  } satisfies StateStore
  const vault = {
    seal: async (place: object, bytes: Uint8Array) => {
      const name = `sealed for ${JSON.stringify(place)}`
      sealed.set(name, Buffer.from(bytes))
      return name as unknown as Sealed
    },
    open: async (place: object, value: Sealed) => {
      if (String(value) !== `sealed for ${JSON.stringify(place)}`) throw new Error('another row')
      return sealed.get(String(value)) ?? Buffer.alloc(0)
    },
  } as unknown as Vault
  const families = {
    live: async (id: string) =>
      live && !revoked.includes(id)
        ? { id, grant, server: 'crm', agent: 'assistant', usedAt: NOW }
        : undefined,
    end: async (id: string) => revoked.push(id) > 0,
  } as unknown as Families
  const replay = { use: async () => !replayed }
  const grants = { live: async () => ({ mounts: { crm: { scopes: ['crm.read'], calls: {} } } }) as never }
  const refreshTokens = createRefreshTokens({
    key: new Secret(new Uint8Array(32)),
    state,
    families,
    clock,
  })
  const adapter = stateAdapter({
    state,
    replay,
    vault,
    grants,
    families,
    refreshTokens,
    clock,
    errors,
    caller: () => caller,
  })
  return { adapter, rows, revoked, clock, families, ids: refreshTokens }
}

describe('the library’s state', () => {
  const code = { accountId: 'the-account', clientId: 'assistant', grantId: LOGIN, uid: 'the-uid', scope: 's' }

  test('a row has neither the id nor anything of the payload but the login it belongs to', async () => {
    const { adapter, rows } = opened()
    await adapter('AuthorizationCode').upsert('the-code', code, 60)
    const row = JSON.stringify([...rows])
    for (const canary of ['the-code', 'the-account', 'the-uid', 'assistant'])
      expect(row).not.toContain(canary)
    expect([...rows.values()]).toEqual([
      expect.objectContaining({
        idHash: hashed('the-code'),
        uidHash: hashed('the-uid'),
        grantId: LOGIN,
      }),
    ])
  })

  test('what was put in comes out, by id and by uid', async () => {
    const { adapter } = opened()
    await adapter('Session').upsert('id', code, 60)
    expect(await adapter('Session').find('id')).toEqual(code)
    expect(await adapter('Session').findByUid('the-uid')).toEqual(code)
    expect(await adapter('Interaction').find('id')).toBeUndefined()
  })

  test('every write of a row is sealed for a version of its own', async () => {
    const { adapter, rows } = opened()
    const versions = []
    for (let i = 0; i < 3; i++) {
      await adapter('Session').upsert('id', code, 60)
      versions.push(rows.get(`Session:${hashed('id')}`)?.version ?? 0)
    }
    expect(versions).toEqual([NOW, NOW + 1, NOW + 2])
  })

  test('what expired is not found', async () => {
    const { adapter, clock } = opened()
    await adapter('Session').upsert('id', code, 60)
    clock.at += 60_000
    expect(await adapter('Session').find('id')).toBeUndefined()
  })

  test('of two uses the second throws and ends the login', async () => {
    const { adapter, revoked } = opened()
    await adapter('AuthorizationCode').upsert('the-code', code, 60)
    await adapter('AuthorizationCode').consume('the-code')
    expect(revoked).toEqual([])
    await expect(adapter('AuthorizationCode').consume('the-code')).rejects.toThrow(errors.InvalidGrant)
    expect(revoked).toEqual(['family'])
  })

  test('a code that was used is found as used while a token that it gave may be accepted', async () => {
    const { adapter, rows, clock } = opened()
    await adapter('AuthorizationCode').upsert('the-code', { ...code, exp: NOW / 1000 + 60 }, 60)
    clock.at += 59_000
    await adapter('AuthorizationCode').consume('the-code')
    const used = { ...code, consumed: NOW / 1000 + 59 }
    // The token: five minutes, and a minute between two clocks.
    clock.at += 360_000
    const found = await adapter('AuthorizationCode').find('the-code')
    expect(found).toMatchObject(used)
    // The library throws away what says that it has expired before it looks whether it was used.
    expect(found?.exp).toBeGreaterThan(clock.at / 1000)
    const [row] = rows.values()
    expect(row?.expiresAt).toBeGreaterThan(clock.at)
    clock.at += 1000
    expect(await adapter('AuthorizationCode').find('the-code')).toBeUndefined()
    expect(row?.expiresAt).toBeLessThanOrEqual(clock.at)
  })

  test('a code that was never used is not found after its minute', async () => {
    const { adapter, clock } = opened()
    await adapter('AuthorizationCode').upsert('the-code', code, 60)
    clock.at += 59_999
    expect(await adapter('AuthorizationCode').find('the-code')).toEqual(code)
    clock.at += 1
    expect(await adapter('AuthorizationCode').find('the-code')).toBeUndefined()
  })

  test('using what was never there throws and ends nothing', async () => {
    const { adapter, revoked } = opened()
    await expect(adapter('AuthorizationCode').consume('x')).rejects.toThrow(errors.InvalidGrant)
    expect(revoked).toEqual([])
  })
})

describe('the library’s Grant', () => {
  const grant = { accountId: 'a', clientId: 'c' }

  test('is found while our grant lives and its login was not ended', async () => {
    const { adapter, revoked } = opened()
    await adapter('Grant').upsert(LOGIN, grant, 60)
    expect(await adapter('Grant').find(LOGIN)).toMatchObject(grant)
    revoked.push('family')
    expect(await adapter('Grant').find(LOGIN)).toBeUndefined()
  })

  test('is gone at once when ours is revoked', async () => {
    const { adapter } = opened({ live: false })
    await adapter('Grant').upsert(LOGIN, grant, 60)
    expect(await adapter('Grant').find(LOGIN)).toBeUndefined()
  })

  test('under an id that is not ours is not found', async () => {
    const { adapter } = opened()
    await adapter('Grant').upsert('x', grant, 60)
    expect(await adapter('Grant').find('x')).toBeUndefined()
  })

  test('holds no more than ours holds now at the server of the login', async () => {
    const { adapter } = opened()
    await adapter('Grant').upsert(LOGIN, { ...grant, resources: { mount: 'crm.write crm.read' } }, 60)
    expect(await adapter('Grant').find(LOGIN)).toMatchObject({ resources: { mount: 'crm.read' } })
  })

  test('does not run out under a login that is in use', async () => {
    const { adapter, clock } = opened()
    const days = 24 * 3600
    await adapter('Grant').upsert(LOGIN, { ...grant, exp: NOW / 1000 + 28 * days }, 28 * days)
    for (let day = 0; day < 100; day += 13) {
      clock.at += 13 * days * 1000
      expect((await adapter('Grant').find(LOGIN))?.exp).toBeGreaterThan(clock.at / 1000)
    }
  })

  test('destroyed, ends its login', async () => {
    const { adapter, revoked } = opened()
    await adapter('Grant').destroy(LOGIN)
    expect(revoked).toEqual(['family'])
  })
})

describe('a refresh token', () => {
  const payload = { accountId: 'a', clientId: 'assistant', grantId: LOGIN, kind: 'RefreshToken' }
  const model = async (options?: Parameters<typeof opened>[0]) => {
    const memory = opened(options)
    const token = memory.ids.first('family')
    const tokens = memory.adapter('RefreshToken')
    await tokens.upsert(token, payload, 1000)
    return { ...memory, token, tokens }
  }

  test('used twice within ten seconds is there both times, and after that ends its login', async () => {
    const { tokens, token, clock, revoked } = await model()
    await tokens.consume(token)
    clock.at += 9999
    expect(await tokens.find(token)).toEqual(payload)
    await tokens.consume(token)
    clock.at += 1
    expect(revoked).toEqual([])
    await expect(tokens.find(token)).rejects.toThrow(errors.InvalidGrant)
    expect(revoked).toEqual(['family'])
  })

  test('used before, where the clock was set back since, is not there for longer than ten seconds either', async () => {
    const { tokens, token, clock, revoked } = await model()
    await tokens.consume(token)
    clock.at -= 10_000
    await expect(tokens.find(token)).rejects.toThrow(errors.InvalidGrant)
    expect(revoked).toEqual(['family'])
  })

  test('that another use took while it was looked at, long ago by now, ends its login', async () => {
    const { tokens, token, clock, revoked } = await model()
    await tokens.consume(token)
    clock.at += 10_000
    await expect(tokens.consume(token)).rejects.toThrow(errors.InvalidGrant)
    expect(revoked).toEqual(['family'])
  })

  test('that was used stays ten minutes longer, and is known for what it is without its row', async () => {
    const { tokens, token, rows, clock, revoked } = await model()
    await tokens.consume(token)
    expect([...rows.values()].map(({ expiresAt }) => expiresAt)).toEqual([clock.at + 600_000])
    rows.clear()
    await expect(tokens.find(token)).rejects.toThrow(errors.InvalidGrant)
    expect(revoked).toEqual(['family'])
  })

  test('shown by another client is not found, and nothing ends', async () => {
    const { tokens, token, revoked } = await model({ caller: 'other' })
    await expect(tokens.find(token)).rejects.toThrow(errors.InvalidGrant)
    await tokens.consume(token)
    const used = await model({ caller: 'other' })
    used.rows.clear()
    await expect(used.tokens.find(used.token)).rejects.toThrow(errors.InvalidGrant)
    expect([...revoked, ...used.revoked]).toEqual([])
  })

  test('that was not used in time is over, and its login is not ended for it', async () => {
    const { tokens, token, rows, clock, revoked } = await model()
    clock.at += 1_000_000
    await expect(tokens.find(token)).rejects.toMatchObject({ cause: { code: 'oauth.refresh_token_expired' } })
    clock.at += 14 * 24 * 3600_000
    rows.clear()
    await expect(tokens.find(token)).rejects.toMatchObject({ cause: { code: 'oauth.refresh_token_expired' } })
    expect(revoked).toEqual([])
  })

  test('is revoked, used or not, by its own agent alone', async () => {
    const { ids, families, tokens, token, revoked } = await model()
    const noted: unknown[] = []
    const audit = { note: (record: object) => void noted.push(record) }
    const held = heldRefreshTokens({ issuer: 'https://as.example', refreshTokens: ids, families, audit })
    const by = (id: string, one: string) =>
      held.revokeRefreshToken({ client: { id, kind: 'agent', proof: {} as never }, token: one })
    await tokens.consume(token)
    await expect(by('other', token)).rejects.toMatchObject({ code: 'oauth.token_of_another' })
    await by('assistant', 'x')
    expect([revoked, noted]).toEqual([[], []])
    await by('assistant', token)
    await by('assistant', token)
    expect([revoked, noted.length]).toEqual([['family'], 1])
    await expect(tokens.find(ids.after(token))).rejects.toMatchObject({
      cause: { code: 'oauth.login_ended' },
    })
  })

  test('of a login that is over is refused', async () => {
    const { tokens, token } = await model({ live: false })
    await expect(tokens.find(token)).rejects.toMatchObject({ cause: { code: 'oauth.login_ended' } })
  })
})

test('an assertion that was used before is refused', async () => {
  const used = opened({ replayed: true }).adapter('ReplayDetection')
  await expect(used.upsert('id', {}, 60)).rejects.toThrow(errors.InvalidClientAuth)
  await expect(opened().adapter('ReplayDetection').upsert('id', {}, 60)).resolves.toBeUndefined()
})
