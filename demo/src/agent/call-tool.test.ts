import type { RequestListener, Server } from 'node:http'
import { type Login, LoginRequired } from '@tetrapod/agent-sdk'
import { afterEach, expect, test } from 'vitest'
import { listen } from '../test-issuer.ts'
import { callTool } from './call-tool.ts'

const started: Server[] = []
afterEach(() => {
  for (const server of started.splice(0)) server.close().closeAllConnections()
})

async function callAt(listener: RequestListener) {
  const resource = `${await listen(started, listener)}/crm/mcp`
  const login: Login = {
    mcpUrl: resource,
    fetch,
    resource,
    issuer: 'http://127.0.0.1',
    scopes: new Set(),
    expiresAt: undefined,
    token: () => 'token',
    authProvider: {
      token: () => Promise.resolve('token'),
      onUnauthorized: () => Promise.reject(new LoginRequired(resource)),
    },
    delegate: () => Promise.reject(new Error('nobody is handed to here')),
  }
  return callTool(resource, login, 'my_commission', {})
}

test('a token that is no longer taken means that the user signs in again', async () => {
  const called = await callAt((_, response) =>
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(),
  )
  expect(called).toEqual({ outcome: 'signed_out' })
})

test('a call that needs another scope is refused with its name', async () => {
  const challenge = 'Bearer error="insufficient_scope", scope="crm.write"'
  const called = await callAt((_, response) =>
    response.writeHead(403, { 'www-authenticate': challenge }).end(),
  )
  expect(called).toEqual({ outcome: 'refused', sentence: expect.stringContaining('crm.write') as string })
})

test('a call that no policy permits is refused with the sentence the gateway sent', async () => {
  const body = { jsonrpc: '2.0', id: 0, error: { code: -32600, message: 'No policy permits this.' } }
  const called = await callAt((_, response) =>
    response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
  )
  expect(called).toEqual({ outcome: 'refused', sentence: 'No policy permits this.' })
})

test('a gateway that breaks off is no answer and no crash', async () => {
  const called = await callAt((_, response) => response.destroy())
  expect(called.outcome).toBe('refused')
})
