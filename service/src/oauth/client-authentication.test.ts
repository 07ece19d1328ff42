import { ASSERTION_TYPE_JWT } from '@tetrapod/protocol'
import { Fault } from '#kernel'
import { expect, test } from 'vitest'
import { authenticateClient } from './client-authentication.ts'

test('a client whose keys cannot be fetched now is told to come again, not that it lied', async () => {
  const down = new Fault('egress.keys_unavailable', 'unavailable', 'down')
  const keys = () => Promise.reject(down)
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const client_assertion = `${encoded({ alg: 'ES256' })}.${encoded({ sub: 'crm' })}.AAAA`
  const proof = { client_assertion, client_assertion_type: ASSERTION_TYPE_JWT }
  const deps = {
    issuer: 'https://gw.example',
    find: (id: string) => ({ id, kind: 'server' as const, proof: { keys } }),
    replay: { use: async () => true },
    clock: { now: () => 0 },
  }
  await expect(authenticateClient(proof, deps)).rejects.toBe(down)
})
