import { Hono } from 'hono'
import { html } from 'hono/html'
import { z } from 'zod'
import { type Html, page, pageHeaders, readForm } from '#http'
import type { Tickets } from '#tickets'
import type { Session, User, Users } from '#users'
import type { Cookies } from './cookies.ts'
import { fault } from './faults.ts'

const form = z.strictObject({ session: z.string() })
const PURPOSE = 'sign-out'
/** A session does not live longer. */
const TICKET_SECONDS = 12 * 3600

export interface SignOutDeps {
  readonly publicUrl: string
  readonly users: Users
  readonly tickets: Tickets
  readonly cookies: Cookies
  /** Keeps a sign-out for the record. It is in force already, so this neither waits for the log nor throws. */
  readonly recordSignOut: (session: Session) => Promise<void>
}

/** Says who is signed in, with the button that ends it: on every page of ours that knows somebody. */
export function signedInAs({ name }: User, session: Session, tickets: Tickets): Html {
  return html`<footer>
    <span>Signed in as <bdi>${name}</bdi></span>
    <form method="post" action="/sign-out">
      <input type="hidden" name="session" value="${tickets.seal(PURPOSE, session.id, TICKET_SECONDS)}" />
      <button>Sign out</button>
    </form>
  </footer>`
}

/** Signing out (DESIGN §7): the session ends, with every login of an agent and every token that came from it. */
export function signOutRoutes({ publicUrl, users, tickets, cookies, recordSignOut }: SignOutDeps): Hono {
  const app = new Hono()
  app.post('/sign-out', async (c) => {
    const { session: ticket } = await readForm(c.req.raw, form, publicUrl)
    const shown = tickets.open(PURPOSE, ticket)
    const cookie = cookies.session(c.req.header('cookie')) ?? ''
    const session = await users.session(cookie)
    if (session !== undefined && session.id !== shown) throw fault.sign_out_stale()
    const ended = await users.signOut(cookie)
    if (ended !== undefined) await recordSignOut(ended)
    c.header('set-cookie', cookies.clearSession())
    return c.html(await signedOutPage(), 200, pageHeaders)
  })
  return app
}

function signedOutPage() {
  return page(
    'You are signed out',
    html`<p>
        Agents that you let in since you signed in here have lost their access. What you allowed them is kept:
        when one needs you again, you sign in again.
      </p>
      <p>To take it back for good, sign in and see <a href="/grants">what you allowed</a>.</p>`,
  )
}
