import { adminHandler } from '#admin'
import { accountPages, connectPath } from '#account'
import { createAgents } from '#agents'
import { createApis } from '#apis'
import { createCredentialCache, upstreamCredential } from '#broker'
import { type ListenAddress, loadCatalogue } from '#catalogue'
import { createEgress, keySet, type Network } from '#egress'
import { gatewayRoutes } from '#gateway'
import { type Clock, type Log, systemClock } from '#kernel'
import { createCookies, oauthRoutes, signedInAs, signInPath, statementChecker } from '#oauth'
import { compilePolicy } from '#policy'
import { scopedRevocation, type Ticker } from '#revocation'
import { createSecrets } from '#secrets'
import { createServers, createStepUps } from '#servers'
import { openStorage } from '#storage'
import { createUsers } from '#users'
import { type Deployment, type Edition, editionOf } from './composition/deployment.ts'
import { followedFile } from './composition/follow-file.ts'
import { type Ground, openGround } from './composition/ground.ts'
import { clientsOf, origins } from './composition/parties.ts'
import { recorders } from './composition/recorders.ts'
import { openReloading, type Reloaded } from './composition/reload.ts'
import { addressOf, createServing, sweepAgain } from './composition/serving.ts'
import type { Configuration } from './config.ts'

export interface ServiceOptions {
  readonly config: Configuration
  /** The file that the configuration was read from: it is followed from then on. Absent: it changes by `reload` alone. */
  readonly file?: string | undefined
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
  /** Goes on with another text of the configuration: see `Reloading`. */
  reload(text: string): Promise<Reloaded>
  /** The same with the file, as it is now. Throws also `service.configuration_unreadable`, `.configuration_unnamed`. */
  reread(): Promise<Reloaded>
  /** Lets what has begun finish, then gives everything free. */
  close(): Promise<void>
}

/**
 * The composition root: checks the configuration, opens what is stored, and builds every module with what it needs. The
 * only place that knows all of them.
 */
export async function build(options: ServiceOptions): Promise<Service> {
  const { config, dataDirectory, clock = systemClock, ticker, network, log } = options
  const { resolve } = createSecrets({ environment: config.environment })
  const first = editionOf(config.text, await loadCatalogue(config.text, { resolve }))
  let inForce = first
  const address = options.listen ?? addressOf(first.catalogue)
  const { database } = first.catalogue
  const storage = await openStorage({ directory: dataDirectory, database, now: () => clock.now() })
  try {
    const catalogue = () => inForce.catalogue
    const ground = await openGround({ storage, dataDirectory, clock, ticker, network, log, catalogue })
    const reloading = await openReloading(first, {
      ground,
      resolve,
      deploy: (edition) => deploy(edition, ground, { reload: () => file.reread() }),
      inForce: (edition) => (inForce = edition),
    })
    const file = followedFile({ file: options.file, text: config.text, reloading, ticker, log })
    const serving = createServing(ground, { reloading, address })
    const stopSweeping = sweepAgain(ground, reloading)
    let unfollow = () => {}
    return {
      publicUrl: ground.issuer,
      socket: serving.socket,
      warnings: first.warnings,
      async listen() {
        await serving.listen()
        unfollow = file.follow()
      },
      reload: (text) => reloading.reload(text),
      reread: () => file.reread(),
      async close() {
        unfollow()
        stopSweeping()
        ground.feed.close()
        await serving.drained()
        await reloading.close()
        await ground.audit.close()
        ground.revocation.close()
        await storage.close()
      },
    }
  } catch (error) {
    await storage.close()
    throw error
  }
}

/** Builds everything that a catalogue is in. What of it listens to the feed, or holds connections, ends with `close`. */
async function deploy(
  edition: Edition,
  ground: Ground,
  operator: { readonly reload: () => Promise<Reloaded> },
): Promise<Deployment> {
  const { catalogue } = edition
  const { storage, issuer, clock, log, audit, tokens, families, grants, vault, tickets, discovered } = ground
  const { revocation, close: endListening } = scopedRevocation(ground.revocation)
  const egress = createEgress({ origins: origins(catalogue) })
  const { documentHosts, dynamic, statements } = catalogue.registration
  const agents = createAgents({
    named: catalogue.agents,
    hosts: documentHosts,
    store: storage.agents,
    documents: ground.documents,
    registration: { dynamic, publishers: new Set(statements.map(({ issuer }) => issuer)) },
    revocation,
    clock,
  })
  const servers = createServers(catalogue.servers)
  const stepUps = createStepUps({ store: storage.stepUps, servers, revocation })
  const apis = createApis(catalogue.apis)
  const { accounts, sessions } = storage
  const { attempts } = ground
  const users = createUsers({
    issuer,
    builtIn: catalogue.users,
    accounts,
    sessions,
    revocation,
    clock,
    log,
    attempts,
  })
  const policy = compilePolicy(catalogue.rules)
  const records = recorders(audit, users)

  const known = { tokens, agents, servers, apis, users, grants, policy, audit, egress, clock, log }
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
    feed: ground.feed,
    tickets,
    cookieKey: ground.cookieKey,
    refreshKey: ground.refreshKey,
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
  const operators = adminHandler({
    audit,
    agents,
    grants,
    users,
    keys: tokens.keys,
    reload: operator.reload,
    recordRevocation: (grant) => records.revocation(grant, 'operator'),
    recordAgentChange: records.agentChange,
    recordSignOut: records.signOutEverywhere,
    log,
  })
  const obtain = createCredentialCache({
    obtain: (request) => upstreamCredential(request, { tokens, clock }),
    tokens,
    clock,
  })
  return {
    edition,
    routes: {
      paths: { ...oauth.paths, ...gatewayRoutes({ ...known, issuer, obtain, stepUps }) },
      segments: { ...oauth.segments, grants: account, connect: account },
    },
    operators,
    agents,
    async close() {
      endListening()
      await egress.close()
    },
  }
}
