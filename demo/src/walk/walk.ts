import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { type Answer, answerSchema, type Claims } from '../agent/answer.ts'
import { type AuditLine, readAudit } from '../agent/audit-lines.ts'
import { type Company, people, type Person } from '../company.ts'
import { Problem } from '../launcher/problem.ts'
import type { Browser, Page } from './scripted-browser.ts'

/** What one user's calls brought: the assistant's, the refused one, and the researcher's, to whom the planner handed a part. */
export interface Walk extends Answer {
  readonly refusal: string
  readonly research: { readonly handed: Claims; readonly answer: Answer }
}

/** What the walk brought: what every hop carried for each user, what was refused, and what the audit log says. */
export interface Walked {
  readonly users: Readonly<Record<string, Walk>>
  readonly audit: readonly AuditLine[]
}

const stateSchema = z.record(
  z.string(),
  z.object({
    answer: answerSchema,
    refusal: z.object({ tool: z.string(), sentence: z.string() }),
    research: z.object({ handed: z.record(z.string(), z.unknown()), answer: answerSchema }),
  }),
)
const PAGES_MAX = 6
const AUDIT_LINES = 50
const AUDIT_MS = 5000
/** Of each user: the assistant's and the researcher's. */
const CALLS = 2

/**
 * Goes the way a person goes: in one browser, Alice and then Bob sign in at the assistant, allow it to act, see their
 * commission, try what is not permitted, and let the planner hand a part to its researcher. `auditUrl` is where the audit lines are.
 * Throws {@link Problem} where a page leads nowhere.
 */
export async function walk(company: Company, browser: Browser, auditUrl: string): Promise<Walked> {
  const before = new Set((await readAudit(auditUrl, AUDIT_LINES)).map(({ ref }) => ref))
  for (const person of people) {
    const home = await signIn(company, browser, person)
    const refused = await press(browser, home, person, { tool: 'delete_customer' })
    await agreed(company, browser, person, await press(browser, refused, person, { action: '/research' }))
  }
  const state = await browser.open(`${company.agent}/state`)
  const desks = stateSchema.parse(JSON.parse(state.body))
  const users = Object.entries(desks).map(
    ([username, { answer, refusal, research }]) =>
      [username, { ...answer, refusal: refusal.sentence, research }] as const,
  )
  return { users: Object.fromEntries(users), audit: await settledAudit(auditUrl, before) }
}

/** From the assistant's page, by whatever pages the service shows, back to the assistant. */
async function signIn(company: Company, browser: Browser, person: Person): Promise<Page> {
  const home = await browser.open(company.agent)
  return agreed(company, browser, person, await press(browser, home, person, { action: '/sign-in' }))
}

async function agreed({ agent }: Company, browser: Browser, person: Person, asked: Page): Promise<Page> {
  let page = asked
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

/** Presses a person's button on the assistant's page: the one that leads there, or the one that has a tool called. */
function press(
  browser: Browser,
  page: Page,
  person: Person,
  { action = '/call', tool }: { readonly action?: string; readonly tool?: string },
): Promise<Page> {
  const form = page.forms.find(
    (it) => it.action === action && it.fields['user'] === person.username && it.fields['tool'] === tool,
  )
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
    const haveOutcomes = ({ username }: Person) => {
      const calls = lines.filter((line) => line.username === username && line.tool === 'my_commission')
      return calls.length === CALLS && calls.every(({ outcome }) => outcome !== 'pending')
    }
    if (people.every(haveOutcomes) || Date.now() > deadline) return lines.reverse()
  }
}
