import { type Clock, isLoopback, systemClock } from '@tetrapod/protocol'
import { accessOfLogin, hasAsked, interactiveAccess } from './access.ts'
import type { LoginOptions } from './authorization-url.ts'
import { bearerFetch } from './bearer-fetch.ts'
import type { ClientKey } from './client-key.ts'
import type { Delegation } from './delegation.ts'
import { handOver } from './hand-over.ts'
import type { Destination } from './discover.ts'
import { createDoor } from './door.ts'
import { createHeldKeepers } from './held-keepers.ts'
import type { RegisteredClient } from './identify.ts'
import { JourneyFailed } from './journey-failed.ts'
import { createJourney } from './journey.ts'
import type { Keeper } from './keeper.ts'
import { createLogin, type Login } from './login.ts'
import { atLoopback, type LoopbackOptions } from './loopback.ts'
import { createPendingLogins } from './pending-logins.ts'
import { createQueue } from './queue.ts'
import { memoryStore, type TokenStore } from './token-store.ts'

export interface AgentOptions {
  /**
   * https, or http on loopback; there, without a port, it is any free port. A registered agent that no user ever sees has
   * none: it acts for itself, or on what other agents hand to it.
   */
  readonly redirectUri?: string
  /** How the agent is registered at the authorization server, if somebody registered it. */
  readonly client?: RegisteredClient
  /** Where the agent publishes who it is (https, with a path): see `metadataDocument`. */
  readonly metadataDocument?: string
  /** The agent's own key, for the metadata document and where the agent registers itself. See `generateClientKey`. */
  readonly key?: ClientKey
  /** What users are shown where the agent registers itself. */
  readonly name?: string
  /** Where registrations and tokens are kept. Without it: in memory. */
  readonly store?: TokenStore
  /** Opens the user's browser. Without it the URL is printed. */
  readonly open?: LoopbackOptions['open']
  readonly clock?: Clock
  /** How the agent reaches the network. An agent that runs on a server hands in a fetch that checks addresses. */
  readonly fetch?: typeof globalThis.fetch
}

/** For agents on the user's own machine. */
export type LoginHere = LoginOptions & LoopbackOptions

export interface Agent {
  /**
   * Begins a login at an MCP server: send the user's browser to `url`. Keep `state` in that browser's session and give
   * it to {@link finish}: only so can nobody slip their own login to another user (RFC 6749 §10.12).
   * Throws {@link JourneyFailed}.
   */
  begin(mcpUrl: string, options?: LoginOptions): Promise<{ readonly url: string; readonly state: string }>
  /**
   * Ends a login with the full URL the browser came back to. `state` is what {@link begin} gave this browser,
   * out of its session: never the one in the URL.
   * A callback counts once, within ten minutes. Throws {@link JourneyFailed}.
   */
  finish(callbackUrl: string, state: string): Promise<Login>
  /** The login that the store holds, renewed if need be; undefined: begin one. Throws {@link JourneyFailed}. */
  resume(mcpUrl: string, options?: { readonly user?: string }): Promise<Login | undefined>
  /**
   * The whole login for an agent on the user's own machine: the one that the store holds, if it has the scopes that
   * are asked for; else it listens on the redirect URI (http on loopback), has the browser opened, and resolves when it
   * came back. `prompt` always asks the user. Throws {@link JourneyFailed}.
   */
  login(mcpUrl: string, options?: LoginHere): Promise<Login>
  /**
   * A login without a user: the agent acts for nobody but itself (RFC 6749 §4.4), as it is registered with its key or a
   * secret. Throws {@link JourneyFailed}.
   */
  asItself(mcpUrl: string, options?: { readonly scopes?: Iterable<string> }): Promise<Login>
  /**
   * The login of a sub-agent: part of another agent's, which that agent handed over (`Login.delegate`). The agent proves
   * itself with its key or a secret. `scopes` are fewer than it was handed; without them, all of it.
   * Throws {@link JourneyFailed}.
   */
  accept(
    mcpUrl: string,
    delegation: Delegation,
    options?: { readonly scopes?: Iterable<string> },
  ): Promise<Login>
  /**
   * A fetch for any MCP client on the user's own machine: what {@link login} does, at the first request that needs it;
   * and again when the login is over, or when the server asks for more scopes.
   */
  fetch(mcpUrl: string, options?: LoginHere): typeof globalThis.fetch
}

/**
 * An agent that gets from an MCP URL to a token for that one URL, and keeps it fresh. Logins that have begun are kept in
 * memory. Throws {@link JourneyFailed} `agent.*`.
 */
export function createAgent(options: AgentOptions): Agent {
  checkOptions(options)
  const {
    redirectUri = NOWHERE,
    client,
    metadataDocument,
    key,
    name = 'MCP agent',
    store = memoryStore(),
  } = options
  const { clock = systemClock, fetch = globalThis.fetch } = options
  const door = createDoor(fetch)
  const pending = createPendingLogins(clock)
  const agent = { name, redirectUri, key }
  const journey = createJourney({ agent, client, metadataDocument, store, clock, door, pending })
  const held = createHeldKeepers()
  const [oneLogin, oneBrowser] = [createQueue(), createQueue()]

  const loginOf = (keeper: Keeper): Login => {
    const { mcpUrl } = keeper.destination
    return createLogin(keeper, {
      clock,
      fetch: bearerFetch(mcpUrl, accessOfLogin(keeper), fetch),
      delegate: (handover) => handOver(keeper, handover, { clock, door }),
    })
  }

  const askUser = (destination: Destination, here: LoginHere) =>
    oneBrowser(async () => {
      checkComesBack(redirectUri)
      const { open = options.open } = here
      const how = open === undefined ? here : { ...here, open }
      const begin = (redirectUri: string) => journey.begin(destination, { redirectUri, store }, here)
      try {
        return await atLoopback(redirectUri, how, { begin, finish: journey.finish })
      } catch (error) {
        // A server that no longer knows the agent shows a page of its own, and the browser never comes back.
        const isAbandoned = error instanceof JourneyFailed && error.code === 'callback.abandoned'
        if (isAbandoned) await journey.forget(destination.server.issuer)
        throw error
      }
    })

  return {
    async begin(mcpUrl, options = {}) {
      checkComesBack(redirectUri)
      const destination = await journey.discover(mcpUrl)
      const own = options.user === undefined ? memoryStore() : store
      return journey.begin(destination, { redirectUri, store: own }, options)
    },
    finish: async (callbackUrl, state) => loginOf(await journey.finish(callbackUrl, state)),
    async resume(mcpUrl, { user } = {}) {
      const keeper = await journey.resume(await journey.discover(mcpUrl), user)
      return keeper && loginOf(keeper)
    },
    login: (mcpUrl, here = {}) =>
      oneLogin(async () => {
        const destination = await journey.discover(mcpUrl)
        const known = here.prompt === undefined ? await journey.resume(destination, here.user) : undefined
        const keeper = known && hasAsked(known, here.scopes ?? []) ? known : await askUser(destination, here)
        held.set(mcpUrl, keeper)
        return loginOf(keeper)
      }),
    async asItself(mcpUrl, { scopes } = {}) {
      return loginOf(await journey.asItself(await journey.discover(mcpUrl), scopes))
    },
    async accept(mcpUrl, delegation, { scopes = [] } = {}) {
      return loginOf(await journey.accept(await journey.discover(mcpUrl), delegation, scopes))
    },
    fetch: (mcpUrl, here = {}) =>
      bearerFetch(mcpUrl, interactiveAccess(mcpUrl, here, { journey, held, askUser }), fetch),
  }
}

/** The redirect URI of an agent that has none. */
const NOWHERE = ''

function checkComesBack(redirectUri: string): void {
  if (redirectUri !== NOWHERE) return
  const message = 'This agent has no redirect URI, so no user comes back to it. Give it one to log users in.'
  throw new JourneyFailed('agent.redirect_refused', message)
}

function checkOptions({ redirectUri, client, metadataDocument }: AgentOptions): void {
  const url = URL.canParse(redirectUri ?? '') ? new URL(redirectUri ?? '') : undefined
  const needsNone = redirectUri === undefined && client !== undefined
  if (!needsNone && url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLoopback(url))) {
    const message = 'The redirect URI must be https, or http on this machine. Register one that is.'
    throw new JourneyFailed('agent.redirect_refused', message)
  }
  if (client?.secret !== undefined && client.issuer === undefined) {
    const message = 'A client secret belongs to one authorization server. Give its issuer beside the secret.'
    throw new JourneyFailed('agent.issuer_missing', message)
  }
  if (metadataDocument !== undefined && !isMetadataDocument(metadataDocument)) {
    const message =
      'The URL of a metadata document is https and has a path, but no fragment and no user name.'
    throw new JourneyFailed('agent.metadata_document_refused', message)
  }
}

/** draft-ietf-oauth-client-id-metadata-document §3: compared as it is, so it has to be as a parser writes it. */
function isMetadataDocument(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const plain = url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === ''
  return plain && url.pathname !== '/' && url.href === value
}
