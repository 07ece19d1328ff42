import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Provider } from 'oidc-provider'
import { CONSENT_SECONDS_MAX } from '#grants'
import { onwards, pageHeaders, readForm } from '#http'
import type { Tickets } from '#tickets'
import type { Session } from '#users'
import {
  agree,
  type ConsentDeps,
  type ConsentRequest,
  consentRequest,
  type Interaction,
  offeredDelegates,
  ticketOf,
  wasShown,
} from './consent.ts'
import { type Choice, choiceOf, consentForm } from './consent-form.ts'
import { consentPage } from './consent-page.ts'
import type { Cookies } from './cookies.ts'
import { fault } from './faults.ts'
import { HINT_LENGTH_MAX, signedInFor, signInPath } from './sign-in.ts'
import { signedInAs } from './sign-out.ts'

export interface InteractionDeps extends ConsentDeps {
  readonly publicUrl: string
  readonly cookies: Cookies
}

type Bindings = { Bindings: HttpBindings }

const CHANGED = 'What the agent would be allowed has changed since you opened this page. Read it again.'
const NOTHING = 'You took everything away. Leave at least one, or do not allow it.'

/** What the library asks of a person while it decides an authorization request: who they are, and whether they agree. */
export function interactionRoutes(deps: InteractionDeps): Hono<Bindings> {
  const { provider, publicUrl, tickets } = deps
  const app = new Hono<Bindings>()
  const asked = (
    action: string,
    request: ConsentRequest,
    session: Session,
    again?: { readonly problem: string; readonly choice?: Choice },
  ) => {
    const all: Choice = {
      scopes: request.scopes,
      delegates: offeredDelegates(request),
      lastsSeconds: CONSENT_SECONDS_MAX,
    }
    const ticket = ticketOf(request, deps)
    return consentPage(
      { action, ticket, choice: all, footer: signedInAs(request.user, session, tickets), ...again },
      request,
    )
  }

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
        return c.html(await asked(c.req.path, request, session), 200, pageHeaders)
      }
      default:
        throw fault.interaction_expired({ detail: interaction.prompt.name })
    }
  })

  app.post('/interaction/:uid', async (c) => {
    const interaction = await begun(c, provider)
    const session = await signedIn(c, deps)
    if (interaction.prompt.name !== 'consent') throw fault.interaction_expired()
    const form = await readForm(c.req.raw, consentForm, publicUrl)
    const { incoming, outgoing } = c.env
    if (form.decision === 'deny') {
      const refusal = { error: 'access_denied', error_description: 'The user did not agree.' }
      return c.html(
        await onwards(await provider.interactionResult(incoming, outgoing, refusal)),
        200,
        pageHeaders,
      )
    }
    if (session === undefined) throw fault.session_missing()
    const request = await consentRequest(interaction, session, deps)
    if (!wasShown(request, form.shown, deps))
      return c.html(await asked(c.req.path, request, session, { problem: CHANGED }), 409, pageHeaders)
    const choice = choiceOf(form, { scopes: request.scopes, delegates: offeredDelegates(request) })
    if (choice.scopes.size === 0)
      return c.html(await asked(c.req.path, request, session, { problem: NOTHING, choice }), 400, pageHeaders)
    const grantId = await agree(request, choice, session, deps)
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

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
