import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { Agents } from '#agents'
import type { Apis } from '#apis'
import type { Families, Grant, Grants } from '#grants'
import { failurePage, type Handler, type Html, pageHeaders, readForm } from '#http'
import { type Log, own } from '#kernel'
import type { Servers } from '#servers'
import type { Tickets } from '#tickets'
import type { Session, User, Users } from '#users'
import { connectPage } from './connect-page.ts'
import { fault } from './faults.ts'
import { grantsPage } from './grants-page.ts'
import { heldMounts } from './held.ts'

export interface AccountDeps {
  readonly publicUrl: string
  readonly users: Users
  readonly agents: Agents
  readonly servers: Servers
  readonly apis: Apis
  readonly grants: Grants
  readonly families: Pick<Families, 'lastUses'>
  readonly tickets: Tickets
  /** The live session of a `Cookie` header. */
  readonly session: (cookie: string | undefined) => Promise<Session | undefined>
  /** Where to sign in, to come back to a path of ours. */
  readonly signInPath: (to: string) => string
  /** Says who is signed in, with the button that ends it. */
  readonly signedInAs: (user: User, session: Session) => Html
  /** Keeps a revocation for the record. It is in force already, so this neither waits for the log nor throws. */
  readonly recordRevocation: (grant: Grant) => Promise<void>
  readonly log: Log
}

const GRANTS = '/grants'
const CONNECT = '/connect'
const form = z.strictObject({ page: z.string() })

/** A page counts for the session it was made for. */
const PAGE_PURPOSE = 'account'
const PAGE_SECONDS = 12 * 3600
/** What the page says once, after a button of it was pressed. */
const STOPPED_PURPOSE = 'stopped'
const STOPPED_PARAMETER = 'stopped'
const STOPPED_SECONDS = 60

/** Where a user sees whether they are linked at a provider. */
export function connectPath(provider: string): string {
  return `${CONNECT}/${provider}`
}

/** The user's own pages: they see what is theirs and nothing else, and need a sign-in for it. */
export function accountPages(deps: AccountDeps): Handler {
  const { publicUrl, grants, tickets, recordRevocation, log } = deps
  const app = new Hono()
  const sessionOf = (c: Context) => deps.session(c.req.header('cookie'))
  const signedIn = async (c: Context) => {
    const session = await sessionOf(c)
    const user = session && (await deps.users.find(session.account))
    return session && user && { session, user }
  }

  app.get(GRANTS, async (c) => {
    const who = await signedIn(c)
    if (who === undefined) return c.redirect(deps.signInPath(GRANTS), 303)
    const stopped = stoppedIn(c.req.query(STOPPED_PARAMETER), tickets)
    return c.html(await ownPage(who.user, who.session, stopped, deps), 200, pageHeaders)
  })
  app.get(`${CONNECT}/:provider`, async (c) => {
    const provider = c.req.param('provider')
    if (!deps.users.linksAt(provider)) throw fault.provider_unknown()
    const who = await signedIn(c)
    if (who === undefined) return c.redirect(deps.signInPath(connectPath(provider)), 303)
    const id = own(who.user.linked, provider)
    const footer = deps.signedInAs(who.user, who.session)
    return c.html(await connectPage({ provider, id, footer }), 200, pageHeaders)
  })
  app.post(`${GRANTS}/:id/revoke`, async (c) => {
    const { page } = await readForm(c.req.raw, form, publicUrl)
    const session = await sessionOf(c)
    if (session === undefined) throw fault.session_missing()
    if (tickets.open(PAGE_PURPOSE, page) !== session.id) throw fault.page_stale()
    const mine = await grants.liveOf(session.account)
    const grant = mine.find(({ id }) => id === c.req.param('id'))
    // Somebody else's and nobody's are one answer.
    if (grant === undefined) throw fault.grant_unknown()
    await recordRevocation(await grants.revoke(grant.id))
    const { name } = await deps.agents.introduce(grant.agent)
    const stopped = tickets.seal(STOPPED_PURPOSE, name, STOPPED_SECONDS)
    return c.redirect(`${GRANTS}?${STOPPED_PARAMETER}=${stopped}`, 303)
  })
  app.onError(async (error, c) => {
    const { status, headers, body } = await failurePage(error, log)
    return c.html(body, status, headers)
  })
  return getRequestListener(app.fetch)
}

async function ownPage(user: User, session: Session, stopped: string | undefined, deps: AccountDeps) {
  const { agents, grants, families, tickets, signedInAs } = deps
  const [live, uses] = await Promise.all([grants.liveOf(user.id), families.lastUses(user.id)])
  const shown = live.map(async (grant) => ({
    id: grant.id,
    agent: await agents.introduce(grant.agent),
    mounts: await heldMounts(grant, deps),
    createdAt: grant.createdAt,
    usedAt: uses.get(grant.id),
  }))
  return grantsPage({
    grants: await Promise.all(shown),
    ticket: tickets.seal(PAGE_PURPOSE, session.id, PAGE_SECONDS),
    stopped,
    footer: signedInAs(user, session),
  })
}

/** An old address, or one that somebody made up, says nothing. */
function stoppedIn(ticket: string | undefined, tickets: Tickets): string | undefined {
  if (ticket === undefined) return undefined
  try {
    return z.string().parse(tickets.open(STOPPED_PURPOSE, ticket))
  } catch {
    return undefined
  }
}
