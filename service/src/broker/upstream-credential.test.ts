import { revocablesOf } from '@tetrapod/protocol'
import { expect, test } from 'vitest'
import type { Grant } from '#grants'
import type { Server } from '#servers'
import { Secret } from '#kernel'
import type { MintedClaims, TransactionClaims } from '#tokens'
import { grant, ISSUER, NOW, server as crm, signedBy, tokenOne, verified } from './credential.fixture.ts'
import { upstreamCredential } from './upstream-credential.ts'

const actors = {
  iss: ISSUER,
  sub: crm.mount,
  client_id: 'gateway',
  act: { iss: ISSUER, sub: 'planner' },
}
test('token 2 is for the server’s own URL, by the gateway as the mount, with the scopes of this operation', async () => {
  const { minted, headers, expiresAt, revocables } = await credentialFor()
  expect(minted).toMatchObject({
    aud: 'https://crm.internal/mcp',
    client_id: 'gateway',
    scope: 'crm.read',
    exp: NOW + 300,
    act: actors,
    dlg: { gid: 'g1', hop: 2, rem: 6, anc: ['family-1', 'jti-1'] },
  })
  const jti = minted?.jti ?? ''
  expect(headers).toEqual({ authorization: `Bearer ${signedBy('k7', jti)}` })
  expect(expiresAt).toBe(NOW + 300)
  expect(revocables).toEqual([
    expect.arrayContaining([`token ${jti}`, 'token jti-1', 'key k7', 'grant g1', 'session session-1']),
  ])
})

test('an internal server gets a transaction token beside token 2, which it names as what it came from', async () => {
  const { minted, told, headers, expiresAt, revocables } = await credentialFor({ server: { internal: true } })
  expect(headers).toEqual({
    authorization: `Bearer ${signedBy('k7', minted?.jti ?? '')}`,
    'txn-token': signedBy('k7', told?.jti ?? ''),
  })
  expect(expiresAt).toBe(NOW + 60)
  expect(revocables[1]).toEqual(
    expect.arrayContaining([
      `token ${told?.jti ?? ''}`,
      `token ${minted?.jti ?? ''}`,
      'token jti-1',
      'key k7',
    ]),
  )
  expect(told).toEqual({
    iss: ISSUER,
    aud: 'gw.example',
    sub: 'u1',
    jti: expect.not.stringContaining(minted?.jti ?? ''),
    iat: NOW,
    exp: NOW + 60,
    scope: 'crm.read',
    req_wl: 'gateway',
    auth_time: NOW,
    acr: 'pwd',
    sid: 'session-1',
    sub_id: tokenOne.sub_id,
    txn: 'txn-1',
    act: actors,
    dlg: { gid: 'g1', hop: 2, rem: 6, anc: ['family-1', 'jti-1', minted?.jti], to: 'crm' },
  })
})

test('a transaction token does not outlive the token it is issued beside', async () => {
  const { told } = await credentialFor({
    server: { internal: true },
    grant: { expiresAt: (NOW + 30) * 1000 },
  })
  expect(told?.exp).toBe(NOW + 30)
})

const kept = { pattern: 'pre_injected', header: 'x-api-key', value: new Secret('kept') } as const
test.each<[string, Partial<Server>, Readonly<Record<string, string>>]>([
  ['what the operator keeps for it', { upstream: kept }, { 'x-api-key': 'kept' }],
  ['nothing', { upstream: { pattern: 'none' } }, {}],
])('a server whose credential is not ours gets %s, and no token', async (_, server, expected) => {
  const { minted, told, headers, expiresAt, revocables } = await credentialFor({ server })
  expect({ headers, minted, told }).toEqual({ headers: expected, minted: undefined, told: undefined })
  expect(expiresAt).toBe(NOW + 300)
  expect(revocables).toEqual([expect.arrayContaining(['token jti-1', 'grant g1', 'session session-1'])])
})

test.each<[string, Partial<Server>]>([
  ['what the operator keeps', { upstream: kept }],
  ['nothing', { upstream: { pattern: 'none' } }],
])('beside %s, the transaction token comes from token 1 itself', async (_, server) => {
  const { minted, told, expiresAt } = await credentialFor({ server: { ...server, internal: true } })
  expect(minted).toBeUndefined()
  expect(told?.dlg).toEqual({ gid: 'g1', hop: 2, rem: 6, anc: ['family-1', 'jti-1'], to: 'crm' })
  expect(expiresAt).toBe(NOW + 60)
})

test.each<[string, Partial<Server>]>([
  ['what the operator keeps', { upstream: kept }],
  ['nothing', { upstream: { pattern: 'none' } }],
])('a call that was revoked while its record was written is made with %s no more', async (_, server) => {
  await expect(credentialFor({ server, revoked: true })).rejects.toMatchObject({ code: 'revoked' })
})

test('token 2 does not outlive the grant', async () => {
  expect((await credentialFor({ grant: { expiresAt: (NOW + 30) * 1000 + 999 } })).minted?.exp).toBe(NOW + 30)
})

test('a token that may go no further gets nothing', async () => {
  const dlg = { ...tokenOne.dlg, rem: 0 }
  await expect(credentialFor({ claims: { ...tokenOne, dlg } })).rejects.toMatchObject({ code: 'depth' })
})

test('a token that this mount has acted on before gets nothing', async () => {
  const act = {
    iss: ISSUER,
    sub: 'researcher',
    act: { iss: ISSUER, sub: crm.mount, client_id: 'gateway' },
  }
  const looped = { ...tokenOne, act, dlg: { ...tokenOne.dlg, hop: 2 } }
  await expect(credentialFor({ claims: looped })).rejects.toMatchObject({ code: 'loop' })
})

interface Change {
  readonly server?: Partial<Server>
  readonly grant?: Partial<Grant>
  readonly claims?: object
  readonly revoked?: boolean
}

async function credentialFor({
  server: changed,
  grant: change,
  claims = tokenOne,
  revoked = false,
}: Change = {}) {
  const server = { ...crm, ...changed }
  const clock = { now: () => NOW * 1000 }
  let minted: MintedClaims | undefined
  let told: TransactionClaims | undefined
  const tokens = {
    issuer: ISSUER,
    mint: async (claims: MintedClaims) => {
      minted = claims
      return signedBy('k7', claims.jti)
    },
    mintTransaction: async (claims: TransactionClaims) => {
      told = claims
      return signedBy('k7', claims.jti)
    },
    revoked: () => revoked,
  }
  const request = {
    subject: verified(claims),
    grant: { ...grant, ...change },
    server,
    scopes: new Set(['crm.read']),
  }
  const { headers, expiresAt, ends } = await upstreamCredential(request, { tokens, clock })
  const revocables = ends.map((token) => revocablesOf(token).map(({ kind, id }) => `${kind} ${id}`))
  return { headers, expiresAt, revocables, minted, told }
}
