import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createAgent,
  generateClientKey as generateAgentKey,
  type ClientKey as AgentKey,
  type Login,
  publicJwks,
} from '@tetrapod/agent-sdk'
import { type ClientKey, generateClientKey, importClientKey } from '@tetrapod/server-sdk'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { crm } from '../../demo/src/crm/crm-server.ts'
import { payrollApi } from '../../demo/src/payroll/payroll-api.ts'
import { type Browser, createBrowser, type Page } from '../../demo/src/walk/scripted-browser.ts'
import type { Configuration } from '../../service/src/config.ts'
import type { Network } from '../../service/src/egress/index.ts'
import { type Clock, type Log, Secret } from '../../service/src/kernel/index.ts'
import type { Reloaded } from '../../service/src/composition/reload.ts'
import { build, type Service } from '../../service/src/main.ts'
import type { Ticker } from '../../service/src/revocation/index.ts'
import { hashPassword } from '../../service/src/users/index.ts'
import { close, freePorts, listen } from './ports.ts'

/** The secret that the server `notes` shares with Tetrapod. */
export const NOTES_SECRET = 'notes-secret-0123456789'
export const passwords: Readonly<Record<string, string>> = { alice: 'alice-password', bob: 'bob-password' }

type Handler = (...call: Parameters<RequestListener>) => unknown

/** What a party behind the gateway was sent. */
export interface Received {
  readonly party: 'crm' | 'payroll' | 'notes'
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/**
 * A small company around one real service: the demo's CRM and payroll, a server that is not ours (`notes`), an agent with
 * a key. Everybody talks over sockets.
 */
export interface World {
  readonly publicUrl: string
  readonly dataDirectory: string
  readonly urls: Readonly<Record<'crm' | 'payroll' | 'notes' | 'agent', string>>
  readonly crmKey: ClientKey
  readonly payrollKey: ClientKey
  /** The key of the agent `assistant`, as it registered it. */
  readonly agentKey: AgentKey
  readonly clock: Clock & { advance(milliseconds: number): void }
  /** All that the service logged, as text. */
  readonly logged: readonly string[]
  readonly received: readonly Received[]
  /** Where an agent finds a server: its mount. */
  mount(server: 'crm' | 'notes'): string
  /** The whole journey of an agent, the pages filled in by a person named so. */
  signIn(username: string, options?: SignInOptions): Promise<Login>
  /** Fills in whatever sign-in and consent pages follow, until somebody else's page. */
  agree(browser: Browser, page: Page, username: string): Promise<Page>
  /** The bearer token that a party behind the gateway was last sent. */
  lastToken(party: Received['party']): string
  readonly service: Running
  /** Stops the service and starts it on the same data, with a changed configuration if one is given. */
  restart(amend?: Amend): Promise<void>
  /** Edits the configuration of the running service: what is given to it is the one it was opened with. */
  edit(amend: Amend): Promise<Reloaded>
  close(): Promise<void>
}

/** A service that serves. */
export type Running = Pick<Service, 'socket' | 'close'> & Partial<Pick<Service, 'reload'>>

/** What a service is started with. */
export interface Started {
  readonly publicUrl: string
  readonly config: Configuration
  readonly dataDirectory: string
  readonly clock: Clock
  readonly ticker: Ticker | undefined
  readonly network: Network | undefined
  readonly log: Log
}

export interface SignInOptions {
  readonly server?: 'crm' | 'notes'
  readonly scopes?: readonly string[]
  readonly browser?: Browser
  readonly prompt?: 'login' | 'consent'
}

/** Changes the text of the configuration. */
export type Amend = (text: string) => string

export interface WorldOptions {
  /** Replaces the rules. */
  readonly policies?: string
  /** Replaces the server `notes`: by one that misbehaves. */
  readonly upstream?: RequestListener
  readonly amend?: Amend
  /** Stands for the names and addresses of everybody else. */
  readonly network?: Network
  /** The URL of a PostgreSQL database. Absent: SQLite. */
  readonly database?: string | undefined
  /** Plays when the revocation feed is read. */
  readonly ticker?: Ticker
  /** Starts the service. Absent: in this process. */
  readonly run?: (started: Started) => Promise<Running>
}

export async function openWorld({
  policies = everyRule,
  amend,
  upstream,
  network,
  database,
  ticker,
  run = runHere,
}: WorldOptions = {}): Promise<World> {
  const [own, crmPort, payrollPort, notesPort, agentPort] = (await freePorts(5)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const at = (port: number) => `http://127.0.0.1:${port}`
  const publicUrl = at(own)
  const urls = {
    crm: `${at(crmPort)}/mcp`,
    payroll: at(payrollPort),
    notes: `${at(notesPort)}/mcp`,
    agent: `${at(agentPort)}/callback`,
  }
  const dataDirectory = await mkdtemp(join(tmpdir(), 'tetrapod-'))
  const clock = testClock()
  const logged: string[] = []
  const received: Received[] = []
  const crmKey = await importClientKey(await generateClientKey())
  const payrollKey = await importClientKey(await generateClientKey())
  const agentKey = await generateAgentKey()
  const agent = createAgent({ client: { id: 'assistant', key: agentKey }, redirectUri: urls.agent })

  const recording = (party: Received['party'], handler: Handler): RequestListener => {
    return (request, response) => {
      const { method = '', url = '', headers } = request
      received.push({ party, method, url, headers })
      void handler(request, response)
    }
  }
  const issuer = publicUrl
  const parties = {
    crm: crm({ issuer, resource: urls.crm, key: crmKey, payroll: urls.payroll }),
    payroll: payrollApi({ issuer, resource: urls.payroll, key: payrollKey }),
  }
  const servers: Server[] = await Promise.all([
    listen(recording('crm', parties.crm.handle), crmPort),
    listen(recording('payroll', parties.payroll.handle), payrollPort),
    listen(recording('notes', upstream ?? notesServer()), notesPort),
    listen((_request, response) => void response.end(JSON.stringify(publicJwks(agentKey))), agentPort),
  ])

  const asWritten = configuration({ publicUrl, urls, policies, hashes: await hashes(), database })
  const start = async (amend: Amend = (text) => text) => {
    const text = amend(asWritten)
    const config = { text, environment: { NOTES_SECRET, DATABASE_URL: database } }
    return run({ publicUrl, config, dataDirectory, clock, ticker, network, log: memoryLog(logged) })
  }
  let service = await start(amend)

  const agree = async (browser: Browser, page: Page, username: string): Promise<Page> => {
    let at = page
    for (let step = 0; step < 4 && new URL(at.url).origin === publicUrl; step++) {
      const [form] = at.forms
      if (form === undefined || at.status !== 200) return at
      const values =
        'password' in form.fields ? { username, password: passwords[username] ?? '' } : { decision: 'allow' }
      at = await browser.submit(at, form, values)
    }
    return at
  }
  const mount = (server: string) => `${publicUrl}/${server}/mcp`

  return {
    publicUrl,
    dataDirectory,
    urls,
    crmKey,
    payrollKey,
    agentKey,
    clock,
    logged,
    received,
    mount,
    agree,
    async signIn(username, { server = 'crm', scopes, browser = createBrowser(), prompt } = {}) {
      const { url, state } = await agent.begin(mount(server), {
        ...(scopes === undefined ? {} : { scopes }),
        ...(prompt === undefined ? {} : { prompt }),
      })
      const back = await agree(browser, await browser.open(url), username)
      return agent.finish(back.url, state)
    },
    lastToken(party) {
      const last = received.findLast((it) => it.party === party && it.headers.authorization !== undefined)
      return last?.headers.authorization?.replace('Bearer ', '') ?? ''
    },
    get service() {
      return service
    },
    async restart(changed = amend) {
      await service.close()
      service = await start(changed)
    },
    async edit(change) {
      if (service.reload === undefined) throw new Error('it runs elsewhere')
      return service.reload(change((amend ?? ((text) => text))(asWritten)))
    },
    async close() {
      for (const party of Object.values(parties)) party.close()
      await service.close()
      await Promise.all(servers.map(close))
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

async function runHere({ config, dataDirectory, clock, ticker, network, log }: Started): Promise<Running> {
  const started = await build({ config, dataDirectory, clock, ticker, network, log })
  await started.listen()
  return started
}

/** A server that is not ours: as the authors of the official SDK show it, with no idea of tokens. */
function notesServer(): RequestListener {
  const handle = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'notes', version: '1.0.0' })
      const inputSchema = z.object({ text: z.string() })
      server.registerTool('echo', { description: 'Says it again.', inputSchema }, ({ text }) => ({
        content: [{ type: 'text', text }],
      }))
      return server
    }),
  )
  return (request, response) =>
    void handle(Object.assign(request, { method: request.method ?? '', url: request.url ?? '' }), response)
}

async function hashes(): Promise<Readonly<Record<string, string>>> {
  const entries = Object.entries(passwords).map(async ([username, password]) => {
    return [username, await hashPassword(new Secret(password))] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

/** A second agent, at the first one's redirect URI: only the binding of what we give keeps the two apart. */
export const twoAgents: Amend = (text) =>
  text.replace(
    'agents:',
    `agents:
  other:
    redirect_uris: [${/redirect_uris: \[(.*)\]/.exec(text)?.[1] ?? ''}]
    secret: env:NOTES_SECRET`,
  )

/** How the second agent proves who it is, in place of how the first one does. */
export const byOther = {
  client_assertion: undefined,
  client_assertion_type: undefined,
  client_id: 'other',
  client_secret: NOTES_SECRET,
}

const everyRule = `
  - permit: { groups: [sales], servers: [crm] }
  - permit: { servers: [notes] }
  - permit: { servers: [crm, notes], apis: [payroll] }
  - forbid: { users: [bob], servers: [crm], tools: [delete_customer] }`

function configuration({
  publicUrl,
  urls,
  policies,
  hashes,
  database,
}: Pick<World, 'publicUrl' | 'urls'> & {
  readonly policies: string
  readonly hashes: Readonly<Record<string, string>>
  readonly database: string | undefined
}): string {
  return `
publicUrl: ${publicUrl}
${database === undefined ? '' : 'database: env:DATABASE_URL'}
users:
  alice: { name: Alice Adams, groups: [sales], password: "${hashes['alice'] ?? ''}" }
  bob: { name: Bob Brown, groups: [sales], password: "${hashes['bob'] ?? ''}" }
agents:
  assistant:
    name: Test assistant
    redirect_uris: [${urls.agent}]
    jwks_uri: ${new URL(urls.agent).origin}/jwks
servers:
  crm:
    name: Customers
    url: ${urls.crm}
    client: { jwks_uri: ${new URL(urls.crm).origin}/.well-known/jwks.json }
    scopes: { crm.read: Read your customers, crm.write: Change your customers }
    calls: { payroll: { crm.read: [payroll.read] } }
    tools: { delete_customer: { scopes: [crm.write] }, "*": { scopes: [crm.read] } }
  notes:
    name: Notes
    url: ${urls.notes}
    client: { secret: env:NOTES_SECRET }
    scopes: { notes.read: Read your notes }
    calls: { payroll: { notes.read: [payroll.read] } }
    tools: { echo: { scopes: [notes.read] } }
apis:
  payroll:
    name: Payroll
    resource: ${urls.payroll}
    client: { jwks_uri: ${urls.payroll}/.well-known/jwks.json }
    scopes: { payroll.read: Read your payslips, payroll.pay: Pay somebody }
policies: ${policies}
`
}

function testClock(): World['clock'] {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    advance: (milliseconds) => {
      offset += milliseconds
    },
  }
}

function memoryLog(lines: string[]): Log {
  const write = (level: string) => (members: object, message: string) => {
    lines.push(`${level} ${message} ${JSON.stringify(members)}`)
  }
  return { info: write('info'), warn: write('warn'), error: write('error') }
}
