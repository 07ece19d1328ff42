import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Login } from '@tetrapod/agent-sdk'
import { findPostgres, type FreshSchema, freshSchema } from '../support/postgres.ts'
import { openWorld, type World } from '../support/world.ts'

/** The official client, pinned to the revision that the gateway speaks. */
async function clientFor(login: Login): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  await client.connect(
    new StreamableHTTPClientTransport(new URL(login.resource), { authProvider: login.authProvider }),
  )
  return client
}

test('who may call nothing of a server sees no tool, and the server does not hear of them', async () => {
  const world = await openWorld({ policies: '\n  - permit: { users: [alice], servers: [notes] }' })
  try {
    const client = await clientFor(await world.signIn('bob', { server: 'notes' }))
    expect((await client.listTools()).tools).toEqual([])
    expect(world.received.filter(({ party }) => party === 'notes')).toEqual([])
    await client.close()
  } finally {
    await world.close()
  }
})

const server = findPostgres()
const databases = ['SQLite', ...(server === undefined ? [] : ['PostgreSQL'])]

describe.each(databases)('the walk on %s: user, agent, gateway, MCP server, API', (database) => {
  let world: World
  let schema: FreshSchema | undefined
  beforeAll(async () => {
    if (server !== undefined && database === 'PostgreSQL') schema = await freshSchema(server)
    world = await openWorld({ database: schema?.url })
  })
  afterAll(async () => {
    await world.close()
    await schema?.drop()
  })

  test('the official client calls a tool and the API answers for the user of the token alone', async () => {
    const results = new Map<string, unknown>()
    for (const username of ['alice', 'bob']) {
      const client = await clientFor(await world.signIn(username))
      const result = await client.callTool({ name: 'my_commission', arguments: {} })
      expect(result.isError).toBeFalsy()
      results.set(username, result.structuredContent)
      await client.close()
    }
    expect(results.get('alice')).not.toEqual(results.get('bob'))
  })

  test('every hop has a token of its own, and the chain grows by who acts', async () => {
    const login = await world.signIn('alice', { scopes: ['crm.read'] })
    const client = await clientFor(login)
    await client.callTool({ name: 'my_commission', arguments: {} })
    await client.close()
    const iss = world.publicUrl
    const agent = { iss, sub: 'assistant' }
    const gateway = { iss, sub: world.mount('crm'), client_id: 'gateway' }
    const [one, two, three] = [login.token() ?? '', world.lastToken('crm'), world.lastToken('payroll')].map(
      (token) => decodeJwt(token),
    )
    expect(one).toMatchObject({
      client_id: 'assistant',
      aud: world.mount('crm'),
      scope: 'crm.read',
      act: agent,
    })
    expect(two).toMatchObject({
      client_id: 'gateway',
      aud: world.urls.crm,
      scope: 'crm.read',
      act: { ...gateway, act: agent },
    })
    expect(three).toMatchObject({
      client_id: 'crm',
      aud: world.urls.payroll,
      scope: 'payroll.read',
      act: { iss, sub: 'crm', act: { ...gateway, act: agent } },
    })
    for (const constant of ['sub', 'txn', 'sid', 'auth_time', 'acr', 'sub_id']) {
      expect([two?.[constant], three?.[constant]]).toEqual([one?.[constant], one?.[constant]])
    }
    expect(new Set([one?.jti, two?.jti, three?.jti]).size).toBe(3)
  })

  test('a server that is not ours gets a token it ignores, and works', async () => {
    const client = await clientFor(await world.signIn('alice', { server: 'notes' }))
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo'])
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'hello' } })
    expect(content).toEqual([{ type: 'text', text: 'hello' }])
    expect(decodeJwt(world.lastToken('notes'))).toMatchObject({ aud: world.urls.notes, client_id: 'gateway' })
    await client.close()
  })

  test('a list shows what the policy lets this user call, and a call of the rest is an unknown tool', async () => {
    const names = async (username: string) => {
      const client = await clientFor(await world.signIn(username))
      const { tools } = await client.listTools()
      return { client, tools: tools.map(({ name }) => name) }
    }
    const alice = await names('alice')
    const bob = await names('bob')
    expect(alice.tools).toContain('delete_customer')
    expect(bob.tools).not.toContain('delete_customer')
    await expect(bob.client.callTool({ name: 'delete_customer', arguments: { id: 'c-1' } })).rejects.toThrow(
      /Unknown tool/,
    )
    await Promise.all([alice.client.close(), bob.client.close()])
  })
})
