import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ACCESS_TOKEN } from '@tetrapod/protocol'
import { SignJWT } from 'jose'
import { createAgents } from '../../service/src/agents/index.ts'
import { type Api, createApis } from '../../service/src/apis/index.ts'
import { type AuditLine, openAudit } from '../../service/src/audit/index.ts'
import { exchange } from '../../service/src/broker/index.ts'
import { createGrants } from '../../service/src/grants/index.ts'
import { type Log, Secret } from '../../service/src/kernel/index.ts'
import { tokenEndpoint } from '../../service/src/oauth/token-endpoint.ts'
import { compilePolicy, type Rule } from '../../service/src/policy/index.ts'
import { openRevocation } from '../../service/src/revocation/index.ts'
import { createServers, type Server } from '../../service/src/servers/index.ts'
import { openStorage } from '../../service/src/storage/index.ts'
import { type MintedClaims, openTokens } from '../../service/src/tokens/index.ts'
import { createUsers } from '../../service/src/users/index.ts'
import { createVault, openLocalKeyring } from '../../service/src/vault/index.ts'
import { close, listen } from './ports.ts'

export const ISSUER = 'https://gw.example'
export const MOUNT = `${ISSUER}/crm/mcp`
export const CRM_URL = 'https://crm.internal/mcp'
export const NOTES_URL = 'https://notes.internal/mcp'
export const PAYROLL = 'https://payroll.internal'
export const LEDGER = 'https://ledger.internal'
export const START_SECONDS = 1_800_000_000

const agentNode = { iss: ISSUER, sub: 'assistant' }
const gatewayNode = { iss: ISSUER, sub: MOUNT, client_id: 'gateway' }

/** The claims of token 1, honest: what `assistant` holds for the mount of `crm`. Those that are missing are token 2's. */
export const tokenOne = {
  aud: MOUNT,
  client_id: 'assistant',
  jti: 'jti-1',
  act: agentNode,
}

/** The claims of token 2, honest: what the gateway called `crm` with. The grant is filled in by the bench. */
export const tokenTwo = {
  iss: ISSUER,
  aud: CRM_URL,
  sub: 'u1',
  client_id: 'gateway',
  jti: 'jti-2',
  scope: 'crm.read crm.write',
  auth_time: START_SECONDS - 60,
  acr: 'urn:tetrapod:acr:password',
  sid: 'session-1',
  sub_id: { format: 'iss_sub' as const, iss: ISSUER, sub: 'alice' },
  txn: 'txn-1',
  act: { ...gatewayNode, act: agentNode },
}

function scopes(...names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, name]))
}
const server = (key: string, url: string, calls: Server['calls']): Server => ({
  key,
  name: key,
  url,
  mount: `${ISSUER}/${key}/mcp`,
  internal: false,
  upstream: { pattern: 'token_exchange' },
  credential: undefined,
  calls,
  scopes: scopes(`${key}.read`, `${key}.write`),
  tools: {},
})
/** What the catalogue has. The user was shown less: see `shown`. */
const crmCalls = {
  payroll: { 'crm.read': ['payroll.read', 'payroll.tax'], 'crm.write': ['payroll.pay'] },
  ledger: { 'crm.read': ['ledger.read'] },
}
const servers = [
  server('crm', CRM_URL, crmCalls),
  server('notes', NOTES_URL, { payroll: { 'notes.read': ['payroll.read'] } }),
  server('mute', 'https://mute.internal/mcp', {}),
]
const apis = [
  {
    key: 'payroll',
    name: 'Payroll',
    resource: PAYROLL,
    internal: false,
    credential: undefined,
    scopes: scopes('payroll.read', 'payroll.tax', 'payroll.pay', 'payroll.admin'),
  },
  {
    key: 'ledger',
    name: 'Ledger',
    resource: LEDGER,
    internal: false,
    credential: undefined,
    scopes: scopes('ledger.read'),
  },
  {
    key: 'vault',
    name: 'Nobody calls it',
    resource: 'https://vault.internal',
    internal: false,
    credential: undefined,
    scopes: scopes('vault.open'),
  },
]
const shown = {
  redirectUri: 'https://agent.example/callback',
  scopes: ['crm.read'],
  calls: { payroll: { 'crm.read': ['payroll.read'] } },
  delegates: { assistant: ['researcher'], researcher: ['checker'] },
}
/** Who may hand to whom by the catalogue. The user was shown less: see `shown`. */
const delegates: Readonly<Record<string, readonly string[]>> = {
  assistant: ['researcher', 'deputy'],
  researcher: ['checker', 'assistant'],
}
const exchanging = new Set(['assistant', 'researcher', 'checker', 'deputy'])
const agent = (key: string) => ({
  key,
  name: key,
  exchange: exchanging.has(key),
  delegates: delegates[key] ?? [],
  redirectUris: [],
  credential: { method: 'private_key_jwt' as const, jwksUri: `https://${key}.internal/jwks` },
})
const permitExchange: Rule = {
  id: 'policies[1]',
  effect: 'permit',
  terms: { servers: ['crm', 'notes'], apis: ['payroll', 'ledger'] },
}

export interface BenchOptions {
  readonly rules?: readonly Rule[]
  readonly users?: readonly string[]
  readonly agents?: readonly string[]
  /** What APIs ask of their tokens, by key. */
  readonly asks?: Readonly<Record<string, Partial<Pick<Api, 'subject' | 'authentication'>>>>
  /** The ids that users have elsewhere, by user name. */
  readonly linked?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export type Claims = Readonly<Record<string, unknown>>
export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}
export type Bench = Awaited<ReturnType<typeof openBench>>

/**
 * The real exchange behind the real token endpoint, on real storage, where a test may sign any claims with the issuer's own
 * key. Servers authenticate with the secret `{key}-secret`.
 */
export async function openBench({
  rules = [permitExchange],
  users: usernames = ['alice', 'bob'],
  agents: agentKeys = ['assistant', 'researcher', 'checker', 'deputy', 'intruder'],
  asks = {},
  linked = {},
}: BenchOptions = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'tetrapod-exchange-'))
  const clock = { time: START_SECONDS * 1000, now: () => clock.time }
  const log: Log = { info: () => {}, warn: () => {}, error: () => {} }
  const storage = await openStorage({ directory })
  const keyring = await openLocalKeyring({ file: join(directory, 'keyring.json') })
  const vault = createVault({
    keyring,
    secrets: storage.secrets,
    partitionKeys: storage.partitionKeys,
    clock,
  })
  const revocation = await openRevocation({ store: storage.revocations, clock })
  const opened = await openTokens({
    issuer: ISSUER,
    store: storage.signingKeys,
    vault,
    revocation,
    clock,
    algorithm: () => 'ES256',
  })
  const journal = { full: false, onceRecorded: async (): Promise<unknown> => undefined }
  const happened: string[] = []
  const bundles = {
    ...storage.bundles,
    append: async (...row: Parameters<typeof storage.bundles.append>) => {
      if (journal.full) throw new Error('disk full')
      await storage.bundles.append(...row)
      happened.push('recorded')
      await journal.onceRecorded()
    },
  }
  const tokens = {
    ...opened,
    mint: (claims: MintedClaims) => {
      happened.push('minted')
      return opened.mint(claims)
    },
  }
  const audit = await openAudit({ store: bundles, leases: storage.leases, alone: true, vault, clock, log })
  const { accounts, sessions } = storage
  for (const [id, subject] of [
    ['u1', 'alice'],
    ['u2', 'bob'],
  ] as const)
    await accounts.insert({ id, issuer: ISSUER, subject, createdAt: 1 })
  const builtIn = usernames.map((username) => ({
    username,
    name: username,
    groups: [],
    linked: linked[username] ?? {},
    password: new Secret(''),
  }))
  const grants = createGrants({ store: storage.grants, revocation, clock })
  const grant = await grants.give(
    { user: 'u1', agent: 'assistant', server: 'crm', ...shown },
    async () => () => {},
  )
  const modules = {
    tokens,
    agents: createAgents({
      named: agentKeys.map(agent),
      hosts: [],
      store: storage.agents,
      documents: { find: () => Promise.reject(new Error('no documents here')) },
      registration: { dynamic: false, publishers: new Set() },
      revocation,
      clock,
    }),
    servers: createServers(servers),
    apis: createApis(
      apis.map((api) => ({ subject: undefined, authentication: undefined, ...api, ...asks[api.key] })),
    ),
    users: createUsers({ issuer: ISSUER, builtIn, accounts, sessions, revocation, clock, log }),
    grants,
    policy: compilePolicy(rules),
    audit,
    clock,
    connectUrl: (provider: string) => `${ISSUER}/connect/${provider}`,
  }
  const client = async (id: string) => ({
    id,
    kind: 'server' as const,
    proof: { secret: new Secret(`${id}-secret`) },
  })
  const clients = { issuer: ISSUER, find: client, replay: storage.replay, clock }
  const handler = tokenEndpoint({
    clients,
    exchange: (caller, request) => exchange(caller, request, modules),
    check: tokens.check,
    library: (_request, response) => void response.writeHead(599).end(),
    log,
  })
  const http = await listen((request, response) => void handler(request, response), 0)
  const address = http.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { kid, privateKey } = (await opened.keys.current()).signing

  return {
    clock,
    grants,
    revocation,
    grant,
    journal,
    happened,
    verify: opened.verify,
    /** Signs the honest token 2, changed, with the issuer's own key. */
    sign(change: Claims = {}, header: Claims = {}): Promise<string> {
      const now = Math.floor(clock.now() / 1000)
      const dlg = { gid: grant.id, hop: 2, rem: 6, anc: ['family-1', 'jti-1'] }
      return new SignJWT({ ...tokenTwo, iat: now, exp: now + 300, dlg, ...change })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header })
        .sign(privateKey)
    },
    /** Posts an exchange by `crm` for `payroll`, changed. A list sends a parameter once for each member, undefined not at all. */
    async exchange(
      subjectToken: string,
      change: Readonly<Record<string, string | readonly string[] | undefined>> = {},
    ): Promise<Reply> {
      const form = new URLSearchParams()
      const honest = {
        grant_type: GRANT_TOKEN_EXCHANGE,
        subject_token: subjectToken,
        subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
        requested_token_type: TOKEN_TYPE_ACCESS_TOKEN,
        audience: 'payroll',
        client_id: 'crm',
        ...change,
      }
      const all = { ...honest, client_secret: `${honest.client_id}-secret` }
      for (const [name, value] of Object.entries(all))
        for (const each of value === undefined ? [] : [value].flat()) form.append(name, each)
      const answer = await fetch(`http://127.0.0.1:${port}/token`, { method: 'POST', body: form })
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Reply['body'] }
    },
    /** What the audit log says of exchanges, oldest first. */
    lines: (): Promise<readonly AuditLine[]> => audit.tail({ limit: 100 }),
    async close() {
      await close(http)
      await audit.close()
      revocation.close()
      await storage.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
