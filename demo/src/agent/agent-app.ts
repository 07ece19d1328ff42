import { type Agent, JourneyFailed, type Login } from '@tetrapod/agent-sdk'
import { type Context, Hono } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import { decodeJwt } from 'jose'
import { ask } from './ask.ts'
import type { AuditLine } from './audit-lines.ts'
import type { ToolCall } from './call-tool.ts'
import { people } from '../company.ts'
import { contentSecurity, ownHostOnly } from './guards.ts'
import { homePage } from './home-page.ts'
import { offered } from './offered.ts'
import { type Html, problemPage } from './page.ts'
import { stylesheet } from './stylesheet.ts'
import { research, type Team } from './research.ts'
import { createVisitors, type Desk, type Visitor } from './visitors.ts'

export interface AgentAppDeps {
  /** Where this application is. */
  readonly origin: string
  /** The MCP endpoint it works with: the gateway's. */
  readonly mcpUrl: string
  readonly agent: Pick<Agent, 'begin' | 'finish'>
  readonly team: Team
  /** The public keys of the team, by the name of the agent. */
  readonly keys: Readonly<Record<string, object>>
  readonly callTool: ToolCall
  readonly readAudit: () => Promise<readonly AuditLine[]>
  /** Makes the id of a browser session: nobody can guess it. */
  readonly newId: () => string
}

/** The assistant: a web application in which several people of one browser sign in and have it act for each of them. */
export function agentApp(deps: AgentAppDeps): Hono {
  const { origin, mcpUrl, agent } = deps
  const visitors = createVisitors(deps.newId)
  const cookie = `demo-assistant-${new URL(origin).port}`
  const visitorOf = (c: Context) => visitors.find(getCookie(c, cookie))
  const app = new Hono()

  app.use(ownHostOnly(new URL(origin).host), csrf({ origin }), contentSecurity(new URL(mcpUrl).origin))
  app.get('/style.css', (c) => c.body(stylesheet, 200, { 'content-type': 'text/css' }))

  app.get('/favicon.ico', (c) => c.body(null, 204))

  app.get('/', async (c) => {
    const desks = visitorOf(c)?.desks ?? new Map<string, Desk>()
    return c.html(homePage({ people, desks, audit: await deps.readAudit().catch(() => undefined) }))
  })

  app.get('/state', (c) => {
    const desks = [...(visitorOf(c)?.desks ?? [])]
    return c.json(
      Object.fromEntries(
        desks.map(([username, { answer, refusal, research: found }]) => [
          username,
          { answer, refusal, ...(found && { research: { handed: found.handed, answer: found.answer } }) },
        ]),
      ),
    )
  })

  app.post('/sign-in', async (c) => {
    const { user } = await c.req.parseBody()
    const person = people.find(({ username }) => username === user)
    if (person === undefined)
      return c.html(problemPage('Nobody of that name works here.', 'Go back and choose.'), 400)
    const { url, state } = await agent.begin(mcpUrl, {
      scopes: ['crm.read'],
      loginHint: person.username,
      prompt: 'login',
    })
    beginning(c).begun.set(state, person.username)
    return c.redirect(url, 303)
  })

  app.get('/callback', async (c) => {
    const state = c.req.query('state') ?? ''
    const visitor = visitorOf(c)
    const wanted = visitor?.begun.get(state)
    if (visitor === undefined || wanted === undefined) return c.html(notBegun, 400)
    visitor.begun.delete(state)
    const login = await agent.finish(`${origin}${c.req.path}${new URL(c.req.url).search}`, state)
    const username = usernameOf(login)
    if (username !== wanted) return c.html(somebodyElse(wanted, username), 400)
    visitor.desks.set(username, { login })
    await askFor(visitor, username, 'my_commission')
    return c.redirect(`/#${username}`, 303)
  })

  app.post('/call', async (c) => {
    const { user, tool } = await c.req.parseBody()
    const visitor = visitorOf(c)
    if (typeof user !== 'string' || typeof tool !== 'string' || !offered.has(tool)) {
      return c.html(problemPage('There is no such call.', 'Go back and press one of the buttons.'), 400)
    }
    if (visitor !== undefined) await askFor(visitor, user, tool)
    return c.redirect(`/#${encodeURIComponent(user)}`, 303)
  })

  app.get('/:name/jwks', (c) => {
    const { name } = c.req.param()
    return Object.hasOwn(deps.keys, name) ? c.json(deps.keys[name] ?? {}) : c.notFound()
  })

  app.post('/research', async (c) => {
    const { user } = await c.req.parseBody()
    const visitor = visitorOf(c)
    const desk = typeof user === 'string' ? visitor?.desks.get(user) : undefined
    if (visitor === undefined || desk === undefined || typeof user !== 'string')
      return c.html(problemPage('Nobody of that name is signed in here.', 'Go back and sign in.'), 400)
    const planner = desk.research?.planner
    if (planner?.token() !== undefined) {
      await lookUp(visitor, user, planner)
      return c.redirect(`/#${user}`, 303)
    }
    const options = { scopes: ['crm.read', 'crm.write'], loginHint: user, prompt: 'login' } as const
    const { url, state } = await deps.team.planner.begin(mcpUrl, options)
    visitor.begunResearch.set(state, user)
    return c.redirect(url, 303)
  })

  app.get('/planner/callback', async (c) => {
    const state = c.req.query('state') ?? ''
    const visitor = visitorOf(c)
    const wanted = visitor?.begunResearch.get(state)
    if (visitor === undefined || wanted === undefined) return c.html(notBegun, 400)
    visitor.begunResearch.delete(state)
    const { search } = new URL(c.req.url)
    const planner = await deps.team.planner.finish(`${origin}${c.req.path}${search}`, state)
    const username = usernameOf(planner)
    if (username !== wanted) return c.html(somebodyElse(wanted, username), 400)
    await lookUp(visitor, username, planner)
    return c.redirect(`/#${username}`, 303)
  })

  app.onError((error, c) => {
    if (error instanceof JourneyFailed)
      return c.html(problemPage(error.message, 'Go back and sign in again.'), 400)
    if (error instanceof HTTPException) return error.getResponse()
    console.error(error)
    return c.html(problemPage('The assistant made a mistake.', 'Its log (agent.log) says more.'), 500)
  })

  /** The visitor of a browser that starts something: a new one where there is none. */
  function beginning(c: Context): Visitor {
    const known = visitorOf(c)
    if (known !== undefined) return known
    const { id, visitor } = visitors.create()
    setCookie(c, cookie, id, { httpOnly: true, sameSite: 'Lax', path: '/' })
    return visitor
  }

  async function askFor({ desks }: Visitor, username: string, tool: string): Promise<void> {
    const desk = desks.get(username)
    if (desk !== undefined) desks.set(username, await ask(desk, tool, deps.callTool))
  }

  async function lookUp({ desks }: Visitor, username: string, planner: Login): Promise<void> {
    const desk = desks.get(username)
    const found = await research(planner, { ...deps.team, callTool: deps.callTool })
    if (desk !== undefined) desks.set(username, { ...desk, research: found })
  }

  return app
}

const notBegun = problemPage(
  'This browser began no such sign-in, or has ended it before.',
  'Go back and sign in again.',
)

function somebodyElse(wanted: string, username: string): Html {
  const sentence = `You asked to sign in as ${wanted}, but it was ${username} who signed in.`
  return problemPage(sentence, `Go back and sign in again, with the user name and password of ${wanted}.`)
}

/** Whose login it is. An agent has no business in its token; this one looks into it to show it to you. */
function usernameOf(login: Login): string {
  const { sub_id: subject } = decodeJwt<{ sub_id?: { sub?: string } }>(login.token() ?? '')
  return subject?.sub ?? ''
}
