import type { RequestListener, Server } from 'node:http'
import { Client, InsufficientScopeError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { generateClientKey, importClientKey } from '@tetrapod/server-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerFrom } from '../agent/answer.ts'
import { payrollApi } from '../payroll/payroll-api.ts'
import type { Served } from '../serve.ts'
import { listen, type TestIssuer, testIssuer } from '../test-issuer.ts'
import { crm } from './crm-server.ts'

const started: Server[] = []
const parties: Served[] = []
let issuer: TestIssuer
let resource = ''
let payroll = ''

beforeAll(async () => {
  issuer = await testIssuer(started, () => payroll)
  let payrollHandler: RequestListener | undefined
  payroll = await listen(started, (request, response) => payrollHandler?.(request, response))
  const key = await importClientKey(await generateClientKey())
  const api = payrollApi({ issuer: issuer.url, resource: payroll, key })
  payrollHandler = (request, response) => void api.handle(request, response)
  let crmHandler: RequestListener | undefined
  resource = `${await listen(started, (request, response) => crmHandler?.(request, response))}/mcp`
  const server = crm({ issuer: issuer.url, resource, key, payroll })
  crmHandler = (request, response) => void server.handle(request, response)
  parties.push(api, server)
})
afterAll(() => {
  for (const party of parties) party.close()
  for (const server of started) server.close().closeAllConnections()
})

async function call(username: string, name: string, input: Record<string, unknown> = {}, scope = 'crm.read') {
  const token = await issuer.token(username, resource, scope)
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const authProvider = { token: () => Promise.resolve(token) }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(resource), { authProvider, onInsufficientScope: 'throw' }),
  )
  try {
    return await client.callTool({ name, arguments: input })
  } finally {
    await client.close()
  }
}

test('a user finds their own customers and nobody else’s', async () => {
  const alice = JSON.stringify(await call('alice', 'find_customer', { query: 'a' }))
  const bob = JSON.stringify(await call('bob', 'find_customer', { query: 'a' }))
  expect(alice).toContain('Northwind Bakery')
  expect(alice).not.toContain('Alpine Dairy')
  expect(bob).toContain('Alpine Dairy')
  expect(bob).not.toContain('Northwind Bakery')
})

test('the commission is the user’s own, and payroll saw the user and all three actors', async () => {
  const { tokens, api, result } = answerFrom(await call('alice', 'my_commission'), {})
  expect(result).toMatchObject({ month: '2026-10', commission: 2405 })
  expect(tokens[1]).toMatchObject({ aud: resource, client_id: 'gateway', txn: 'txn-alice' })
  expect(tokens[2]).toMatchObject({ aud: payroll, client_id: 'crm', scope: 'payroll.read', txn: 'txn-alice' })
  expect(api.chain).toMatchObject([{ sub: 'crm' }, { client_id: 'gateway' }, { sub: 'assistant' }])
  expect(answerFrom(await call('bob', 'my_commission'), {}).result.commission).toBe(1270)
})

test('the token that came in is traded for one of payroll’s, never passed on', async () => {
  const { tokens } = answerFrom(await call('alice', 'my_commission', { month: '2026-09' }), {})
  expect(tokens[2]['jti']).not.toBe(tokens[1]['jti'])
  const exchange = issuer.exchanges.at(-1)
  expect(exchange?.get('audience')).toBe('payroll')
  expect(exchange?.get('client_assertion')).toBeTruthy()
  const passedOn = await issuer.token('alice', resource, 'payroll.read')
  const answer = await fetch(`${payroll}/commission`, { headers: { authorization: `Bearer ${passedOn}` } })
  expect(answer.status).toBe(401)
})

test.each([
  [
    'alice',
    'my_commission',
    { month: '2020-01' },
    'There is no statement for that month, only for 2026-09, 2026-10.',
  ],
  ['alice', 'my_commission', { month: 'May' }, 'Write the month as YYYY-MM.'],
  ['alice', 'find_customer', { query: ' ' }, 'Say what to look for: a part of a name or a town.'],
  ['mallory', 'find_customer', { query: 'a' }, 'mallory keeps no customers here.'],
  ['mallory', 'my_commission', {}, 'Payroll does not know mallory.'],
  ['__proto__', 'find_customer', { query: 'a' }, '__proto__ keeps no customers here.'],
  ['constructor', 'my_commission', {}, 'Payroll does not know constructor.'],
])('%s calling %s with %o is told what is wrong', async (username, tool, input, sentence) => {
  const result = await call(username, tool, input)
  expect(result.isError).toBe(true)
  expect(JSON.stringify(result.content)).toContain(sentence)
})

test('without crm.write nothing is deleted: the server checks the scope for itself', async () => {
  await expect(call('alice', 'delete_customer', { id: 'c-101' })).rejects.toThrow(InsufficientScopeError)
})

test('payroll wants payroll.read of its own vocabulary', async () => {
  const token = await issuer.token('alice', payroll, 'crm.read')
  const answer = await fetch(`${payroll}/commission`, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(403)
  expect(answer.headers.get('www-authenticate')).toContain('scope="payroll.read"')
})
