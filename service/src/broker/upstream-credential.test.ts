import { revocablesOf } from '@tetrapod/protocol'
import { expect, test } from 'vitest'
import type { Grant } from '#grants'
import type { MintedClaims } from '#tokens'
import { grant, ISSUER, NOW, server, signedBy, tokenOne, verified } from './credential.fixture.ts'
import { upstreamCredential } from './index.ts'

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
  const jti = minted?.jti ?? ''
  expect(credential).toMatchObject({
    headers: { authorization: `Bearer ${signedBy('k7', jti)}` },
    jti,
    expiresAt: NOW + 300,
  })
  const [ends, ...more] = credential.ends
  expect(more).toEqual([])
  expect(ends && revocablesOf(ends)).toEqual(
    expect.arrayContaining([
      { kind: 'token', id: jti },
      { kind: 'token', id: 'jti-1' },
      { kind: 'key', id: 'k7' },
      { kind: 'grant', id: 'g1' },
    ]),
  )
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
      return signedBy('k7', claims.jti)
    },
  }
  const request = {
    subject: verified(claims),
    grant: { ...grant, ...change },
    server,
    scopes: new Set(['crm.read']),
  }
  return { credential: await upstreamCredential(request, { tokens, clock }), minted }
}
