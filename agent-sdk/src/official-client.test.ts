import type { IncomingMessage } from 'node:http'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bearerToken } from '@tetrapod/protocol'
import { createAgent } from './agent.ts'
import { generateClientKey, publicJwks } from './client-key.ts'
import { LoginRequired } from './journey-failed.ts'
import { browse, type StandIn, standIn } from './test/stand-in.ts'

let there: StandIn
let accepted: RegExp
let now: number
let agent: ReturnType<typeof createAgent>

beforeEach(async () => {
  const key = await generateClientKey()
  there = await standIn({ id: 'assistant', jwks: publicJwks(key) })
  accepted = /^token-\d+$/
  now = Date.now()
  agent = createAgent({
    client: { id: 'assistant', key },
    redirectUri: 'http://127.0.0.1:4003/callback',
    clock: { now: () => now },
  })
  const challenge = `Bearer resource_metadata="${there.origin}/.well-known/oauth-protected-resource/crm/mcp"`
  const handler = toNodeHandler(createMcpHandler(whoAmI))
  there.differ({
    paths: {
      '/crm/mcp': (request, response, body) =>
        accepted.test(bearerToken(request.headers.authorization) ?? '')
          ? handler(asked(request), response, body === '' ? undefined : JSON.parse(body))
          : response.writeHead(401, { 'www-authenticate': challenge }).end(),
    },
  })
})
afterEach(() => there[Symbol.asyncDispose]())

function whoAmI(): McpServer {
  const server = new McpServer({ name: 'crm', version: '1.0.0' })
  server.registerTool('hello', { description: 'greets' }, () => ({
    content: [{ type: 'text', text: 'hello' }],
  }))
  return server
}

/** The adapter's request type does not allow for what Node leaves undefined. */
function asked(request: IncomingMessage) {
  const { method = 'POST', url = '', headers } = request
  return { method, url, headers, [Symbol.asyncIterator]: () => request[Symbol.asyncIterator]() }
}

async function login() {
  const { url, state } = await agent.begin(there.mcpUrl)
  return agent.finish(await browse(url), state)
}

const modes = { legacy: {}, modern: { versionNegotiation: { mode: { pin: '2026-07-28' } } } } as const

describe.each(Object.entries(modes))('the official client, %s era', (_, options) => {
  const connected = async ({ authProvider }: Awaited<ReturnType<typeof login>>) => {
    const client = new Client({ name: 'assistant', version: '1.0.0' }, options)
    await client.connect(new StreamableHTTPClientTransport(new URL(there.mcpUrl), { authProvider }))
    return client
  }

  test('calls tools with a login as its auth provider', async () => {
    await using closing = new AsyncDisposableStack()
    const client = await connected(await login())
    closing.defer(() => client.close())
    const { content } = await client.callTool({ name: 'hello', arguments: {} })
    expect(content).toEqual([{ type: 'text', text: 'hello' }])
  })

  test('calls tools through the fetch of a login, and knows nothing of tokens', async () => {
    const { fetch } = await login()
    const client = new Client({ name: 'assistant', version: '1.0.0' }, options)
    await client.connect(new StreamableHTTPClientTransport(new URL(there.mcpUrl), { fetch }))
    const { content } = await client.callTool({ name: 'hello', arguments: {} })
    expect(content).toEqual([{ type: 'text', text: 'hello' }])
    accepted = /never/
    const call = client.callTool({ name: 'hello', arguments: {} })
    await expect(call).rejects.toBeInstanceOf(LoginRequired)
    await client.close()
  })

  test('is told to log in again, once, when the server no longer takes the token', async () => {
    const client = await connected(await login())
    accepted = /never/
    const asked = there.seen.length
    const call = client.callTool({ name: 'hello', arguments: {} })
    await expect(call).rejects.toThrow(new LoginRequired(there.mcpUrl))
    await expect(call).rejects.toMatchObject({ mcpUrl: there.mcpUrl })
    expect(there.seen.slice(asked).filter((line) => line.startsWith('POST'))).toHaveLength(1)
    await client.close()
  })

  test('is told to log in again when the token has expired, without sending it', async () => {
    const ended = await login()
    now += 301_000
    await expect(connected(ended)).rejects.toBeInstanceOf(LoginRequired)
  })
})
