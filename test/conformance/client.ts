/**
 * The client that the official conformance suite runs, once per scenario: our agent SDK for authorization, the official
 * MCP client for the protocol. The suite gives the scenario and the revision in the environment, the URL as the last
 * argument.
 */
import { Client, type PriorDiscovery, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createAgent } from '@tetrapod/agent-sdk'
import { contextFrom, issuerOf, registeredClient } from './context.ts'
import { callTools, callsOf } from './scenarios.ts'

const mcpUrl = process.argv.at(-1) ?? ''
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''
const revision = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? ''
const context = contextFrom(process.env['MCP_CONFORMANCE_CONTEXT'])

const client = await connected()
await (callsOf[scenario] ?? callTools)(client, context)
await client.close()

async function connected(): Promise<Client> {
  const isModern = revision >= '2026-07-28'
  const client = new Client(
    { name: 'tetrapod-agent', version: '0.1.0' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } } },
      ...(isModern ? { versionNegotiation: { mode: { pin: revision } } } : {}),
    },
  )
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }))
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { fetch: await agentFetch() })
  await client.connect(transport, isModern && scenario.startsWith('auth/') ? { prior: heard() } : {})
  return client
}

/** The suite's resource servers answer no `server/discover`: a client that has heard it before goes without. */
function heard(): PriorDiscovery {
  return { kind: 'modern', discover: { supportedVersions: [revision], capabilities: { tools: {} } } }
}

async function agentFetch(): Promise<typeof fetch> {
  const asItself = scenario.startsWith('auth/client-credentials')
  const client = await registeredClient(context, asItself ? () => issuerOf(mcpUrl) : undefined)
  const agent = createAgent({
    redirectUri: 'http://127.0.0.1/callback',
    name: 'Tetrapod conformance',
    open: visit,
    ...(client === undefined ? {} : { client }),
    ...(scenario === 'auth/basic-cimd'
      ? { metadataDocument: 'https://conformance-test.local/client-metadata.json' }
      : {}),
  })
  return asItself ? (await agent.asItself(mcpUrl)).fetch : agent.fetch(mcpUrl)
}

/** A browser without a user: goes where the authorization server sends it. */
async function visit(url: string): Promise<void> {
  const response = await fetch(url, { redirect: 'manual' })
  await fetch(response.headers.get('location') ?? url)
}
