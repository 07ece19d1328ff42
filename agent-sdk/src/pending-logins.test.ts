import { expect, test } from 'vitest'
import { createPendingLogins, type PendingLogin } from './pending-logins.ts'
import { memoryStore } from './token-store.ts'

const login = (verifier: string): PendingLogin => ({
  destination: {
    mcpUrl: 'https://crm.example/mcp',
    resource: 'https://crm.example/mcp',
    scopes: undefined,
    server,
  },
  client: { id: 'assistant', proof: { method: 'none' } },
  user: undefined,
  store: memoryStore(),
  redirectUri: 'https://agent.example/callback',
  scopes: undefined,
  verifier,
})

const server = {
  issuer: 'https://as',
  authorizationEndpoint: '',
  tokenEndpoint: '',
  sendsIssuer: true,
  registrationEndpoint: undefined,
  authenticationMethods: [],
  grantTypes: undefined,
  scopes: [],
  readsMetadataDocuments: false,
}

test('a pending login is taken once', () => {
  const pending = createPendingLogins({ now: () => 0 })
  pending.add('s', login('v'))
  expect(pending.take('s')?.verifier).toBe('v')
  expect(pending.take('s')).toBeUndefined()
})

test('a pending login lives ten minutes', () => {
  let now = 0
  const pending = createPendingLogins({ now: () => now })
  pending.add('early', login('v'))
  pending.add('late', login('v'))
  now = 599_999
  expect(pending.take('early')).toBeDefined()
  now = 600_000
  expect(pending.take('late')).toBeUndefined()
})

test('logins that never return do not pile up, and cannot keep a new one out', () => {
  const pending = createPendingLogins({ now: () => 0 })
  for (let i = 0; i <= 1000; i++) pending.add(`s${i}`, login(`v${i}`))
  expect(pending.take('s0')).toBeUndefined()
  expect(pending.take('s1')?.verifier).toBe('v1')
  expect(pending.take('s1000')?.verifier).toBe('v1000')
})
