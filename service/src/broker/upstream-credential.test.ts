import { type AccessToken, parseAccessToken } from '@tetrapod/protocol'
import { expect, test } from 'vitest'
import type { Grant } from '#grants'
import type { Server } from '#servers'
import type { MintedClaims } from '#tokens'
import { upstreamCredential } from './index.ts'

const ISSUER = 'https://gw.example'
const NOW = 1_800_000_000
const server: Server = {
  key: 'crm',
  name: 'Customers',
  url: 'https://crm.internal/mcp',
  mount: `${ISSUER}/crm/mcp`,
  credential: undefined,
  calls: {},
  scopes: {},
  tools: {},
}
const tokenOne = {
  iss: ISSUER,
  aud: server.mount,
  sub: 'u1',
  client_id: 'planner',
  jti: 'jti-1',
  iat: NOW,
  exp: NOW + 300,
  scope: 'crm.read crm.write',
  auth_time: NOW,
  acr: 'pwd',
  sid: 'session-1',
  sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'alice' },
  txn: 'txn-1',
  act: { iss: ISSUER, sub: 'planner' },
  dlg: { gid: 'g1', hop: 1, rem: 7, anc: ['family-1'] },
}

test('token 2 is for the server’s own URL, by the gateway as the mount, with the scopes of this operation', async () => {
  const { minted, credential } = await credentialFor()
  expect(minted).toMatchObject({
    aud: 'https://crm.internal/mcp',
    client_id: 'gateway',
    scope: 'crm.read',
    exp: NOW + 300,
    act: { iss: ISSUER, sub: server.mount, client_id: 'gateway', act: { iss: ISSUER, sub: 'planner' } },
    dlg: { gid: 'g1', hop: 2, rem: 6, anc: ['family-1', 'jti-1'] },
  })
  expect(credential).toEqual({ headers: { authorization: 'Bearer signed' }, jti: minted?.jti })
})

test('token 2 does not outlive the grant', async () => {
  expect((await credentialFor({ expiresAt: (NOW + 30) * 1000 + 999 })).minted?.exp).toBe(NOW + 30)
})

test('a token that may go no further gets nothing', async () => {
  const dlg = { ...tokenOne.dlg, rem: 0 }
  await expect(credentialFor({}, { ...tokenOne, dlg })).rejects.toMatchObject({ code: 'depth' })
})

test('a token that this mount has acted on before gets nothing', async () => {
  const act = {
    iss: ISSUER,
    sub: 'researcher',
    act: { iss: ISSUER, sub: server.mount, client_id: 'gateway' },
  }
  const looped = { ...tokenOne, act, dlg: { ...tokenOne.dlg, hop: 2 } }
  await expect(credentialFor({}, looped)).rejects.toMatchObject({ code: 'loop' })
})

async function credentialFor(change: Partial<Grant> = {}, claims: object = tokenOne) {
  const clock = { now: () => NOW * 1000 }
  let minted: MintedClaims | undefined
  const tokens = {
    issuer: ISSUER,
    mint: async (claims: MintedClaims) => {
      minted = claims
      return 'signed'
    },
  }
  const subject: AccessToken = parseAccessToken({ typ: 'at+jwt', kid: 'k1' }, claims, {
    issuer: ISSUER,
    audience: server.mount,
    now: NOW,
  })
  const grant: Grant = {
    id: 'g1',
    version: 1,
    user: 'u1',
    agent: 'planner',
    mounts: {},
    redirectUris: [],
    createdAt: 0,
    expiresAt: (NOW + 86_400) * 1000,
    revokedAt: undefined,
    ...change,
  }
  const request = { subject, grant, server, scopes: new Set(['crm.read']) }
  return { credential: await upstreamCredential(request, { tokens, clock }), minted }
}
