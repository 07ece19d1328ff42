import { Hono } from 'hono'
import { html } from 'hono/html'
import { z } from 'zod'
import { Secret } from '#kernel'
import { onwards, page, pageHeaders, readForm } from '#http'
import type { Tickets } from '#tickets'
import type { Session, User, Users } from '#users'
import type { Cookies } from './cookies.ts'

/** A user name is not longer, in characters. */
export const HINT_LENGTH_MAX = 64

/** Where a sign-in leads afterwards: a path of ours, and what to write into the form. */
const destination = z.strictObject({ to: z.string().startsWith('/'), hint: z.string().max(HINT_LENGTH_MAX) })
export type Destination = z.infer<typeof destination>

const credentials = z.strictObject({
  username: z.string().max(HINT_LENGTH_MAX),
  password: z.string().max(1024),
})

const PURPOSE = 'sign-in'
const TICKET_SECONDS = 15 * 60

/** Says that a session began for one address: what comes back from a sign-in that somebody asked for. */
const proof = z.strictObject({ to: z.string(), session: z.string() })
const PROOF_PURPOSE = 'signed-in'
const PROOF_PARAMETER = 'signed-in'
const PROOF_SECONDS = 60

export interface SignInDeps {
  readonly publicUrl: string
  readonly users: Users
  readonly tickets: Tickets
  readonly cookies: Cookies
  /** Puts a sign-in on record before it counts; throws when it cannot. */
  readonly recordSignIn: (user: User, session: Session) => Promise<void>
}

/** The path of the sign-in page that leads to `to` afterwards. */
export function signInPath(tickets: Tickets, to: Destination): string {
  return `/sign-in?to=${tickets.seal(PURPOSE, to, TICKET_SECONDS)}`
}

/** True when `session` began by the sign-in that this address sent for: no session from before, however young, will do. */
export function signedInFor(tickets: Tickets, session: Session, url: URL): boolean {
  const ticket = url.searchParams.get(PROOF_PARAMETER)
  if (ticket === null) return false
  const proven = proof.parse(tickets.open(PROOF_PURPOSE, ticket))
  return proven.to === url.pathname && proven.session === session.id
}

/** The sign-in of built-in users: a page of its own, which everything that needs a user leads to. */
export function signInRoutes({ publicUrl, users, tickets, cookies, recordSignIn }: SignInDeps): Hono {
  const app = new Hono()
  const opened = (ticket: string | undefined) => destination.parse(tickets.open(PURPOSE, ticket ?? ''))

  app.get('/sign-in', async (c) => {
    const { hint } = opened(c.req.query('to'))
    return c.html(await signInPage(c.req.query('to') ?? '', hint), 200, pageHeaders)
  })
  app.post('/sign-in', async (c) => {
    const { to } = opened(c.req.query('to'))
    const { username, password } = await readForm(c.req.raw, credentials, publicUrl)
    const user = await users.authenticate(username, new Secret(password))
    if (user === undefined) {
      const again = await signInPage(
        c.req.query('to') ?? '',
        username,
        'The user name or the password is wrong.',
      )
      return c.html(again, 401, pageHeaders)
    }
    const { cookie, session } = await users.begin(user)
    await recordSignIn(user, session)
    // One browser has one session. The one before is forgotten; what came from it goes on.
    const before = cookies.session(c.req.header('cookie'))
    if (before !== undefined) await users.forget(before)
    c.header('set-cookie', cookies.setSession(cookie, session.expiresAt - session.authTime))
    const proven = tickets.seal(PROOF_PURPOSE, { to, session: session.id }, PROOF_SECONDS)
    return c.html(await onwards(`${to}?${PROOF_PARAMETER}=${proven}`), 200, pageHeaders)
  })
  return app
}

function signInPage(ticket: string, username: string, problem?: string) {
  return page(
    'Sign in',
    html`${problem === undefined ? '' : html`<p role="alert">${problem}</p>`}
      <form method="post" action="/sign-in?to=${ticket}">
        <label for="username">User name</label>
        <input
          id="username"
          name="username"
          value="${username}"
          autocomplete="username"
          required
          autocapitalize="none"
          ${username === '' ? 'autofocus' : ''}
        />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          ${username === '' ? '' : 'autofocus'}
        />
        <div class="actions"><button class="primary">Sign in</button></div>
      </form>`,
  )
}
