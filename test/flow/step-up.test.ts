import type { ServerResponse } from 'node:http'
import { ISSUED_BEFORE_MARGIN_MS } from '@tetrapod/protocol'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditLine } from '../../service/src/audit/index.ts'
import { createBrowser } from '../../demo/src/walk/scripted-browser.ts'
import { type Answer, openPayments, type Payments } from '../support/payments.ts'
import { ask, meta, rpc, type Reply, send } from '../support/wire.ts'

type Document = Readonly<Record<string, unknown>>

let there: Payments

const body = (name: string) => ({
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': name,
  },
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, _meta: meta } }),
})
/** What an agent that asks its user gets for a tool. */
async function calledBy(fetched: typeof fetch, name: string) {
  const answer = await fetched(there.world.mount('notes'), body(name))
  return { status: answer.status, message: (await answer.json()) as Document }
}
const paid = { result: { content: [{ type: 'text', text: 'paid' }] } }

/** A token of alice's with these scopes, and what the gateway answers to a call with it. */
const signedIn = async (scopes: readonly string[], username = 'alice', browser = createBrowser()) =>
  (await there.world.signIn(username, { server: 'notes', scopes, browser })).token() ?? ''
const call = (token: string, name: string, params: Document = {}) =>
  send(rpc({ url: there.world.mount('notes'), token, params: { name, ...params } }))
const message = ({ text }: Reply) => JSON.parse(text) as Document
const scopeOfTokenTwo = () => decodeJwt(there.world.lastToken('notes'))['scope']
const challenged = (scope: string) =>
  `Bearer error="insufficient_scope", scope="${scope}", resource_metadata="${there.world.publicUrl}/.well-known/oauth-protected-resource/notes/mcp"`

async function auditLines(): Promise<readonly AuditLine[]> {
  const { text } = await ask(there.world.service.socket, 'GET', '/audit?limit=50')
  return (JSON.parse(text) as { lines: readonly AuditLine[] }).lines
}

describe('an API refuses a call for insufficient scope', () => {
  beforeEach(async () => {
    there = await openPayments()
  })
  afterEach(() => there.close())

  test('the agent asks its user, who agrees: then it works, and the bank sees user and chain', async () => {
    const agent = there.agent('allow')
    expect(await calledBy(agent.fetch, 'pay')).toMatchObject({ status: 200, message: paid })
    expect(agent.asked).toEqual(
      ['notes.read', 'notes.read notes.pay'].map((it) => expect.stringContaining(it) as string),
    )
    expect(there.payments).toEqual([
      { user: 'alice', scopes: ['bank.pay', 'bank.read'], chain: ['notes', 'gateway', 'assistant'] },
    ])
    // Once up to the refusal, once to the end: the gateway runs nothing twice.
    expect(there.runs()).toBe(2)
  })

  test('the user disagrees: a clean error, and nothing is granted or paid', async () => {
    const before = await signedIn(['notes.read'])
    const agent = there.agent('allow')
    await calledBy(agent.fetch, 'nothing')
    const unwilling = there.agent('deny' satisfies Answer)
    await expect(calledBy(unwilling.fetch, 'pay')).rejects.toMatchObject({ name: 'JourneyFailed' })
    expect(there.payments).toEqual([])
    const { text } = await ask(there.world.service.socket, 'GET', '/grants')
    expect(text).toContain('notes.read')
    expect(text).not.toContain('notes.pay')
    expect((await call(before, 'pay')).status).toBe(403)
  })

  test('the gateway answers 403 with all that the operation needs at once, and the tool ran once', async () => {
    const reply = await call(await signedIn(['notes.read']), 'pay')
    expect(reply.status).toBe(403)
    expect(reply.headers['www-authenticate']).toBe(challenged('notes.read notes.pay'))
    expect(message(reply)).toMatchObject({ id: 1, error: { data: { code: 'gateway.scope_missing' } } })
    expect(reply.text).not.toContain('step-up')
    expect(there.runs()).toBe(1)
  })

  test('it is on record as a step-up, and so is what the broker refused', async () => {
    await call(await signedIn(['notes.read']), 'pay')
    const lines = await auditLines()
    expect(lines.findLast(({ kind }) => kind === 'call')).toMatchObject({
      tool: 'pay',
      outcome: 'step_up',
      reason: 'gateway.scope_missing',
    })
    expect(lines.findLast(({ kind }) => kind === 'exchange')).toMatchObject({
      outcome: 'denied',
      reason: 'broker.consent_required',
    })
  })

  test('who holds the scope already is asked for nothing: the next call with the same token works', async () => {
    const agent = there.agent('allow', { scopes: ['notes.read', 'notes.pay'] })
    expect(await calledBy(agent.fetch, 'pay')).toMatchObject({ status: 200, message: paid })
    expect(agent.asked).toHaveLength(1)
    expect(there.runs()).toBe(2)
    expect(await calledBy(agent.fetch, 'pay')).toMatchObject({ status: 200, message: paid })
    expect(there.runs()).toBe(3)
  })

  test('what was learnt is there after a restart, for this tool alone and within what its caller holds', async () => {
    await call(await signedIn(['notes.read']), 'pay')
    await there.world.restart()
    const wide = await signedIn(['notes.read', 'notes.pay'])
    expect(message(await call(wide, 'pay'))).toMatchObject(paid)
    expect(scopeOfTokenTwo()).toBe('notes.read notes.pay')
    await call(wide, 'close_account')
    expect(scopeOfTokenTwo()).toBe('notes.read')
    await call(await signedIn(['notes.read']), 'pay')
    expect(scopeOfTokenTwo()).toBe('notes.read')
  })

  test('a token from before is no wider once the user has taken the scope back', async () => {
    const browser = createBrowser()
    const wide = await signedIn(['notes.read', 'notes.pay'], 'alice', browser)
    await call(wide, 'pay')
    await call(wide, 'pay')
    expect(there.payments).toHaveLength(1)
    const page = await browser.open(`${there.world.publicUrl}/grants`)
    const form = page.forms.find(({ fields }) => 'grant' in fields || 'id' in fields) ?? page.forms[0]
    if (form === undefined) throw new Error(page.text)
    await browser.submit(page, form)
    expect((await call(wide, 'pay')).status).toBe(401)
    expect(there.payments).toHaveLength(1)
  })

  test('where the user never saw the edge, they are asked, although the agent has every scope', async () => {
    await there.restart(false)
    const agent = there.agent('allow', { scopes: ['notes.read', 'notes.pay'] })
    expect(await calledBy(agent.fetch, 'pay')).toMatchObject({
      status: 200,
      message: { result: { isError: true } },
    })
    // What is issued over an edge so soon after it was removed may still come from before.
    there.world.clock.advance(ISSUED_BEFORE_MARGIN_MS + 1000)
    await there.restart(true)
    expect(await calledBy(agent.fetch, 'pay')).toMatchObject({ status: 200, message: paid })
    expect(agent.asked).toHaveLength(2)
  })

  test('where no edge leads there, nobody is asked: the tool fails, and says why', async () => {
    const reply = await call(await signedIn(['notes.read', 'notes.pay']), 'close_account')
    expect(reply.status).toBe(200)
    expect(message(reply)).toMatchObject({ result: { isError: true } })
    expect(reply.text).not.toContain('step-up')
    expect((await auditLines()).findLast(({ kind }) => kind === 'call')).toMatchObject({ outcome: 'error' })
  })

  test('where the policy forbids it, nobody is asked either', async () => {
    const reply = await call(await signedIn(['notes.read'], 'bob'), 'pay')
    expect(reply.status).toBe(200)
    expect(message(reply)).toMatchObject({ result: { isError: true } })
    expect(reply.headers['www-authenticate']).toBeUndefined()
  })
})

describe('a server that says which scopes it wants', () => {
  let tool: string
  beforeAll(async () => {
    there = await openPayments()
  })
  beforeEach(({ task }) => {
    // What is learnt is of this tool alone.
    tool = `tool_${task.id.replaceAll(/\W/g, '')}`
  })
  afterAll(() => there.close())

  const stepUpTo = (member: unknown, more: Document = {}) => {
    there.behave = (request, response) => {
      answering(request, (id, progressToken) => {
        const result = {
          isError: true,
          content: [{ type: 'text', text: 'more' }],
          _meta: { 'tetrapod/step-up': member },
          ...more,
        }
        if (progressToken === undefined) return json(response, { id, result })
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        const progress = { method: 'notifications/progress', params: { progressToken, progress: 1 } }
        response.end([progress, { id, result }].map(event).join(''))
      })
    }
  }
  const called = async () => call(await signedIn(['notes.read']), tool)

  test.each([
    ['another server', 'crm.read'],
    ['another server, beside one of its own', 'notes.pay crm.read'],
    ['an API', 'bank.pay'],
    ['nobody', 'notes.everything'],
    ['the authorization server', 'offline_access'],
    ['the authorization server, beside one of its own', 'notes.pay offline_access openid'],
    ['every object', 'constructor'],
  ])('gets none of %s: %s', async (_, scope) => {
    stepUpTo({ scope })
    const reply = await called()
    expect(reply.status).toBe(200)
    expect(message(reply)['result']).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'more' }],
      resultType: 'complete',
    })
    there.behave = undefined
    await call(await signedIn(['notes.read', 'notes.pay']), tool)
    expect(scopeOfTokenTwo()).toBe('notes.read')
  })

  test.each([
    ['no text', { scope: ['notes.pay'] }],
    ['more than is understood', { scope: 'notes.pay', max_age: 0 }],
    ['a line break', { scope: 'notes.pay\r\nset-cookie: a=b' }],
    ['a quotation mark', { scope: 'notes.pay" x="' }],
    ['nothing', { scope: '' }],
  ])('is not understood with %s, and the client sees nothing of it', async (_, member) => {
    stepUpTo(member)
    const reply = await called()
    expect([reply.status, reply.text.includes('step-up')]).toEqual([200, false])
  })

  test('is not heard in a result that is no error, and what else it says there goes on', async () => {
    stepUpTo({ scope: 'notes.pay' }, { isError: false })
    expect([(await called()).status, (await called()).text.includes('step-up')]).toEqual([200, false])
    const _meta = { 'tetrapod/step-up': { scope: 'notes.pay' }, 'example.com/other': 1 }
    stepUpTo({}, { isError: false, _meta })
    expect(message(await called())).toMatchObject({ result: { _meta: { 'example.com/other': 1 } } })
  })

  test('is not heard where it lists its tools', async () => {
    there.behave = (request, response) =>
      answering(request, (id) => {
        const _meta = { 'tetrapod/step-up': { scope: 'notes.pay' } }
        json(response, { id, result: { tools: [], isError: true, _meta } })
      })
    const list = rpc({
      url: there.world.mount('notes'),
      token: await signedIn(['notes.read']),
      method: 'tools/list',
    })
    const reply = await send(list)
    expect([reply.status, reply.text.includes('step-up')]).toEqual([200, false])
  })

  test('widens nothing beyond what its caller holds, whatever it names', async () => {
    stepUpTo({ scope: 'notes.pay' })
    for (let times = 0; times < 3; times++) expect((await called()).status).toBe(403)
    expect(scopeOfTokenTwo()).toBe('notes.read')
  })

  test('is heard in a refusal of its own before the tool begins (RFC 6750 §3.1)', async () => {
    const refuseWith = (challenge: string, status = 403) => {
      there.behave = (_request, response) =>
        void response.writeHead(status, { 'www-authenticate': challenge }).end()
    }
    refuseWith('Bearer error="insufficient_scope", scope="notes.pay"')
    const reply = await called()
    expect([reply.status, reply.headers['www-authenticate']]).toEqual([
      403,
      challenged('notes.read notes.pay'),
    ])
    for (const challenge of [
      'Bearer error="insufficient_scope", scope="crm.read"',
      'Bearer error="insufficient_scope", scope="notes.pay bank.pay"',
      'Bearer error="invalid_token", scope="notes.pay"',
      'Bearer error="insufficient_scope"',
    ]) {
      refuseWith(challenge)
      expect(message(await called())).toMatchObject({ error: { data: { code: 'gateway.upstream_refused' } } })
    }
    refuseWith('Bearer error="insufficient_scope", scope="notes.pay"', 401)
    expect(message(await called())).toMatchObject({ error: { data: { code: 'gateway.upstream_refused' } } })
  })

  test('that has begun to answer leaves its result: it says what the agent must ask for', async () => {
    stepUpTo({ scope: 'notes.pay' })
    const token = await signedIn(['notes.read'])
    const reply = await call(token, tool, { _meta: { ...meta, progressToken: 'p' } })
    expect(reply.status).toBe(200)
    const last = reply.text.trim().split('data: ').at(-1) ?? ''
    const { result } = JSON.parse(last) as { result: { content: { text: string }[]; _meta: Document } }
    expect(result._meta).toEqual({ 'tetrapod/step-up': { scope: 'notes.read notes.pay' } })
    expect(result.content.map(({ text }) => text).join(' ')).toMatch(
      /more .*"notes\.read notes\.pay" at http:.*\/notes\/mcp/,
    )
    expect((await auditLines()).findLast(({ kind }) => kind === 'call')).toMatchObject({ outcome: 'step_up' })
  })
})

function answering(
  request: AsyncIterable<Uint8Array>,
  answer: (id: string, progressToken: unknown) => void,
): void {
  const read = async () => {
    let text = ''
    for await (const chunk of request) text += Buffer.from(chunk).toString()
    const { id, params } = JSON.parse(text) as { id: string; params: { _meta: Document } }
    answer(id, params._meta['progressToken'])
  }
  void read()
}

function json(response: ServerResponse, members: object): void {
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', ...members }))
}

function event(members: object): string {
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...members })}\n\n`
}
