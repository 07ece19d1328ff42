import { once } from 'node:events'
import { Agent, type IncomingMessage, request as open, type ServerResponse } from 'node:http'
import { generateClientKey, importClientKey, protect } from '@tetrapod/server-sdk'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditLine } from '../../service/src/audit/index.ts'
import { byHand, createPerson, EXCHANGE, officialClient, signAssertion } from '../support/by-hand.ts'
import { ask, meta, type Reply, rpc, send } from '../support/wire.ts'
import { NOTES_SECRET, openWorld, type World } from '../support/world.ts'

const find = { name: 'find_customer', arguments: { query: 'a' } }
const echo = { name: 'echo', arguments: { text: 'x' } }

interface Delegation {
  readonly gid: string
  readonly anc: readonly string[]
}
const delegationOf = (token: string) => decodeJwt<{ readonly dlg: Delegation }>(token).dlg
const revoke = (world: World, token: string) =>
  ask(world.service.socket, 'POST', `/grants/${delegationOf(token).gid}/revoke`)
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

interface Page {
  readonly sequence: number
  readonly entries: readonly { readonly sequence: number; readonly kind: string; readonly id_hash: string }[]
  readonly reset?: boolean
}

describe('a revocation reaches who verifies by itself:', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  /** Token 1, and the tokens 2 and 3 that a call with it left at the CRM and at payroll. */
  const called = async (token: string) => {
    const client = await officialClient(world.mount('crm'), token)
    await client.callTool({ name: 'my_commission', arguments: {} })
    await client.close()
    return { two: world.lastToken('crm'), three: world.lastToken('payroll') }
  }
  const atCrm = async (token: string) =>
    (await send(rpc({ url: world.urls.crm, token, params: find }))).status
  const atPayroll = async (token: string) =>
    (
      await send({
        method: 'GET',
        url: `${world.urls.payroll}/commission`,
        headers: { authorization: `Bearer ${token}` },
      })
    ).status

  test('the CRM and payroll refuse the very tokens they accepted, once their grant is revoked', async () => {
    const one = (await world.signIn('alice')).token() ?? ''
    const { two, three } = await called(one)
    expect([await atCrm(two), await atPayroll(three)]).toEqual([200, 200])
    expect((await revoke(world, one)).status).toBe(204)
    await expect.poll(() => atCrm(two), { interval: 5 }).toBe(401)
    await expect.poll(() => atPayroll(three), { interval: 5 }).toBe(401)
  })

  test('nobody else’s token is refused with them', async () => {
    const alice = (await world.signIn('alice')).token() ?? ''
    const bob = (await world.signIn('bob')).token() ?? ''
    const [hers, his] = [await called(alice), await called(bob)]
    await revoke(world, alice)
    await expect.poll(() => atCrm(hers.two), { interval: 5 }).toBe(401)
    expect([await atCrm(his.two), await atPayroll(his.three)]).toEqual([200, 200])
  })

  test('a code that is redeemed twice ends its login at the CRM too, and no other login of the grant', async () => {
    const hand = byHand(world)
    const person = createPerson(world.publicUrl)
    const other = await called((await world.signIn('alice')).token() ?? '')
    const code = await hand.codeOf(person)
    const { body } = await hand.redeem(code)
    const { two } = await called(String(body['access_token']))
    expect(delegationOf(two).gid).toBe(delegationOf(other.two).gid)
    expect(await atCrm(two)).toBe(200)
    expect((await hand.redeem(code)).status).toBe(400)
    await expect.poll(() => atCrm(two), { interval: 5 }).toBe(401)
    expect(await atCrm(other.two)).toBe(200)
  })

  test('what was revoked before a restart of the service is refused after it', async () => {
    const { two } = await called((await world.signIn('alice')).token() ?? '')
    await revoke(world, two)
    await world.restart()
    await expect.poll(() => atCrm(two), { interval: 5 }).toBe(401)
  })
})

describe('a reader that is cut off', () => {
  test('refuses everything after thirty seconds, says why, and lets in again when it reads again', async () => {
    let guarded: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined
    const world = await openWorld({ upstream: (request, response) => void guarded?.(request, response) })
    const network = { cut: false, over: new AbortController() }
    let offset = 0
    const protection = protect({
      issuer: world.publicUrl,
      resource: world.urls.notes,
      scopes: ['notes.read'],
      client: { id: 'notes', secret: NOTES_SECRET },
      clock: { now: () => Date.now() + offset },
      fetch: async (input, init) => {
        if (network.cut) throw new TypeError('fetch failed')
        const signal = AbortSignal.any([network.over.signal, init?.signal ?? network.over.signal])
        return fetch(input, { ...init, signal })
      },
    })
    guarded = protection.guard((_request, response) => response.end('{}'))
    try {
      const one = (await world.signIn('alice', { server: 'notes' })).token() ?? ''
      await send(rpc({ url: world.mount('notes'), token: one, params: echo }))
      const two = world.lastToken('notes')
      const atNotes = () => send(rpc({ url: world.urls.notes, token: two, params: echo }))
      expect((await atNotes()).status).toBe(200)

      network.cut = true
      network.over.abort()
      offset = 20_000
      expect((await atNotes()).status).toBe(200)
      offset = 31_000
      const refused = await atNotes()
      expect(refused.status).toBe(503)
      expect(refused.text).toContain('has not been read for 30 s')

      network.over = new AbortController()
      network.cut = false
      await expect.poll(async () => (await atNotes()).status, { interval: 10 }).toBe(200)
    } finally {
      protection.close()
      await world.close()
    }
  })
})

describe('GET /revocations', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(() => world.close())

  const url = (query = '?after=0&wait=0') => `${world.publicUrl}/revocations${query}`
  const asked = (authorization: string | readonly string[] | undefined, query?: string, method = 'GET') =>
    send({
      method,
      url: url(query),
      headers: {
        host: new URL(world.publicUrl).host,
        ...(authorization === undefined ? {} : { authorization }),
      },
    })
  const assertion = async (change: Partial<Parameters<typeof signAssertion>[0]> = {}) =>
    signAssertion({ issuer: world.publicUrl, id: 'crm', key: world.crmKey, ...change })
  const pageOf = ({ text }: Reply) => JSON.parse(text) as Page

  test.each<[string, () => Promise<string> | string]>([
    ['a server with a key, by an assertion', async () => `Bearer ${await assertion()}`],
    [
      'an API with a key, by an assertion',
      async () => `Bearer ${await assertion({ id: 'payroll', key: world.payrollKey })}`,
    ],
    ['a server with a secret, by Basic', () => basic('notes', NOTES_SECRET)],
  ])('is answered to %s', async (_, authorization) => {
    const reply = await asked(await authorization())
    expect(reply.status).toBe(200)
    expect(reply.headers['cache-control']).toBe('no-store')
    expect(pageOf(reply)).toEqual({
      sequence: expect.any(Number) as number,
      entries: expect.any(Array) as [],
    })
  })

  test.each<[string, () => Promise<string | readonly string[] | undefined> | string | undefined]>([
    ['nobody', () => undefined],
    ['a wrong secret', () => basic('notes', 'guess')],
    ['a secret of a party that has a key', () => basic('crm', NOTES_SECRET)],
    ['a party that is unknown', () => basic('nobody', NOTES_SECRET)],
    [
      'an assertion of another key',
      async () => `Bearer ${await assertion({ key: await importClientKey(await generateClientKey()) })}`,
    ],
    [
      'an assertion of one party in the name of another',
      async () => `Bearer ${await assertion({ id: 'payroll', key: world.crmKey })}`,
    ],
    [
      'an assertion for the feed’s own address',
      async () => `Bearer ${await assertion({ claims: { aud: `${world.publicUrl}/revocations` } })}`,
    ],
    [
      'an assertion that has expired',
      async () => `Bearer ${await assertion({ claims: { iat: 1_000_000, exp: 1_000_060 } })}`,
    ],
    ['an access token', async () => `Bearer ${(await world.signIn('alice')).token() ?? ''}`],
    [
      'a second Authorization header',
      async () => [`Bearer ${await assertion()}`, basic('notes', NOTES_SECRET)],
    ],
    ['something that is no token', () => 'Bearer x'],
  ])('is refused to %s, and nothing is told', async (_, authorization) => {
    const reply = await asked(await authorization())
    expect(reply.status).toBe(401)
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="revocations", Basic realm="revocations"')
    expect(JSON.parse(reply.text)).toEqual({
      error: 'oauth.client_unauthenticated',
      error_description: expect.stringContaining('could not be authenticated') as string,
    })
  })

  test('an assertion counts once, here and at the token endpoint together', async () => {
    const once = await assertion()
    expect((await asked(`Bearer ${once}`)).status).toBe(200)
    expect((await asked(`Bearer ${once}`)).status).toBe(401)
    const { status } = await byHand(world).token({
      grant_type: EXCHANGE,
      subject_token: 'x',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'payroll',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: once,
    })
    expect(status).toBe(401)
  })

  test('an agent is told that it is not for agents', async () => {
    const reply = await asked(`Bearer ${await assertion({ id: 'assistant', key: world.agentKey })}`)
    expect([reply.status, JSON.parse(reply.text)]).toMatchObject([
      403,
      { error: 'oauth.feed_not_for_agents' },
    ])
  })

  test('an API that follows the feed can obtain no token with the same key', async () => {
    const { status, body } = await byHand(world).token({
      grant_type: EXCHANGE,
      subject_token: (await world.signIn('alice')).token() ?? '',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'payroll',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion({ id: 'payroll', key: world.payrollKey }),
    })
    expect([status, body['error']]).toEqual([400, 'unauthorized_client'])
  })

  test.each([
    '?after=-1',
    '?after=1e3',
    '?after=0x1',
    '?after=',
    '?after=1&after=2',
    '?after=9999999999999999',
    '?wait=26',
    '?wait=0.5',
    '?wait=Infinity',
  ])('%s is answered with what to ask for', async (query) => {
    const reply = await asked(basic('notes', NOTES_SECRET), query)
    expect([reply.status, JSON.parse(reply.text)]).toMatchObject([
      400,
      {
        error: 'oauth.feed_request_malformed',
        error_description: expect.stringContaining('`after`') as string,
      },
    ])
  })

  test('nothing is served to another method', async () => {
    expect((await asked(basic('notes', NOTES_SECRET), '', 'POST')).status).toBe(400)
  })

  test('tells kinds and hashes, no id', async () => {
    const token = (await world.signIn('bob')).token() ?? ''
    const { sequence } = pageOf(await asked(basic('notes', NOTES_SECRET)))
    await revoke(world, token)
    const reply = await asked(basic('notes', NOTES_SECRET), `?after=${sequence}&wait=0`)
    expect(reply.text).not.toContain(delegationOf(token).gid)
    expect(pageOf(reply)).toMatchObject({
      sequence: sequence + 1,
      entries: [
        { sequence: sequence + 1, kind: 'grant', id_hash: expect.stringMatching(/^[\w-]{43}$/) as string },
      ],
    })
  })

  test('holds a request until something is revoked, and a place that is none of ours begins anew', async () => {
    const token = (await world.signIn('bob')).token() ?? ''
    const { sequence } = pageOf(await asked(basic('notes', NOTES_SECRET)))
    const waiting = asked(basic('notes', NOTES_SECRET), `?after=${sequence}&wait=25`)
    await revoke(world, token)
    expect(pageOf(await waiting).entries).toHaveLength(1)
    const anew = pageOf(await asked(basic('notes', NOTES_SECRET), '?after=999999&wait=25'))
    expect(anew).toMatchObject({ reset: true, sequence: sequence + 1 })
    expect(anew.entries.length).toBeGreaterThan(0)
  })

  test('answers who waits when the service stops, so that nobody holds it up', async () => {
    const authorization = basic('notes', NOTES_SECRET)
    const { sequence } = pageOf(await asked(authorization))
    const agent = new Agent({ keepAlive: true })
    const waiting = open(url(`?after=${sequence}&wait=25`), { headers: { authorization }, agent })
    const answered = once(waiting, 'response') as Promise<[IncomingMessage]>
    waiting.end()
    await once(waiting, 'finish')
    // Asked after it and answered before it: by now it waits.
    await asked(authorization)
    await asked(authorization)
    await world.restart()
    const [answer] = await answered
    expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close'])
    answer.resume()
  }, 8000)
})

describe('a call in flight', () => {
  type Behaviour = (response: ServerResponse, progressToken: unknown) => void
  let world: World
  let behave: Behaviour
  let aborted: PromiseWithResolvers<void>
  beforeAll(async () => {
    world = await openWorld({
      upstream: (request, response) => {
        response.once('close', () => aborted.resolve())
        void read(request).then((progressToken) => behave(response, progressToken))
      },
    })
  })
  beforeEach(() => {
    aborted = Promise.withResolvers()
  })
  afterAll(() => world.close())

  const lastCall = async () => {
    const { text } = await ask(world.service.socket, 'GET', '/audit?limit=20')
    const { lines } = JSON.parse(text) as { lines: readonly AuditLine[] }
    return lines.findLast(({ kind }) => kind === 'call')
  }

  test('of a revoked grant is cut off upstream, answered 401 with a challenge, and on record as revoked', async () => {
    const reached = Promise.withResolvers<void>()
    behave = () => reached.resolve()
    const token = (await world.signIn('alice', { server: 'notes' })).token() ?? ''
    const answer = send(rpc({ url: world.mount('notes'), token, id: 'mine', params: echo }))
    await reached.promise
    await revoke(world, token)
    const { status, headers, text } = await answer
    expect(status).toBe(401)
    expect(headers['www-authenticate']).toContain('error="invalid_token"')
    expect(JSON.parse(text)).toMatchObject({ error: { data: { code: 'gateway.token_refused' } } })
    await aborted.promise
    await expect
      .poll(lastCall, { interval: 10 })
      .toMatchObject({ decision: 'permit', outcome: 'revoked', reason: 'gateway.token_refused' })
  })

  test('that streams already ends with an error under the client’s id, and nothing after it', async () => {
    behave = (response, progressToken) => {
      response.setHeader('content-type', 'text/event-stream')
      const message = {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken, progress: 1 },
      }
      response.write(`data: ${JSON.stringify(message)}\n\n`)
    }
    const token = (await world.signIn('alice', { server: 'notes' })).token() ?? ''
    const params = { ...echo, _meta: { ...meta, progressToken: 'p' } }
    const { headers, body, url } = rpc({ url: world.mount('notes'), token, id: 'mine', params })
    const sent = open(url, { method: 'POST', headers: headers as Record<string, string> })
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    await once(answer, 'data')
    let rest = ''
    answer.on('data', (chunk: Buffer) => (rest += chunk.toString()))
    const ended = once(answer, 'end')
    await revoke(world, token)
    await ended
    const messages = rest.split('\n').filter((line) => line.startsWith('data: '))
    expect(messages.map((line) => JSON.parse(line.slice(6)) as unknown)).toMatchObject([
      { id: 'mine', error: { data: { code: 'gateway.token_refused' } } },
    ])
    await aborted.promise
    await expect.poll(lastCall, { interval: 10 }).toMatchObject({ outcome: 'revoked' })
  })

  test('of somebody else goes on', async () => {
    const [alice, bob] = [
      await world.signIn('alice', { server: 'notes' }),
      await world.signIn('bob', { server: 'notes' }),
    ]
    const reached = Promise.withResolvers<ServerResponse>()
    behave = (response) => reached.resolve(response)
    const answer = send(rpc({ url: world.mount('notes'), token: bob.token(), params: echo }))
    const response = await reached.promise
    await revoke(world, alice.token() ?? '')
    response.writeHead(503).end()
    expect(JSON.parse((await answer).text)).toMatchObject({
      error: { data: { code: 'gateway.upstream_unavailable' } },
    })
  })
})

async function read(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { params } = JSON.parse(Buffer.concat(chunks).toString()) as {
    readonly params: { readonly _meta: { readonly progressToken?: unknown } }
  }
  return params._meta.progressToken
}
