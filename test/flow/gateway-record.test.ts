import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createBrowser } from '../../demo/src/walk/scripted-browser.ts'
import type { AuditLine } from '../../service/src/audit/index.ts'
import { openForge } from '../support/forge.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { NOTES_SECRET, openWorld, type World } from '../support/world.ts'

const echo = { name: 'echo', arguments: { text: 'hello' } }

/** What an operator reads: the newest line last. */
async function lines(world: World): Promise<readonly AuditLine[]> {
  const { text } = await ask(world.service.socket, 'GET', '/audit?limit=100')
  return (JSON.parse(text) as { lines: readonly AuditLine[] }).lines
}

const callNotes = (world: World, token: string | undefined, params: object = echo) =>
  send(rpc({ url: world.mount('notes'), token, params: { ...params } }))

/** The next exchange of `notes`, for the token it was called with. */
function exchange(world: World, subjectToken: string) {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'payroll',
    client_id: 'notes',
    client_secret: NOTES_SECRET,
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return send({ url: `${world.publicUrl}/token`, headers, body: body.toString() })
}

describe('the audit log', () => {
  let world: World
  let token: string
  let duringTheCall: () => Promise<unknown> = () => Promise.resolve()
  let seen: unknown
  const upstream = (request: IncomingMessage, response: ServerResponse) => {
    void (async () => {
      let text = ''
      for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString()
      seen = await duringTheCall()
      const { id } = JSON.parse(text) as { id: string }
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } }))
    })()
  }
  beforeAll(async () => {
    world = await openWorld({ upstream })
    token = (await world.signIn('alice', { server: 'notes' })).token() ?? ''
  })
  afterAll(() => world.close())

  test('has the decision, with its inputs, before the server behind sees the call; the outcome follows', async () => {
    duringTheCall = () => lines(world)
    expect((await callNotes(world, token)).status).toBe(200)
    const { dlg, txn, act } = decodeJwt(token) as { dlg: { gid: string }; txn: string; act: object }
    const decision = {
      kind: 'call',
      username: 'alice',
      agent: 'assistant',
      server: 'notes',
      method: 'tools/call',
      tool: 'echo',
      arguments: { text: 'hello' },
      decision: 'permit',
      rule: 'policies[2]',
      scopes: ['notes.read'],
      grant: dlg.gid,
      chain: [act],
      txn,
    }
    expect((seen as AuditLine[]).at(-1)).toMatchObject({ ...decision, outcome: 'pending' })
    expect((await lines(world)).at(-1)).toMatchObject({ ...decision, outcome: 'ok' })
  })

  test('that cannot be written refuses the call, list and call alike: 503, and the server behind is not called', async () => {
    duringTheCall = () => Promise.resolve()
    // The disk is not full, but the database answers as if it were.
    const database = new DatabaseSync(join(world.dataDirectory, 'tetrapod.db'))

    database.exec(
      "create trigger full_disk before insert on bundles begin select raise(abort, 'disk full'); end",
    )
    const before = world.received.length
    try {
      for (const method of ['tools/call', 'tools/list']) {
        const params = method === 'tools/call' ? echo : {}
        const reply = await send(rpc({ url: world.mount('notes'), token, id: 5, method, params }))
        expect(reply.status).toBe(503)
        expect(reply.headers['retry-after']).toBe('1')
        expect(JSON.parse(reply.text)).toMatchObject({
          id: 5,
          error: { code: -32_603, data: { code: 'audit.unavailable' } },
        })
        expect(reply.text).not.toContain('disk full')
      }
      expect(world.received.length).toBe(before)
    } finally {
      database.exec('drop trigger full_disk')
      database.close()
    }
    await expect.poll(async () => (await callNotes(world, token)).status, { interval: 20 }).toBe(200)
  })

  test('has every call that was refused, and why', async () => {
    const bob = (await world.signIn('bob', { scopes: ['crm.read'] })).token()
    const crm = (params: object) => send(rpc({ url: world.mount('crm'), token: bob, params: { ...params } }))
    await crm({ name: 'delete_customer', arguments: { id: 'c-1' } })
    expect((await lines(world)).at(-1)).toMatchObject({
      tool: 'delete_customer',
      username: 'bob',
      decision: 'deny',
      rule: 'policies[4]',
      outcome: 'denied',
      reason: 'gateway.policy_denied',
    })
    await callNotes(world, token, { name: 'nosuchtool' })
    expect((await lines(world)).at(-1)).toMatchObject({ decision: 'deny', reason: 'gateway.tool_unknown' })
    const alice = (await world.signIn('alice', { scopes: ['crm.read'] })).token()
    const needsMore = { name: 'delete_customer', arguments: { id: 'c-1' } }
    await send(rpc({ url: world.mount('crm'), token: alice, params: needsMore }))
    expect((await lines(world)).at(-1)).toMatchObject({ decision: 'deny', reason: 'gateway.scope_missing' })
  })
})

describe('a grant', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(() => world.close())

  test('that is revoked stops the next call at the gateway and the next exchange, and is on record', async () => {
    const login = await world.signIn('alice', { server: 'notes' })
    const token = login.token() ?? ''
    expect((await callNotes(world, token)).status).toBe(200)
    const tokenTwo = world.lastToken('notes')
    expect((await exchange(world, tokenTwo)).status).toBe(200)

    const { gid } = decodeJwt(token)['dlg'] as { gid: string }
    expect((await ask(world.service.socket, 'POST', `/grants/${gid}/revoke`)).status).toBe(204)

    const before = world.received.length
    const stopped = await callNotes(world, token)
    expect(stopped.status).toBe(401)
    expect(stopped.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", resource_metadata="/)
    expect(world.received.length).toBe(before)
    expect((await lines(world)).at(-1)).toMatchObject({
      username: 'alice',
      agent: 'assistant',
      server: 'notes',
      decision: 'deny',
      reason: 'gateway.token_refused.revoked',
    })
    const refused = await exchange(world, tokenTwo)
    expect(refused.status).toBe(400)
    expect(JSON.parse(refused.text)).toMatchObject({ error: 'invalid_request' })
    const revoked = (await lines(world)).findLast(({ kind }) => kind === 'grant_revoked')
    expect(revoked).toMatchObject({ grant: gid, username: 'alice' })

    await world.restart()
    expect((await callNotes(world, token)).status).toBe(401)
    expect((await exchange(world, tokenTwo)).status).toBe(400)
  })

  test('is revoked though the audit log cannot be written: the operator is told so, and it comes on record later', async () => {
    const token = (await world.signIn('bob', { server: 'notes' })).token() ?? ''
    const { gid } = decodeJwt(token)['dlg'] as { gid: string }
    const database = new DatabaseSync(join(world.dataDirectory, 'tetrapod.db'))
    database.exec(
      "create trigger full_disk before insert on bundles begin select raise(abort, 'disk full'); end",
    )
    try {
      expect((await callNotes(world, token)).status).toBe(503)
      expect((await ask(world.service.socket, 'POST', `/grants/${gid}/revoke`)).status).toBe(204)
      expect((await lines(world)).some(({ kind, grant }) => kind === 'grant_revoked' && grant === gid)).toBe(
        false,
      )
    } finally {
      database.exec('drop trigger full_disk')
      database.close()
    }
    expect((await callNotes(world, token)).status).toBe(401)
    const revoked = (await lines(world)).filter(
      ({ kind, grant }) => kind === 'grant_revoked' && grant === gid,
    )
    expect(revoked).toMatchObject([{ username: 'bob', outcome: 'recorded' }])
  })

  test('bounds what a list is asked for upstream, whatever scopes a token of ours says', async () => {
    const login = await world.signIn('alice', { scopes: ['crm.read'] })
    const wider = await (
      await openForge(world)
    ).sign({ ...decodeJwt(login.token() ?? ''), scope: 'crm.read crm.write' })
    const { status } = await send(rpc({ url: world.mount('crm'), token: wider, method: 'tools/list' }))
    expect(status).toBe(200)
    expect(decodeJwt(world.lastToken('crm'))['scope']).toBe('crm.read')
  })

  const listedWith = async (own: World, username: string) => {
    const login = await own.signIn(username, { scopes: ['crm.read', 'crm.write'] })
    await send(rpc({ url: own.mount('crm'), token: login.token(), method: 'tools/list' }))
    return decodeJwt(own.lastToken('crm'))['scope']
  }

  test('lists with no scope that is for tools alone which the policy forbids this user', async () => {
    expect(await listedWith(world, 'alice')).toBe('crm.read crm.write')
    expect(await listedWith(world, 'bob')).toBe('crm.read')
  })

  test.each([
    ['is forbidden whole', '- forbid: { users: [bob], tools: ["del*"] }', 'crm.read'],
    ['is forbidden in part', '- forbid: { users: [bob], tools: ["delete_c*"] }', 'crm.read crm.write'],
    ['is permitted in part', '- permit: { users: [bob], tools: [delete_note] }', 'crm.read crm.write'],
  ])('lists with the scopes of a pattern unless it %s', async (_, rule, scope) => {
    const everything = rule.startsWith('- permit') ? 'tools: [find_customer]' : 'tools: ["*"]'
    const own = await openWorld({
      policies: `\n  - permit: { users: [bob], servers: [crm], ${everything} }\n  ${rule}`,
      amend: (text) =>
        text.replace('delete_customer: { scopes: [crm.write] }', '"delete_*": { scopes: [crm.write] }'),
    })
    onTestFinished(() => own.close())
    expect(await listedWith(own, 'bob')).toBe(scope)
  })

  test('of one user lives on when the grant of another is revoked', async () => {
    const [alice, bob] = [
      await world.signIn('alice', { server: 'notes' }),
      await world.signIn('bob', { server: 'notes' }),
    ]
    const { gid } = decodeJwt(alice.token() ?? '')['dlg'] as { gid: string }
    await ask(world.service.socket, 'POST', `/grants/${gid}/revoke`)
    expect((await callNotes(world, alice.token())).status).toBe(401)
    expect((await callNotes(world, bob.token())).status).toBe(200)
  })

  test('a login, a grant and the signing key outlive a restart: the next sign-in shows no form', async () => {
    const browser = createBrowser()
    const token = (await world.signIn('alice', { server: 'notes', browser })).token() ?? ''
    const account = decodeJwt(token).sub
    await world.restart()
    expect((await callNotes(world, token)).status).toBe(200)

    // Nobody there to fill in a form: a page with one would end the journey.
    const silent = await world.signIn('nobody', { server: 'notes', browser })
    const again = silent.token() ?? ''
    expect(decodeJwt(again).sub).toBe(account)
    expect(decodeProtectedHeader(again).kid).toBe(decodeProtectedHeader(token).kid)
    expect((await callNotes(world, again)).status).toBe(200)
  })
})
