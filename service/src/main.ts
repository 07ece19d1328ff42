import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import { join } from 'node:path'
import { adminHandler } from '#admin'
import { accountPages, connectPath } from '#account'
import { type Agents, createAgents, createDocuments, type NamedAgent } from '#agents'
import { type Api, createApis } from '#apis'
import { type Audit, openAudit } from '#audit'
import { createCredentialCache, upstreamCredential } from '#broker'
import { type Catalogue, type ListenAddress, loadCatalogue } from '#catalogue'
import { createDiscovered, createEgress, type Egress, keySet, type Network } from '#egress'
import { gatewayRoutes } from '#gateway'
import { createFamilies, createGrants, type Grant } from '#grants'
import { createFront, type Handler, logged, type Routes, sendJson } from '#http'
import { type Clock, type Log, nowSeconds, systemClock } from '#kernel'
import { type Client, createCookies, oauthRoutes, signedInAs, signInPath, statementChecker } from '#oauth'
import { compilePolicy } from '#policy'
import { createFeed, type Feed, openRevocation, type Revocation, type Ticker } from '#revocation'
import { type ClientCredential, createSecrets } from '#secrets'
import { createServers, createStepUps, type Server } from '#servers'
import { openStorage, type Storage } from '#storage'
import { createTickets } from '#tickets'
import { openTokens } from '#tokens'
import { createUsers, type Session, type User, type Users } from '#users'
import { createVault, openLocalKeyring, proveKeyring } from '#vault'
import type { Configuration } from './config.ts'
import { fault } from './faults.ts'

export interface ServiceOptions {
  readonly config: Configuration
  /** Where the database, the keyring and the operators' socket lie. Made when absent. */
  readonly dataDirectory: string
  /** Where to listen; absent: as the configuration says. */
  readonly listen?: ListenAddress | undefined
  readonly clock?: Clock
  /** How often the revocation feed is read, and how old it is. */
  readonly ticker?: Ticker | undefined
  /** How names become addresses and addresses connections, where an agent says where it is described. */
  readonly network?: Network | undefined
  readonly log: Log
}

/** One running Tetrapod. */
export interface Service {
  readonly publicUrl: string
  /** The operators' socket. */
  readonly socket: string
  readonly warnings: readonly string[]
  /** Serves until it is closed. Throws `service.address_taken`, `service.address_unusable`. */
  listen(): Promise<void>
  /** Lets what has begun finish, then gives everything free. */
  close(): Promise<void>
}

/** How long calls in flight may take to finish once the service is asked to stop. */
const DRAIN_MS = 10_000
/** How often expired state is forgotten. */
const SWEEP_MS = 10 * 60_000
/** How long a login of an agent is remembered after its last use: longer than anything of it can live. */
const FAMILY_KEPT_MS = 90 * 24 * 3600_000
/** The operators' socket in the data directory. */
export const SOCKET = 'tetrapod.sock'

/**
 * The composition root: checks the configuration, opens what is stored, and builds every module with what it needs. The
 * only place that knows all of them.
 */
export async function build({
  config,
  dataDirectory,
  listen,
  clock = systemClock,
  ticker,
  network,
  log,
}: ServiceOptions): Promise<Service> {
  const secrets = createSecrets({ environment: config.environment })
  const { catalogue, warnings } = await loadCatalogue(config.text, { resolve: secrets.resolve })
  const address = listen ?? addressOf(catalogue)
  const { database } = catalogue
  const storage = await openStorage({ directory: dataDirectory, database, now: () => clock.now() })
  try {
    const opened = await open(catalogue, { storage, dataDirectory, clock, ticker, network, log })
    return service(catalogue, { ...opened, address, warnings, storage, dataDirectory, clock, log })
  } catch (error) {
    await storage.close()
    throw error
  }
}

interface Ground {
  readonly storage: Storage
  readonly dataDirectory: string
  readonly clock: Clock
  readonly ticker?: Ticker | undefined
  readonly network?: Network | undefined
  readonly log: Log
}

interface Opened {
  readonly routes: Routes
  readonly probes: Readonly<Record<string, Handler>>
  readonly operators: Handler
  readonly audit: Audit
  readonly agents: Agents
  readonly egress: Egress
  readonly feed: Feed
  readonly revocation: Revocation
}

async function open(catalogue: Catalogue, ground: Ground): Promise<Opened> {
  const { storage, dataDirectory, clock, ticker, network, log } = ground
  const { publicUrl: issuer, registration } = catalogue
  const keyring = await openLocalKeyring({ file: join(dataDirectory, 'keyring.json') })
  const vault = createVault({
    keyring,
    secrets: storage.secrets,
    partitionKeys: storage.partitionKeys,
    clock,
  })
  await proveKeyring(vault)
  const revocation = await openRevocation({
    store: storage.revocations,
    wakeUp: storage.wakeUp,
    clock,
    ticker,
    log,
  })
  const feed = createFeed({ revocation })
  const tokens = await openTokens({
    issuer,
    store: storage.signingKeys,
    vault,
    revocation,
    clock,
    algorithm: catalogue.tokens.algorithm,
  })
  const audit = await openAudit({
    store: storage.bundles,
    leases: storage.leases,
    alone: !storage.shared,
    vault,
    clock,
    log,
  })
  const egress = createEgress({ origins: origins(catalogue) })
  const discovered = createDiscovered(network === undefined ? {} : { network })

  const { documentHosts, dynamic, statements } = registration
  const agents = createAgents({
    named: catalogue.agents,
    hosts: documentHosts,
    store: storage.agents,
    documents: createDocuments({
      hosts: documentHosts,
      discovered,
      met: async (id) => (await storage.agents.find(id)) !== undefined,
      clock,
    }),
    registration: { dynamic, publishers: new Set(statements.map(({ issuer }) => issuer)) },
    revocation,
    clock,
  })
  const servers = createServers(catalogue.servers)
  const stepUps = createStepUps({ store: storage.stepUps, servers, revocation })
  const apis = createApis(catalogue.apis)
  const { accounts, sessions } = storage
  const users = createUsers({ issuer, builtIn: catalogue.users, accounts, sessions, revocation, clock, log })
  const grants = createGrants({ store: storage.grants, revocation, clock })
  const families = createFamilies({ store: storage.families, grants, revocation, clock })
  const policy = compilePolicy(catalogue.rules)
  const records = recorders(audit, users)

  const known = { tokens, agents, servers, apis, users, grants, policy, audit, egress, clock, log }
  const tickets = createTickets({ key: await vault.keep('tickets'), clock })
  const oauth = await oauthRoutes({
    ...known,
    issuer,
    discovered,
    documentHosts,
    connectUrl: (provider) => `${issuer}${connectPath(provider)}`,
    registrationOpen: dynamic || statements.length > 0,
    openToAll: dynamic,
    checkStatement: statementChecker({
      issuer,
      publishers: new Map(statements.map((it) => [it.issuer, keySet(it.jwksUri, egress)])),
      clock,
    }),
    clients: clientsOf(catalogue, egress),
    state: storage.state,
    replay: storage.replay,
    families,
    vault,
    revocation,
    feed,
    tickets,
    cookieKey: await vault.keep('cookies'),
    refreshKey: await vault.keep('refresh-tokens'),
    recordSignIn: records.signIn,
    recordConsent: records.consent,
    recordSignOut: records.signOut,
  })
  const cookies = createCookies(issuer)
  const account = accountPages({
    ...known,
    publicUrl: issuer,
    families,
    tickets,
    session: (header) => users.session(cookies.session(header)),
    signInPath: (to) => signInPath(tickets, { to, hint: '' }),
    signedInAs: (user, session) => signedInAs(user, session, tickets),
    recordRevocation: (grant) => records.revocation(grant, 'user'),
  })
  const probes: Record<string, Handler> = {
    '/livez': (_request, response) => sendJson(response, 200, { live: true }),
    '/readyz': async (_request, response) => {
      const [writable, { current }] = [await audit.ready(), revocation]
      sendJson(response, writable && current ? 200 : 503, {
        ready: writable && current,
        audit: writable ? 'writable' : 'not writable',
        revocation: current ? 'current' : 'stale',
      })
    },
  }
  const obtain = createCredentialCache({
    obtain: (request) => upstreamCredential(request, { tokens, clock }),
    tokens,
    clock,
  })
  const paths = { ...oauth.paths, ...gatewayRoutes({ ...known, issuer, obtain, stepUps }) }
  const operators = adminHandler({
    audit,
    agents,
    grants,
    users,
    keys: tokens.keys,
    recordRevocation: (grant) => records.revocation(grant, 'operator'),
    recordAgentChange: records.agentChange,
    recordSignOut: records.signOutEverywhere,
    log,
  })
  const routes = { paths, segments: { ...oauth.segments, grants: account, connect: account } }
  return { routes, probes, operators, audit, agents, egress, feed, revocation }
}

/** How sign-ins and grants come on record. */
function recorders(audit: Audit, users: Users) {
  const person = async (id: string) => ({ id, username: (await users.find(id))?.subjectId.sub })
  return {
    async signIn(user: User, { id: session, acr }: Session) {
      const { id, subjectId } = user
      await audit.event({
        kind: 'sign_in',
        user: { id, username: subjectId.sub },
        provider: 'built-in',
        session,
        acr,
      })
    },
    async consent({ id: grant, version, user, agent, mounts }: Grant) {
      const scopes = Object.fromEntries(
        Object.entries(mounts).map(([server, granted]) => [server, granted.scopes]),
      )
      const ref = await audit.event({
        kind: 'grant_given',
        user: await person(user),
        agent,
        grant,
        version,
        mounts: scopes,
      })
      return (status: 'failed' | 'unknown', reason: string) => audit.amend(ref, { status, reason })
    },
    agentChange(agent: string, change: 'disabled' | 'enabled') {
      // In force already, as a revocation is.
      audit.note({ kind: 'agent_changed', agent, change, by: 'operator' })
    },
    async revocation({ id: grant, user, agent }: Grant, by: 'user' | 'operator') {
      // It is in force already: the name is left out where it cannot be read, and the operator is not told of a failure.
      const revoked = await person(user).catch(() => ({ id: user }))
      audit.note({ kind: 'grant_revoked', user: revoked, agent, grant, by })
    },
    async signOut({ id: session, account }: Session) {
      // In force already, as a revocation is.
      const user = await person(account).catch(() => ({ id: account }))
      audit.note({ kind: 'sign_out', user, session, by: 'user' })
    },
    signOutEverywhere(id: string, username: string) {
      audit.note({ kind: 'sign_out', user: { id, username }, by: 'operator' })
    },
  }
}

/** Who of the catalogue can prove who they are. Keys are fetched when they are first needed. */
function clientsOf({ agents, servers, apis }: Catalogue, egress: Egress): (id: string) => Client | undefined {
  const client = (kind: Client['kind'], { key, credential }: NamedAgent | Server | Api): Client[] =>
    credential === undefined ? [] : [{ id: key, kind, proof: proofOf(credential, egress) }]
  const clients = [
    ...agents.flatMap((agent) => client('agent', agent)),
    ...servers.flatMap((it) => client('server', it)),
    ...apis.flatMap((it) => client('api', it)),
  ]
  const byId = new Map(clients.map((it) => [it.id, it]))
  return (id) => byId.get(id)
}

function proofOf(credential: ClientCredential, egress: Egress): Client['proof'] {
  return credential.method === 'private_key_jwt'
    ? { keys: keySet(credential.jwksUri, egress) }
    : { secret: credential.secret }
}

/** Every origin that the operator wrote down: the only ones that are ever called. */
function origins({ agents, servers, apis, registration }: Catalogue): readonly string[] {
  const credentials = [...agents, ...servers, ...apis].map(({ credential }) => credential)
  const keySets = credentials.flatMap((it) => (it?.method === 'private_key_jwt' ? [it.jwksUri] : []))
  const publishers = registration.statements.map(({ jwksUri }) => jwksUri)
  return [...servers.map(({ url }) => url), ...keySets, ...publishers].map((url) => new URL(url).origin)
}

function service(
  { publicUrl }: Catalogue,
  deps: Opened & Ground & { readonly address: ListenAddress; readonly warnings: readonly string[] },
): Service {
  const { address, routes, probes, operators, audit, agents, egress, feed, revocation } = deps
  const { storage, clock, log, warnings } = deps
  const socket = join(deps.dataDirectory, SOCKET)
  const front = createFront({ publicUrl, routes, probes, log })
  const operatorsFront = createServer((request, response) => void operators(request, response))
  const sweeping = setInterval(() => {
    const swept = [
      storage.state.sweep(clock.now()),
      storage.replay.sweep(nowSeconds(clock)),
      storage.sessions.sweep(nowSeconds(clock)),
      storage.revocations.sweep(clock.now()),
      storage.families.sweep(clock.now() - FAMILY_KEPT_MS),
      agents.sweep(),
    ]
    Promise.all(swept).catch((error: unknown) => logged(error, log))
  }, SWEEP_MS)
  sweeping.unref()
  return {
    publicUrl,
    socket,
    warnings,
    async listen() {
      // The lock on the data directory says that nobody else listens here.
      await rm(socket, { force: true })
      await listening(operatorsFront, { path: socket })
      await chmod(socket, 0o600)
      await listening(front, address)
    },
    async close() {
      clearInterval(sweeping)
      feed.close()
      await Promise.all([drained(front), drained(operatorsFront)])
      await audit.close()
      await egress.close()
      revocation.close()
      await storage.close()
    },
  }
}

/** Throws `service.listen_missing` where `publicUrl` is a proxy's. */
function addressOf({ publicUrl, listen }: Catalogue): ListenAddress {
  if (listen !== undefined) return listen
  const { protocol, hostname, port } = new URL(publicUrl)
  if (protocol === 'https:') throw fault.listen_missing()
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) }
}

function listening(server: HttpServer, address: ListenAddress | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      reject(
        taken ? fault.address_taken({ cause }) : fault.address_unusable({ detail: cause.code ?? '', cause }),
      )
    })
    server.listen(address, resolve)
  })
}

/** Takes no new connection and waits for the calls in flight, for a while. */
async function drained(server: HttpServer): Promise<void> {
  if (!server.listening) return
  const closed = new Promise((resolve) => server.close(resolve))
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  server.closeIdleConnections()
  await closed
  clearTimeout(late)
}
