import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAgent, type LoginOptions } from '@tetrapod/agent-sdk'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { callerOf, protect, type Protection, stepUp } from '@tetrapod/server-sdk'
import { createBrowser, type Page } from '../../demo/src/walk/scripted-browser.ts'
import { close, freePorts, listen } from './ports.ts'
import { type Amend, NOTES_SECRET, openWorld, type World, type WorldOptions } from './world.ts'

/** What the bank saw of a payment that it made. */
export interface Payment {
  readonly user: string
  readonly scopes: readonly string[]
  /** Everyone who acted, outermost first. */
  readonly chain: readonly string[]
}

/** What the person before the browser does with a consent page. */
export type Answer = 'allow' | 'deny'

/**
 * A world whose server `notes` has tools that use an API, `bank`. The server asks for what the catalogue says of its tool;
 * the bank wants more for a payment.
 */
export interface Payments {
  readonly world: World
  readonly payments: readonly Payment[]
  /** How often a tool of the server began. */
  readonly runs: () => number
  /** Answers in place of the server; undefined: nothing does. */
  behave: RequestListener | undefined
  /** The fetch of an agent that asks a person who answers so. `asked` are the scopes of each login it began. */
  agent(
    answer: Answer,
    options?: LoginOptions,
  ): { readonly fetch: typeof globalThis.fetch; readonly asked: readonly string[] }
  /** Starts the service again with the edge from `notes.pay` to `bank.pay`, or without it. */
  restart(edge: boolean): Promise<void>
  close(): Promise<void>
}

const policies = `
  - permit: { servers: [crm, notes] }
  - permit: { servers: [crm, notes], apis: [payroll] }
  - permit: { servers: [notes], apis: [bank] }
  - forbid: { users: [bob], apis: [bank] }`

export async function openPayments(
  options: Omit<WorldOptions, 'upstream' | 'policies' | 'amend'> = {},
): Promise<Payments> {
  const [agentPort] = (await freePorts(1)) as [number]
  let bank: Party | undefined
  const listening = await listen((request, response) => bank?.listener(request, response), 0)
  const redirectUri = `http://127.0.0.1:${agentPort}/callback`
  const bankUrl = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
  let runs = 0
  let server: Party | undefined
  const amend: Amend = (text) =>
    withBank(text, bankUrl).replace('redirect_uris: [', `redirect_uris: [${redirectUri}, `)
  const world = await openWorld({
    ...options,
    policies,
    amend,
    upstream: (request, response) => (opened.behave ?? server?.listener)?.(request, response),
  })
  const payments: Payment[] = []
  bank = bankApi(world, bankUrl, payments)
  server = notesServer(world, bankUrl, () => runs++)

  const opened: Payments = {
    world,
    payments,
    runs: () => runs,
    behave: undefined,
    agent(answer, { scopes = ['notes.read'], ...login } = {}) {
      const asked: string[] = []
      const browser = createBrowser()
      const open = async (url: string) => {
        asked.push(new URL(url).searchParams.get('scope') ?? '')
        await person(world, answer)(browser, await browser.open(url))
      }
      const client = { id: 'assistant', key: world.agentKey }
      const agent = createAgent({ client, redirectUri, open })
      return { fetch: agent.fetch(world.mount('notes'), { ...login, scopes }), asked }
    },
    restart: (edge) =>
      world.restart(edge ? amend : (text) => amend(text).replace(', notes.pay: [bank.pay] }', ' }')),
    async close() {
      bank?.protection.close()
      server?.protection.close()
      await world.close()
      await close(listening)
    },
  }
  return opened
}

function withBank(text: string, bank: string): string {
  return text
    .replace(
      'scopes: { notes.read: Read your notes }',
      'scopes: { notes.read: Read your notes, notes.pay: Pay your bills }',
    )
    .replace(
      'calls: { payroll: { notes.read: [payroll.read] } }',
      'calls: { payroll: { notes.read: [payroll.read] }, bank: { notes.read: [bank.read], notes.pay: [bank.pay] } }',
    )
    .replace('tools: { echo: { scopes: [notes.read] } }', 'tools: { "*": { scopes: [notes.read] } }')
    .replace(
      'apis:',
      `apis:
  bank:
    name: Bank
    resource: ${bank}
    scopes: { bank.read: See your balance, bank.pay: Pay from your account, bank.close: Close your account }`,
    )
}

interface Party {
  readonly listener: RequestListener
  readonly protection: Protection
}

/** Pays for who has `bank.pay`, and closes the account of who has `bank.close`. */
function bankApi(world: World, resource: string, payments: Payment[]): Party {
  const scopes = ['bank.read', 'bank.pay', 'bank.close']
  const protection = protect({ issuer: world.publicUrl, resource, scopes, clock: world.clock })
  const handle = protection.guard((request, response) => {
    const caller = callerOf(request)
    caller.requireScopes(request.url === '/close' ? 'bank.close' : 'bank.pay')
    const chain = caller.chain.map(({ sub, client_id = sub }) => client_id)
    payments.push({ user: caller.user.subjectId.sub, scopes: [...caller.scopes], chain })
    response.end('paid')
  })
  return { protection, listener: (request, response) => void handle(request, response) }
}

/** Tools as an author writes them: each asks the bank first, and does its own work afterwards. */
function notesServer(world: World, bank: string, began: () => void): Party {
  const { publicUrl: issuer, urls, clock } = world
  const client = { id: 'notes', secret: NOTES_SECRET }
  const scopes = ['notes.read', 'notes.pay']
  const protection = protect({ issuer, resource: urls.notes, scopes, client, clock })
  const build = () => {
    const server = new McpServer({ name: 'notes', version: '1.0.0' })
    for (const [tool, path] of [
      ['pay', '/payments'],
      ['close_account', '/close'],
    ] as const)
      server.registerTool(tool, {}, async (context) => {
        began()
        try {
          const request = { method: 'POST', scopes: ['bank.read'] }
          const answer = await callerOf(context).fetch('bank', `${bank}${path}`, request)
          return { content: [{ type: 'text', text: await answer.text() }] }
        } catch (error) {
          return stepUp(error)
        }
      })
    return server
  }
  const handle = protection.guard(toNodeHandler(createMcpHandler(build)))
  return { protection, listener: (request, response) => void handle(request, response) }
}

/** Signs in as alice and answers the consent page, then goes where it leads. */
function person(world: World, answer: Answer) {
  return async (browser: ReturnType<typeof createBrowser>, page: Page): Promise<Page> => {
    if (answer === 'allow') return world.agree(browser, page, 'alice')
    const [signIn] = page.forms
    const isSignIn = signIn !== undefined && 'password' in signIn.fields
    const consent = isSignIn
      ? await browser.submit(page, signIn, { username: 'alice', password: 'alice-password' })
      : page
    const [form] = consent.forms
    return form === undefined ? consent : browser.submit(consent, form, { decision: answer })
  }
}
