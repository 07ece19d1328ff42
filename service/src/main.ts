import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import { join } from 'node:path'
import { adminHandler } from '#admin'
import { accountPages } from '#account'
import { type Agent, createAgents } from '#agents'
import { type Api, createApis } from '#apis'
import { type Audit, openAudit } from '#audit'
import { type Catalogue, loadCatalogue } from '#catalogue'
import { createEgress, type Egress, keySet } from '#egress'
import { gatewayRoutes } from '#gateway'
import { createFamilies, createGrants, type Grant } from '#grants'
import { createFront, type Handler, logged, type Routes, sendJson } from '#http'
import { type Clock, type Log, nowSeconds, systemClock } from '#kernel'
import { type Client, createCookies, oauthRoutes, signedInAs, signInPath } from '#oauth'
import { compilePolicy } from '#policy'
import { createFeed, type Feed, openRevocation } from '#revocation'
import { type ClientCredential, createSecrets } from '#secrets'
import { createServers, type Server } from '#servers'
import { openStorage, type Storage } from '#storage'
import { createTickets } from '#tickets'
import { openTokens } from '#tokens'
import { createUsers, type Session, type User, type Users } from '#users'
import { createVault, openLocalKeyring, type Vault } from '#vault'
import type { Configuration } from './config.ts'
import { fault } from './faults.ts'

export interface ServiceOptions {
  readonly config: Configuration
  /** Where the database, the keyring and the operators' socket lie. Made when absent. */
  readonly dataDirectory: string
  readonly clock?: Clock
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
  clock = systemClock,
  log,
}: ServiceOptions): Promise<Service> {
  const secrets = createSecrets({ environment: config.environment })
  const { catalogue, warnings } = await loadCatalogue(config.text, { resolve: secrets.resolve })
  const { database } = catalogue
  const storage = await openStorage({ directory: dataDirectory, database, now: () => clock.now() })
  try {
    const opened = await open(catalogue, { storage, dataDirectory, clock, log })
    return service(catalogue, { ...opened, warnings, storage, dataDirectory, clock, log })
  } catch (error) {
    await storage.close()
    throw error
  }
}

interface Ground {
  readonly storage: Storage
  readonly dataDirectory: string
  readonly clock: Clock
  readonly log: Log
}

interface Opened {
  readonly routes: Routes
  readonly operators: Handler
  readonly audit: Audit
  readonly egress: Egress
  readonly feed: Feed
}

async function open(catalogue: Catalogue, { storage, dataDirectory, clock, log }: Ground): Promise<Opened> {
  const issuer = catalogue.publicUrl
  const keyring = await openLocalKeyring({ file: join(dataDirectory, 'keyring.json') })
  const vault = createVault({
    keyring,
    secrets: storage.secrets,
    partitionKeys: storage.partitionKeys,
    clock,
  })
  const revocation = await openRevocation({ store: storage.revocations, clock })
  const feed = createFeed({ revocation })
  const tokens = await openTokens({ issuer, store: storage.signingKeys, vault, revocation, clock })
  const audit = await openAudit({
    store: storage.bundles,
    vault,
    replica: await replicaName(vault),
    clock,
    log,
  })
  const egress = createEgress({ origins: origins(catalogue) })

  const agents = createAgents(catalogue.agents)
  const servers = createServers(catalogue.servers)
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
    registered: catalogue.agents,
    clients: clientsOf(catalogue, egress),
    state: storage.state,
    replay: storage.replay,
    families,
    vault,
    feed,
    tickets,
    cookieKey: await vault.keep('cookies'),
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
  const health: Record<string, Handler> = {
    '/livez': (_request, response) => sendJson(response, 200, { live: true }),
    '/readyz': async (_request, response) => {
      const ready = await audit.ready()
      sendJson(response, ready ? 200 : 503, { ready, audit: ready ? 'writable' : 'not writable' })
    },
  }
  const paths = { ...oauth.paths, ...gatewayRoutes({ ...known, issuer }), ...health }
  const operators = adminHandler({
    audit,
    grants,
    users,
    recordRevocation: (grant) => records.revocation(grant, 'operator'),
    recordSignOut: records.signOutEverywhere,
    log,
  })
  return {
    routes: { paths, segments: { ...oauth.segments, grants: account } },
    operators,
    audit,
    egress,
    feed,
  }
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

/** The name of this data directory's audit log: made once, kept with the data. */
async function replicaName(vault: Vault): Promise<string> {
  return Buffer.from((await vault.keep('replica')).reveal().subarray(0, 6)).toString('hex')
}

/** Who of the catalogue can prove who they are. Keys are fetched when they are first needed. */
function clientsOf({ agents, servers, apis }: Catalogue, egress: Egress): (id: string) => Client | undefined {
  const client = (kind: Client['kind'], { key, credential }: Agent | Server | Api): Client[] =>
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
function origins({ agents, servers, apis }: Catalogue): readonly string[] {
  const credentials = [...agents, ...servers, ...apis].map(({ credential }) => credential)
  const keySets = credentials.flatMap((it) => (it?.method === 'private_key_jwt' ? [it.jwksUri] : []))
  return [...servers.map(({ url }) => url), ...keySets].map((url) => new URL(url).origin)
}

function service(
  { publicUrl }: Catalogue,
  deps: Opened & Ground & { readonly warnings: readonly string[] },
): Service {
  const { routes, operators, audit, egress, feed, storage, clock, log, warnings } = deps
  const socket = join(deps.dataDirectory, SOCKET)
  const front = createFront({ publicUrl, routes, log })
  const operatorsFront = createServer((request, response) => void operators(request, response))
  const sweeping = setInterval(() => {
    const swept = [
      storage.state.sweep(clock.now()),
      storage.sessions.sweep(nowSeconds(clock)),
      storage.revocations.sweep(clock.now()),
      storage.families.sweep(clock.now() - FAMILY_KEPT_MS),
    ]
    Promise.all(swept).catch((error: unknown) => logged(error, log))
  }, SWEEP_MS)
  sweeping.unref()
  return {
    publicUrl,
    socket,
    warnings,
    async listen() {
      const { hostname, port } = new URL(publicUrl)
      // The lock on the data directory says that nobody else listens here.
      await rm(socket, { force: true })
      await listening(operatorsFront, { path: socket })
      await chmod(socket, 0o600)
      await listening(front, { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) })
    },
    async close() {
      clearInterval(sweeping)
      feed.close()
      await Promise.all([drained(front), drained(operatorsFront)])
      await audit.close()
      await egress.close()
      await storage.close()
    },
  }
}

function listening(
  server: HttpServer,
  address: { host: string; port: number } | { path: string },
): Promise<void> {
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
