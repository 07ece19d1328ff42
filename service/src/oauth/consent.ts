import type { Provider } from 'oidc-provider'
import { type Agents, withoutPort } from '#agents'
import type { Apis } from '#apis'
import type { Families, Grants } from '#grants'
import { hashed } from '#kernel'
import type { Servers } from '#servers'
import type { Tickets } from '#tickets'
import type { Session, Users } from '#users'
import { callsFrom, shownScopes } from './closure.ts'
import type { NamedBy } from './consent-page.ts'
import { fault } from './faults.ts'
import { saveLogin } from './logins.ts'

export interface ConsentDeps {
  readonly provider: Provider
  readonly agents: Agents
  readonly users: Users
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

/** What the agent asks for, of this mount, in the vocabulary it has. */
export async function consentRequest(interaction: Interaction, session: Session, deps: ConsentDeps) {
  const { provider, servers, apis, users } = deps
  const server = servers.byMount(text(interaction.params['resource']))
  const client = await provider.Client.find(text(interaction.params['client_id']))
  const user = await users.find(session.account)
  if (server === undefined || client === undefined) throw fault.agent_unknown()
  if (user === undefined || interaction.session?.accountId !== session.account) throw fault.session_missing()
  const redirectUri = text(interaction.params['redirect_uri'])
  const asked = text(interaction.params['scope']).split(' ')
  const scopes = new Set(asked.filter((scope) => Object.hasOwn(server.scopes, scope)))
  if (scopes.size === 0) throw fault.consent_empty()
  return {
    interaction: interaction.uid,
    agent: client.clientName ?? client.clientId,
    agentId: client.clientId,
    redirectUri,
    answersTo: client.applicationType === 'native' ? (withoutPort(redirectUri) ?? redirectUri) : redirectUri,
    named: await namedBy(client.clientId, deps),
    user,
    server,
    scopes,
    shown: shownScopes(server, scopes, apis),
    calls: callsFrom(server, scopes),
    openid: asked.includes('openid'),
  }
}

/** Who says that this is the agent it is: nobody but itself where the catalogue does not. */
async function namedBy(clientId: string, { agents }: ConsentDeps): Promise<NamedBy> {
  const standing = await agents.standing(clientId)
  if (standing === undefined || standing.kind === 'registered') return { kind: 'registered' }
  return standing.kind === 'catalogue'
    ? { kind: 'catalogue' }
    : { kind: 'document', host: new URL(clientId).host, listed: standing.listed }
}

/** Goes with the page and comes back with its form: says what the page showed. */
export function ticketOf(request: ConsentRequest, tickets: Tickets): string {
  return tickets.seal(SHOWN_PURPOSE, digest(request), SHOWN_SECONDS)
}

/** True when the page that this ticket came with showed just what would be granted now. */
export function wasShown(request: ConsentRequest, ticket: string, tickets: Tickets): boolean {
  return tickets.open(SHOWN_PURPOSE, ticket) === digest(request)
}

/** Puts the consent on record, then gives the grant and the login under it. Returns the login's id. */
export async function agree(request: ConsentRequest, session: Session, deps: ConsentDeps): Promise<string> {
  const { server, scopes, calls, user, agentId, openid } = request
  await deps.agents.used(agentId, request.agent)
  const grant = await deps.grants.give(
    {
      user: user.id,
      agent: agentId,
      redirectUri: request.answersTo,
      server: server.key,
      scopes: [...scopes],
      calls,
    },
    deps.recordConsent,
  )
  const login = await saveLogin(deps.provider, deps.families, {
    grant: grant.id,
    session: session.id,
    user: user.id,
    agent: agentId,
    server,
    scopes,
    openid,
  })
  return login.jti
}

/** Of every word on the page and every edge behind it. */
function digest(request: ConsentRequest) {
  const { interaction, agent, agentId, named, redirectUri, user, server, shown, calls } = request
  const parties = [user.id, user.name, agentId, agent, named, redirectUri, server.mount, server.name]
  return hashed(JSON.stringify([interaction, parties, shown, calls]))
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
