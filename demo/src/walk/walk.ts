import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { type Answer, answerSchema } from '../agent/answer.ts'
import { type AuditLine, readAudit } from '../agent/audit-lines.ts'
import { type Company, people, type Person } from '../company.ts'
import { Problem } from '../launcher/problem.ts'
import type { Browser, Page } from './scripted-browser.ts'

/** What the walk brought: what every hop carried for each user, what was refused, and what the audit log says. */
export interface Walked {
  readonly users: Readonly<Record<string, Answer & { readonly refusal: string }>>
  readonly audit: readonly AuditLine[]
}

const stateSchema = z.record(
  z.string(),
  z.object({ answer: answerSchema, refusal: z.object({ tool: z.string(), sentence: z.string() }) }),
)
const PAGES_MAX = 6
const AUDIT_LINES = 50
const AUDIT_MS = 5000

/**
 * Goes the way a person goes: in one browser, Alice and then Bob sign in at the assistant, allow it to act, see their
 * commission, and try what is not permitted. `auditUrl` is where the audit lines are.
 * Throws {@link Problem} where a page leads nowhere.
 */
export async function walk(company: Company, browser: Browser, auditUrl: string): Promise<Walked> {
  const before = new Set((await readAudit(auditUrl, AUDIT_LINES)).map(({ ref }) => ref))
  for (const person of people) {
    const home = await signIn(company, browser, person)
    await press(browser, home, person, 'delete_customer')
  }
  const state = await browser.open(`${company.agent}/state`)
  const desks = stateSchema.parse(JSON.parse(state.body))
  const users = Object.entries(desks).map(
    ([username, { answer, refusal }]) => [username, { ...answer, refusal: refusal.sentence }] as const,
  )
  return { users: Object.fromEntries(users), audit: await settledAudit(auditUrl, before) }
}

/** From the assistant's page, by whatever pages the service shows, back to the assistant. */
async function signIn({ agent }: Company, browser: Browser, person: Person): Promise<Page> {
  let page = await browser.open(agent)
  page = await press(browser, page, person)
  for (let steps = 0; steps < PAGES_MAX && new URL(page.url).origin !== agent; steps += 1) {
    page = await nextPage(browser, page, person)
  }
  if (new URL(page.url).origin === agent && page.status === 200) return page
  throw stuck(person, page)
}

async function nextPage(browser: Browser, page: Page, person: Person): Promise<Page> {
  const login = page.forms.find(({ fields }) => 'password' in fields)
  if (login !== undefined)
    return browser.submit(page, login, { username: person.username, password: person.password })
  const consent = page.forms.find(({ buttons }) => buttons.some(({ value }) => value === 'allow'))
  if (consent !== undefined) return browser.submit(page, consent, { decision: 'allow' })
  throw stuck(person, page)
}

/** Presses a person's button on the assistant's page: to sign in, or to have a tool called. */
function press(browser: Browser, page: Page, person: Person, tool?: string): Promise<Page> {
  const form = page.forms.find(({ fields }) => fields['user'] === person.username && fields['tool'] === tool)
  if (form === undefined) throw stuck(person, page)
  return browser.submit(page, form)
}

function stuck({ name }: Person, { url, status, text }: Page): Problem {
  const { origin, pathname } = new URL(url)
  return new Problem(
    `${name} is stuck at ${origin}${pathname} (${status}). The page says: ${text.slice(0, 400)}`,
  )
}

/** The new audit lines, oldest first, once both users' calls have their outcome; or as they are after five seconds. */
async function settledAudit(url: string, before: ReadonlySet<string>): Promise<readonly AuditLine[]> {
  for (const deadline = Date.now() + AUDIT_MS; ; await delay(50)) {
    const lines = (await readAudit(url, AUDIT_LINES)).filter(({ ref }) => !before.has(ref))
    const hasOutcome = ({ username }: Person) =>
      lines.some(
        (line) => line.username === username && line.tool === 'my_commission' && line.outcome !== 'pending',
      )
    if (people.every(hasOutcome) || Date.now() > deadline) return lines.reverse()
  }
}
