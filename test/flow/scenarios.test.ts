import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createAgent, type Login } from '@tetrapod/agent-sdk'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBrowser } from '../../demo/src/walk/scripted-browser.ts'
import { openWorld, type World } from '../support/world.ts'

type Document = Readonly<Record<string, unknown>>

/** What the demo's CRM tells of what its API saw. */
const claimsSeen = z.object({
  'tetrapod.demo/received': z.object({ api: z.object({ claims: z.record(z.string(), z.unknown()) }) }),
})

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const resourceMetadataUrl = (server: string) =>
  `${world.publicUrl}/.well-known/oauth-protected-resource/${server}/mcp`
const serverMetadataUrl = () => `${world.publicUrl}/.well-known/oauth-authorization-server`
const documentAt = async (url: string) => (await (await fetch(url)).json()) as Document

/** The agent of this company. `lies` answer some URLs in place of the service; `asked` are all URLs it went to. */
function agentWith(lies: Readonly<Record<string, Document>> = {}) {
  const asked: string[] = []
  const agent = createAgent({
    client: { id: 'assistant', key: world.agentKey },
    redirectUri: world.urls.agent,
    fetch: (input, init) => {
      const { url } = new Request(input, init)
      asked.push(url)
      const lie = lies[url]
      return lie === undefined ? fetch(input, init) : Promise.resolve(Response.json(lie))
    },
  })
  return { agent, asked }
}

async function logIn(): Promise<Login> {
  const { agent } = agentWith()
  const { url, state } = await agent.begin(world.mount('crm'))
  const browser = createBrowser()
  const back = await world.agree(browser, await browser.open(url), 'alice')
  return agent.finish(back.url, state)
}

describe('an agent discovers a new server', () => {
  test('from nothing but its URL: the 401 says where the server’s metadata is, which is about this URL', async () => {
    const { agent, asked } = agentWith()
    await agent.begin(world.mount('crm'))
    expect(asked.slice(0, 2)).toEqual([world.mount('crm'), resourceMetadataUrl('crm')])
    expect(await documentAt(resourceMetadataUrl('crm'))).toMatchObject({
      resource: world.mount('crm'),
      authorization_servers: [world.publicUrl],
      scopes_supported: ['crm.read', 'crm.write'],
    })
  })

  test('and asks for the scopes of that server, for that server alone', async () => {
    const { url } = await agentWith().agent.begin(world.mount('notes'))
    const { searchParams } = new URL(url)
    expect(searchParams.get('resource')).toBe(world.mount('notes'))
    expect(searchParams.get('scope')).toBe('notes.read')
  })

  test('and goes no further with the metadata of another server', async () => {
    const lies = { [resourceMetadataUrl('notes')]: await documentAt(resourceMetadataUrl('crm')) }
    const { agent, asked } = agentWith(lies)
    await expect(agent.begin(world.mount('notes'))).rejects.toMatchObject({
      code: 'discovery.resource_mismatch',
    })
    expect(asked).not.toContain(serverMetadataUrl())
  })
})

describe('an agent learns where to get tokens', () => {
  test('from the metadata of the authorization server that the server names, and from nowhere else', async () => {
    const { agent, asked } = agentWith()
    const { url } = await agent.begin(world.mount('crm'))
    expect(asked).toEqual([world.mount('crm'), resourceMetadataUrl('crm'), serverMetadataUrl()])
    const metadata = await documentAt(serverMetadataUrl())
    expect(metadata).toMatchObject({
      issuer: world.publicUrl,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    })
    expect(url.split('?')[0]).toBe(metadata['authorization_endpoint'])
    expect((await logIn()).issuer).toBe(world.publicUrl)
  })

  test.each([
    ['of another issuer', { issuer: 'https://as.example' }, 'discovery.issuer_mismatch'],
    ['without PKCE', { code_challenge_methods_supported: undefined }, 'discovery.pkce_unsupported'],
    [
      'with a token endpoint in the clear',
      { token_endpoint: 'http://as.example/token' },
      'discovery.url_refused',
    ],
  ])('and goes no further with metadata %s', async (_, changed, code) => {
    const lies = { [serverMetadataUrl()]: { ...(await documentAt(serverMetadataUrl())), ...changed } }
    await expect(agentWith(lies).agent.begin(world.mount('crm'))).rejects.toMatchObject({ code })
  })
})

describe('a server calls an API on the user’s behalf', () => {
  const called = async (login: Login) => {
    const client = new Client(
      { name: 'scenario', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    )
    await client.connect(new StreamableHTTPClientTransport(new URL(login.mcpUrl), { fetch: login.fetch }))
    const result = await client.callTool({ name: 'my_commission', arguments: {} })
    await client.close()
    return result
  }
  /** The chain as a list of client ids, the one who acts now first. */
  const actorsOf = (act: unknown): readonly unknown[] => {
    const { sub, client_id: client = sub, act: before } = act as Document
    return before === undefined ? [client] : [client, ...actorsOf(before)]
  }

  test('and the API sees who the user is, and everybody who acts for them', async () => {
    const login = await logIn()
    const result = await called(login)
    expect(result.isError).toBeFalsy()
    const claims = claimsSeen.parse(result._meta)['tetrapod.demo/received'].api.claims
    expect(actorsOf(claims['act'])).toEqual(['crm', 'gateway', 'assistant'])
    const { sub, txn } = decodeJwt(login.token() ?? '')
    expect(claims).toMatchObject({
      iss: world.publicUrl,
      aud: world.urls.payroll,
      sub,
      txn,
      scope: 'payroll.read',
    })
    expect(claims['sub_id']).toMatchObject({ sub: 'alice' })
  })

  test('with a token of its own: neither the agent’s nor the one the server was called with opens the API', async () => {
    const login = await logIn()
    await called(login)
    const commission = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(new URL('/commission', world.urls.payroll), { headers })).status
    }
    const tokens = [login.token() ?? '', world.lastToken('crm'), world.lastToken('payroll')]
    expect(new Set(tokens).size).toBe(3)
    expect(await Promise.all(tokens.map(commission))).toEqual([401, 401, 200])
  })
})
