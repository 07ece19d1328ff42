import { ASSERTION_TYPE_JWT } from '@tetrapod/protocol'
import { CompactSign, createLocalJWKSet, exportJWK, generateKeyPair } from 'jose'
import { Fault, hashed } from '#kernel'
import { describe, expect, test } from 'vitest'
import { authenticateClient } from './client-authentication.ts'

test('a client whose keys cannot be fetched now is told to come again, not that it lied', async () => {
  const down = new Fault('egress.keys_unavailable', 'unavailable', 'down')
  const keys = () => Promise.reject(down)
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const client_assertion = `${encoded({ alg: 'ES256' })}.${encoded({ sub: 'crm' })}.AAAA`
  const proof = { client_assertion, client_assertion_type: ASSERTION_TYPE_JWT }
  const deps = {
    issuer: 'https://gw.example',
    find: async (id: string) => ({ id, kind: 'server' as const, proof: { keys } }),
    replay: { use: async () => true },
    clock: { now: () => 0 },
  }
  await expect(authenticateClient(proof, deps)).rejects.toBe(down)
})

describe('an assertion', () => {
  const claims = '"iss":"crm","aud":"https://gw.example","jti":"one","exp":60'

  /** Sends what `payload` says, signed as it stands. */
  async function sent(payload: string) {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const keys = createLocalJWKSet({ keys: [await exportJWK(publicKey)] })
    const used: unknown[] = []
    const client_assertion = await new CompactSign(Buffer.from(payload))
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey)
    const client = await authenticateClient(
      { client_assertion, client_assertion_type: ASSERTION_TYPE_JWT },
      {
        issuer: 'https://gw.example',
        find: async (id) => ({ id, kind: 'server', proof: { keys } }),
        replay: { use: async (...use) => used.push(use) > 0 },
        clock: { now: () => 0 },
      },
    )
    return { client, used }
  }

  test('is remembered as the library does, until no clock accepts it any more', async () => {
    const { client, used } = await sent(`{"sub":"crm",${claims}}`)
    expect(client.id).toBe('crm')
    expect(used).toEqual([[hashed('crmone'), 60 + 60, 0]])
  })

  test.each([
    ['names its subject twice', `{"sub":"crm",${claims},"sub":"crm"}`],
    ['names its subject twice, once in disguise', `{"sub":"crm",${claims},"s\\u0075b":"crm"}`],
    ['is nested without end', `{"sub":"crm",${claims},"x":${'['.repeat(100)}${']'.repeat(100)}}`],
    ['begins with a byte order mark', `\ufeff{"sub":"crm",${claims}}`],
  ])('that %s is refused: two readers would not read the same', async (_, payload) => {
    await expect(sent(payload)).rejects.toMatchObject({ code: 'oauth.client_unauthenticated' })
  })
})
