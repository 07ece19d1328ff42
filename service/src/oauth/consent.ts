import type { Provider } from 'oidc-provider'
import type { Agents } from '#agents'
import type { Apis } from '#apis'
import type { Families, Grants } from '#grants'
import { hashed, own } from '#kernel'
import type { Server, Servers } from '#servers'
import type { Tickets } from '#tickets'
import type { Session, Users } from '#users'
import { callsFrom, shownScopes } from './closure.ts'
import type { Choice } from './consent-form.ts'
import { fault } from './faults.ts'
import { allDelegates, delegatesFrom, shownHandovers } from './handovers.ts'
import { saveLogin } from './logins.ts'
import { receiverOf } from './receiver.ts'

export interface ConsentDeps {
  readonly provider: Provider
  readonly users: Users
  readonly agents: Agents
  readonly servers: Servers
  readonly apis: Apis
  readonly grants: Grants
  readonly families: Families
  readonly tickets: Tickets
  /** Puts a consent on record before it counts; throws when it cannot. */
  readonly recordConsent: Parameters<Grants['give']>[1]
}

/** The library's question to a person, with the request it comes from. */
export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** All that a consent is about: what the page shows, and what the grant will hold. */
export type ConsentRequest = Awaited<ReturnType<typeof consentRequest>>

const SHOWN_PURPOSE = 'consent'
/** An interaction does not live longer. */
const SHOWN_SECONDS = 15 * 60

/** What the agent asks for, of this mount, in the vocabulary it has; who it is, and who will hear the answer. */
export async function consentRequest(interaction: Interaction, session: Session, deps: ConsentDeps) {
  const { provider, agents, servers, apis, users } = deps
  const server = servers.byMount(text(interaction.params['resource']))
  const client = await provider.Client.find(text(interaction.params['client_id']))
  const user = await users.find(session.account)
  if (server === undefined || client === undefined) throw fault.agent_unknown()
  if (user === undefined || interaction.session?.accountId !== session.account) throw fault.session_missing()
  const asked = text(interaction.params['scope']).split(' ')
  const scopes = new Set(asked.filter((scope) => Object.hasOwn(server.scopes, scope)))
  if (scopes.size === 0) throw fault.consent_empty()
  const { clientId: id, clientName, redirectUris = [] } = client
  const redirectUri = text(interaction.params['redirect_uri'])
  const kept = await keptScopes(deps.grants, { user: user.id, agent: id, server, scopes })
  return {
    interaction: interaction.uid,
    agent: await agents.introduce(id, clientName),
    redirectUri,
    receiver: receiverOf(redirectUri, redirectUris),
    user,
    server,
    scopes,
    shown: shownScopes(server, scopes, apis),
    kept: shownScopes(server, kept, apis),
    handovers: await shownHandovers(id, agents),
    openid: asked.includes('openid'),
  }
}

/** What the user let this agent do at the server before, and is not asked for now: it goes on, and ends with this. */
async function keptScopes(
  grants: Grants,
  {
    user,
    agent,
    server,
    scopes,
  }: {
    readonly user: string
    readonly agent: string
    readonly server: Server
    readonly scopes: ReadonlySet<string>
  },
): Promise<ReadonlySet<string>> {
  const grant = await grants.liveFor(user, agent)
  return new Set(own(grant?.mounts ?? {}, server.key)?.scopes).difference(scopes)
}

/** Goes with the page and comes back with its form: says what the page showed. */
export function ticketOf(request: ConsentRequest, { tickets, agents }: ConsentDeps): string {
  return tickets.seal(SHOWN_PURPOSE, digest(request, agents), SHOWN_SECONDS)
}

/** True when the page that this ticket came with showed just what would be granted now. */
export function wasShown(request: ConsentRequest, ticket: string, { tickets, agents }: ConsentDeps): boolean {
  return tickets.open(SHOWN_PURPOSE, ticket) === digest(request, agents)
}

/**
 * Puts the consent on record, then gives the grant and the login under it: what was ticked, for as long as was chosen, to be
 * handed on to those who were ticked. Returns the login's id.
 */
export async function agree(
  request: ConsentRequest,
  { scopes, delegates, lastsSeconds }: Choice,
  session: Session,
  deps: ConsentDeps,
): Promise<string> {
  const { server, user, agent, redirectUri, openid } = request
  const refused = [...request.scopes.difference(scopes)]
  await deps.agents.used(agent.id, agent.name)
  const grant = await deps.grants.give(
    {
      user: user.id,
      agent: agent.id,
      redirectUri,
      server: server.key,
      scopes: [...scopes],
      calls: callsFrom(server, scopes),
      delegates: delegatesFrom(agent.id, delegates, deps.agents),
      refused,
      lastsSeconds,
    },
    deps.recordConsent,
  )
  const login = await saveLogin(deps.provider, deps.families, {
    grant: grant.id,
    session: session.id,
    user: user.id,
    agent: agent.id,
    server,
    scopes,
    refused,
    openid,
  })
  return login.jti
}

/** The sub-agents that the page offers to be handed to, by key. */
export function offeredDelegates({ handovers }: ConsentRequest): ReadonlySet<string> {
  return new Set(handovers.map(({ agent }) => agent))
}

/** Of every word on the page and every edge behind it. */
function digest(request: ConsentRequest, agents: Pick<Agents, 'delegatesOf'>) {
  const { interaction, agent, redirectUri, receiver, user, server, scopes, shown, kept, handovers } = request
  const parties = [user.id, user.name, agent, redirectUri, receiver, server.mount, server.name]
  const edges = [callsFrom(server, scopes), handovers, allDelegates(agent.id, agents)]
  return hashed(JSON.stringify([interaction, parties, shown, kept, edges]))
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
