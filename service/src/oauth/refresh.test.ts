import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { describe, expect, test } from 'vitest'
import type { Servers } from '#servers'
import { refreshAllowed } from './refresh.ts'

/** A refresh of a login with `crm.read` at the mount, about to use its token up. */
function asked({ params = {}, held = 'crm.read', ready = true, known = true } = {}) {
  const ctx = {
    oidc: {
      params,
      requestParamScopes: new Set(String((params as { scope?: string }).scope).split(' ')),
      entities: {
        RefreshToken: { resource: 'the-mount', scopes: new Set(['crm.read', 'openid']) },
        Grant: {
          getResourceScopeFiltered: (_mount: string, scopes: readonly string[]) =>
            scopes.filter((scope) => held.split(' ').includes(scope)).join(' '),
        },
      },
    },
  } as unknown as KoaContextWithOIDC
  const server = { key: 'crm', scopes: { 'crm.read': '', 'crm.write': '' } }
  const servers = { byMount: () => (known ? server : undefined) } as unknown as Servers
  return refreshAllowed({ servers, audit: { ready: async () => ready } }, errors)(ctx)
}

describe('a refresh token is not used up', () => {
  test('unless all that can be refused was', async () => {
    expect(await asked()).toBe(true)
    expect(await asked({ params: { resource: 'the-mount', scope: 'crm.read' } })).toBe(true)
  })

  test('while nothing can be put on record: 503, and come again', async () => {
    await expect(asked({ ready: false })).rejects.toMatchObject({
      error: 'temporarily_unavailable',
      status: 503,
    })
  })

  test.each<[string, string, Parameters<typeof asked>[0]]>([
    ['for another resource', 'invalid_target', { params: { resource: 'another' } }],
    ['for two', 'invalid_target', { params: { resource: ['the-mount', 'the-mount'] } }],
    ['for a server that is not there any more', 'invalid_target', { known: false }],
    ['when the grant holds nothing of the login any more', 'invalid_grant', { held: '' }],
    ['for a token without a scope', 'invalid_scope', { params: { scope: 'openid' } }],
  ])('%s', async (_, error, options) => {
    await expect(asked(options)).rejects.toMatchObject({ error })
  })
})
