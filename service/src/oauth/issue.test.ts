import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { describe, expect, test } from 'vitest'
import type { Families } from '#grants'
import { faults } from '#kernel'
import type { Servers } from '#servers'
import type { LineageClaims, Tokens } from '#tokens'
import type { Users } from '#users'
import { rootClaims } from './issue.ts'

const lineage = { txn: 'the-txn' } as LineageClaims
const audit = faults('audit', { unavailable: ['unavailable', 'no'] })

/** The library about to sign a token for a login, and what happened in which order. */
function opened({ via = 'RefreshToken', recording = async () => {} } = {}) {
  const happened: string[] = []
  const amended: unknown[] = []
  const login = { live: true }
  const source = {
    grantId: 'grant.family.session',
    accountId: 'u1',
    clientId: 'assistant',
    authTime: 7,
    acr: 'a',
  }
  const ctx = { oidc: { entities: { [via]: source } } } as unknown as KoaContextWithOIDC
  const token = { jti: 'the-jti', aud: 'the-mount', scopes: new Set(['crm.read']) } as never
  const deps = {
    tokens: {
      root: (root: object) => {
        expect(root).toMatchObject({
          grant: 'grant',
          family: 'family',
          session: 'session',
          authTime: 7,
          acr: 'a',
        })
        return lineage
      },
    } as unknown as Tokens,
    users: {
      find: async (id: string) => (id === 'u1' ? { id, subjectId: { sub: 'alice' } } : undefined),
    } as Users,
    servers: { byMount: () => ({ key: 'crm' }) } as unknown as Servers,
    families: {
      live: async () => (login.live ? {} : undefined),
      used: async () => void happened.push('used'),
    } as unknown as Families,
    audit: {
      event: async (input: object) => {
        expect(input).toMatchObject({
          kind: 'token_issued',
          issued: 'the-jti',
          family: 'family',
          scopes: ['crm.read'],
        })
        await recording()
        happened.push('recorded')
        return 'r1-1'
      },
      amend: (...amendment: unknown[]) => void amended.push(amendment),
    },
    log: { info: () => {}, warn: () => {}, error: () => {} },
  }
  const claims = async () => {
    const given = await rootClaims(ctx, token, deps, errors)
    happened.push('given')
    return given
  }
  return { claims, happened, amended, login }
}

describe('token 1', () => {
  test.each(['AuthorizationCode', 'RefreshToken'])(
    'from a %s is on record before its claims are given',
    async (via) => {
      const { claims, happened, amended } = opened({ via })
      expect(await claims()).toEqual(lineage)
      expect(happened).toEqual(['recorded', 'used', 'given'])
      expect(amended).toEqual([])
    },
  )

  test('that cannot be put on record is not given: 503, and come again', async () => {
    const { claims, happened } = opened({ recording: () => Promise.reject(audit.unavailable()) })
    await expect(claims()).rejects.toMatchObject({ error: 'temporarily_unavailable', status: 503 })
    expect(happened).toEqual([])
  })

  test('of a login that ended while it was put on record is not given, and the record says so', async () => {
    const opening = opened({ recording: async () => void (opening.login.live = false) })
    await expect(opening.claims()).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(opening.happened).toEqual(['recorded'])
    expect(opening.amended).toEqual([['r1-1', { status: 'failed', reason: 'oauth.login_ended' }]])
  })

  test('is for nothing but a code or a refresh token of a login', async () => {
    await expect(opened({ via: 'ClientCredentials' }).claims()).rejects.toThrow('known user')
  })
})
