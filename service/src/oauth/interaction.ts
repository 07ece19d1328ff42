import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Provider } from 'oidc-provider'
import { z } from 'zod'
import type { Apis } from '#apis'
import type { Grant, Grants } from '#grants'
import { onwards, pageHeaders } from '#http'
import type { Server, Servers } from '#servers'
import type { Tickets } from '#tickets'
import type { Session, Users } from '#users'
import { callsFrom, shownScopes } from './closure.ts'
import { consentPage } from './consent-page.ts'
import type { Cookies } from './cookies.ts'
import { fault } from './faults.ts'
import { readForm } from './form.ts'
import { saveLogin } from './logins.ts'
import { HINT_LENGTH_MAX, signedInFor, signInPath } from './sign-in.ts'

export interface InteractionDeps {
  readonly provider: Provider
  readonly publicUrl: string
  readonly users: Users
  readonly servers: Servers
  readonly apis: Apis
  readonly grants: Grants
  readonly tickets: Tickets
  readonly cookies: Cookies
  /** Puts a consent on record before it counts; throws when it cannot. */
  readonly recordConsent: (grant: Grant) => Promise<void>
}

type Bindings = { Bindings: HttpBindings }
type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

const decision = z.strictObject({ decision: z.enum(['allow', 'deny']) })

/** What the library asks of a person while it decides an authorization request: who they are, and whether they agree. */
export function interactionRoutes(deps: InteractionDeps): Hono<Bindings> {
  const { provider, publicUrl, grants, tickets } = deps
  const app = new Hono<Bindings>()

  app.get('/interaction/:uid', async (c) => {
    const interaction = await begun(c, provider)
    const session = await signedIn(c, deps)
    if (session === undefined || !freshEnough(c, interaction, session, tickets)) {
      const hint = text(interaction.params['login_hint']).slice(0, HINT_LENGTH_MAX)
      return c.redirect(signInPath(tickets, { to: c.req.path, hint }), 303)
    }
    switch (interaction.prompt.name) {
      case 'login':
        return c.redirect(await finishLogin(c, interaction, session, provider), 303)
      case 'consent': {
        const request = await consentRequest(interaction, session, deps)
        return c.html(
          await consentPage(c.req.path, { ...request, until: grants.expiryOfNew() }),
          200,
          pageHeaders,
        )
      }
      default:
        throw fault.interaction_expired({ detail: interaction.prompt.name })
    }
  })

  app.post('/interaction/:uid', async (c) => {
    const interaction = await begun(c, provider)
    const session = await signedIn(c, deps)
    if (interaction.prompt.name !== 'consent') throw fault.interaction_expired()
    const { decision: answer } = await readForm(c.req.raw, decision, publicUrl)
    const { incoming, outgoing } = c.env
    if (answer === 'deny') {
      const refusal = { error: 'access_denied', error_description: 'The user did not agree.' }
      return c.html(
        await onwards(await provider.interactionResult(incoming, outgoing, refusal)),
        200,
        pageHeaders,
      )
    }
    if (session === undefined) throw fault.session_missing()
    const grantId = await agree(interaction, session, deps)
    const next = await provider.interactionResult(incoming, outgoing, { consent: { grantId } })
    return c.html(await onwards(next), 200, pageHeaders)
  })
  return app
}

/** The interaction that this browser began and this address names. */
async function begun(c: Context<Bindings>, provider: Provider): Promise<Interaction> {
  let interaction: Interaction
  try {
    interaction = await provider.interactionDetails(c.env.incoming, c.env.outgoing)
  } catch (cause) {
    throw fault.interaction_expired({ cause })
  }
  if (interaction.uid !== c.req.param('uid'))
    throw fault.interaction_expired({ detail: 'another interaction' })
  return interaction
}

function signedIn(c: Context<Bindings>, { users, cookies }: InteractionDeps): Promise<Session | undefined> {
  return users.session(cookies.session(c.req.header('cookie')))
}

/** `prompt=login` asks for a sign-in of its own, `max_age` for one that is not older (OpenID Connect Core §3.1.2.1). */
function freshEnough(
  c: Context<Bindings>,
  { prompt, params, iat }: Interaction,
  session: Session,
  tickets: Tickets,
): boolean {
  if (prompt.name !== 'login') return true
  const asked = text(params['prompt']).split(' ').includes('login')
  const maxAge = params['max_age'] === undefined ? Infinity : Number(params['max_age'])
  if (!asked && session.authTime >= iat - maxAge) return true
  return signedInFor(tickets, session, new URL(c.req.url))
}

async function finishLogin(
  c: Context<Bindings>,
  interaction: Interaction,
  session: Session,
  provider: Provider,
) {
  await forgetOtherUser(interaction, session, provider)
  const login = { accountId: session.account, ts: session.authTime, acr: session.acr }
  return provider.interactionResult(c.env.incoming, c.env.outgoing, { login })
}

/** The library's session of another user ends here: it would ask for a script to do it. */
async function forgetOtherUser(
  interaction: Interaction,
  session: Session,
  provider: Provider,
): Promise<void> {
  const before = interaction.session
  if (before?.uid === undefined || before.accountId === session.account) return
  await (await provider.Session.findByUid(before.uid))?.destroy()
  delete interaction.session
  await interaction.persist()
}

/** What the agent asks for, of this mount, in the vocabulary it has. */
async function consentRequest(interaction: Interaction, session: Session, deps: InteractionDeps) {
  const { provider, servers, apis, users } = deps
  const server = servers.byMount(text(interaction.params['resource']))
  const client = await provider.Client.find(text(interaction.params['client_id']))
  const user = await users.find(session.account)
  if (server === undefined || client === undefined) throw fault.agent_unknown()
  if (user === undefined || interaction.session?.accountId !== session.account) throw fault.session_missing()
  const scopes = asked(interaction, server)
  if (scopes.size === 0) throw fault.consent_empty()
  return {
    agent: client.clientName ?? client.clientId,
    redirectHost: new URL(text(interaction.params['redirect_uri'])).host,
    agentId: client.clientId,
    user,
    server,
    scopes,
    shown: shownScopes(server, scopes, apis),
  }
}

/** Puts the consent on record, then gives the grant and the login under it. Returns the login's id. */
async function agree(interaction: Interaction, session: Session, deps: InteractionDeps): Promise<string> {
  const { server, scopes, user, agentId } = await consentRequest(interaction, session, deps)
  const consent = { user: user.id, agent: agentId, server: server.key, scopes: [...scopes] }
  const grant = await deps.grants.give({ ...consent, calls: callsFrom(server, scopes) }, deps.recordConsent)
  const login = await saveLogin(deps.provider, {
    grant: grant.id,
    session: session.id,
    user: user.id,
    agent: agentId,
    mount: server.mount,
    scopes,
    openid: text(interaction.params['scope']).split(' ').includes('openid'),
  })
  return login.jti
}

function asked({ params }: Interaction, server: Server): ReadonlySet<string> {
  return new Set(
    text(params['scope'])
      .split(' ')
      .filter((scope) => Object.hasOwn(server.scopes, scope)),
  )
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
