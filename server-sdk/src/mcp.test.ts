import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { callerOf } from './caller.ts'
import { protect } from './protect.ts'
import { stepUp } from './step-up.ts'
import { listen, testIssuer } from './test-server.ts'

const ran: string[] = []

function buildServer(): McpServer {
  const server = new McpServer({ name: 'crm', version: '1.0.0' })
  server.registerTool('whoami', { scopeChallenge: requireScopes('crm.read') }, async (context) => {
    const caller = callerOf(context)
    const headers = await caller.exchangeFor('payroll', ['payroll.read'])
    return {
      content: [
        { type: 'text', text: `${caller.user.id} by ${caller.agent.sub}, ${headers['authorization']}` },
      ],
    }
  })
  server.registerTool('pay', { scopeChallenge: requireScopes('crm.read') }, async (context) => {
    try {
      await callerOf(context).exchangeFor('payroll', ['payroll.pay'])
      ran.push('pay')
      return { content: [] }
    } catch (error) {
      return stepUp(error)
    }
  })
  server.registerTool('delete', { scopeChallenge: requireScopes('crm.write') }, () => {
    ran.push('delete')
    return { content: [] }
  })
  return server
}

async function connected(mode: 'legacy' | 'auto') {
  const issuer = await testIssuer()
  const served: { handle?: ReturnType<ReturnType<typeof protect>['guard']> } = {}
  const origin = await listen((request, response) => served.handle?.(request, response))
  const crm = protect({
    issuer: issuer.issuer,
    resource: `${origin}/mcp`,
    scopes: ['crm.read', 'crm.write'],
    client: { id: 'crm', secret: 'hunter2' },
    clock: issuer.clock,
  })
  served.handle = crm.guard(toNodeHandler(createMcpHandler(buildServer)))

  const answers: Response[] = []
  const client = new Client({ name: 'agent', version: '1.0.0' }, { versionNegotiation: { mode } })
  const transport = new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), {
    authProvider: { token: async () => issuer.token(`${origin}/mcp`) },
    onInsufficientScope: 'throw',
    fetch: async (...args) => {
      const answer = await fetch(...args)
      answers.push(answer)
      return answer
    },
  })
  await client.connect(transport)
  onTestFinished(async () => client.close())
  return { client, answers, origin, issuer }
}

describe.each(['legacy', 'auto'] as const)('with the official client (%s)', (mode) => {
  test('a tool knows the user and the agent, and gets the headers for the next API', async () => {
    const { client } = await connected(mode)
    const { content } = await client.callTool({ name: 'whoami', arguments: {} })
    expect(content).toEqual([{ type: 'text', text: 'u1 by planner, Bearer next-1' }])
  })

  test('a tool that needs the user’s consent to go on says to which scope, for people and for the gateway', async () => {
    const { client, issuer } = await connected(mode)
    issuer.answers.token = { status: 400, body: { error: 'consent_required', scope: 'crm.read crm.pay' } }
    const result = await client.callTool({ name: 'pay', arguments: {} })
    expect(result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: expect.stringContaining('crm.read crm.pay') as string }],
      _meta: { 'tetrapod/step-up': { scope: 'crm.read crm.pay' } },
    })
    expect(ran).toEqual([])
  })

  test('a tool whose scope is missing does not run: the challenge names the scope', async () => {
    const { client, answers, origin } = await connected(mode)
    await expect(client.callTool({ name: 'delete', arguments: {} })).rejects.toThrow()
    const answer = answers.at(-1)
    expect(answer?.status).toBe(403)
    const challenge = answer?.headers.get('www-authenticate') ?? ''
    expect(challenge).toContain('error="insufficient_scope"')
    expect(challenge).toContain('scope="crm.write"')
    expect(challenge).toContain(`resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`)
    expect(ran).toEqual([])
  })
})
