import type { ServerResponse } from 'node:http'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AuditLine } from '../../service/src/audit/index.ts'
import {
  byHand,
  createPerson,
  EXCHANGE,
  officialClient,
  signAssertion,
  toolsFor,
} from '../support/by-hand.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { type Amend, openWorld, type World } from '../support/world.ts'

const FIND = { name: 'find_customer', arguments: { query: 'a' } }
const ECHO = { name: 'echo', arguments: { text: 'x' } }

const withoutEdge: Amend = (text) =>
  text.replace('calls: { payroll: { crm.read: [payroll.read] } }', 'calls: {}')
/** Whoever is renamed is gone under the old name. */
const renamed = (from: string, to: string): Amend => {
  const name = new RegExp(`(?<=[\\s[{])${from}(?=[:,\\]])`, 'g')
  return (text) => text.replace(name, to)
}
const withoutPayroll: Amend = (text) =>
  text
    .replace(/calls: \{ payroll.*\}\n/g, 'calls: {}\n')
    .replace(/ {2}payroll:\n(?: {4}.*\n)+/, '  wages: { resource: https://wages.example }\n')
    .replace('servers: [crm, notes], apis: [payroll]', 'servers: [crm, notes], apis: [wages]')
const withoutPermit: Amend = (text) =>
  text.replace(/ *- permit: \{ groups: \[sales\], servers: \[crm\] \}\n/, '')
/** One more server, at an address of its own. */
const withServer =
  (name: string): Amend =>
  (text) =>
    text.replace('  notes:\n', `  ${name}: { url: https://${name}.example/mcp }\n  notes:\n`)

let world: World
afterEach(() => world.close())

/** Token 1 and, after one call with it, tokens 2 and 3. */
async function called(username = 'alice') {
  const one = (await world.signIn(username)).token() ?? ''
  const client = await officialClient(world.mount('crm'), one)
  await client.callTool({ name: 'my_commission', arguments: {} })
  await client.close()
  return { one, two: world.lastToken('crm'), three: world.lastToken('payroll') }
}
type Tokens = Awaited<ReturnType<typeof called>>

/** 200, another status, or why a tool was not called. */
const atGateway = async (token: string) => {
  const { status, text } = await send(rpc({ url: world.mount('crm'), token, params: FIND }))
  const { error } = JSON.parse(text) as { readonly error?: { readonly message: string } }
  return status === 200 ? (error?.message ?? 200) : status
}
const atCrm = async (token: string) => (await send(rpc({ url: world.urls.crm, token, params: FIND }))).status
const atPayroll = async (token: string) => {
  const headers = { authorization: `Bearer ${token}` }
  return (await send({ method: 'GET', url: `${world.urls.payroll}/commission`, headers })).status
}
/** What the CRM gets for token 2: a token for payroll, or the error. */
const exchanged = async (two: string) => {
  const { body } = await byHand(world).token({
    grant_type: EXCHANGE,
    subject_token: two,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'payroll',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signAssertion({ issuer: world.publicUrl, id: 'crm', key: world.crmKey }),
  })
  return typeof body['error'] === 'string' ? body['error'] : 'issued'
}
const seen = async ({ one, two, three }: Tokens) => [
  await atGateway(one),
  await atCrm(two),
  await exchanged(two),
  await atPayroll(three),
]
const auditLines = async (limit = 20) => {
  const { text } = await ask(world.service.socket, 'GET', `/audit?limit=${limit}`)
  return (JSON.parse(text) as { readonly lines: readonly AuditLine[] }).lines
}
const NO_TOOL = expect.stringContaining('tool') as string
const WORKS = [200, 200, 'issued', 200]

describe('what an edit leaves out stops at once, with the tokens that were given for it:', () => {
  beforeEach(async () => {
    world = await openWorld()
  })

  test.each<[string, Amend, readonly unknown[]]>([
    ['an agent', renamed('assistant', 'successor'), [401, 401, 'invalid_request', 401]],
    ['a server', renamed('crm', 'clients'), [404, 401, 'invalid_client', 401]],
    ['an edge', withoutEdge, [200, 200, 'invalid_target', 401]],
    ['an API', withoutPayroll, [200, 200, 'invalid_target', 401]],
    ['a user', renamed('alice', 'alicia'), [401, 401, 'invalid_request', 401]],
    // What it permitted before is out: tokens 2 and 3 live their five minutes, and nothing follows from them.
    ['a permit', withoutPermit, [NO_TOOL, 200, 'issued', 200]],
  ])('%s', async (_, amend, after) => {
    const tokens = await called()
    expect(await seen(tokens)).toEqual(WORKS)
    await world.edit(amend)
    await expect.poll(() => seen(tokens), { timeout: 1000, interval: 5 }).toEqual(after)
  })

  test('an API at another address, and a server at another: what was given for the old one', async () => {
    const tokens = await called()
    await world.edit((text) =>
      text.replace(`resource: ${world.urls.payroll}`, `resource: ${world.urls.payroll}/v2`),
    )
    await expect.poll(() => atPayroll(tokens.three), { interval: 5 }).toBe(401)
    expect(await atGateway(tokens.one)).toBe(200)
    await world.edit((text) => text.replace(world.urls.crm, `${world.urls.crm}/v2`))
    expect(await atGateway(tokens.one)).toBe(401)
  })

  test('one scope of an edge', async () => {
    const wider: Amend = (text) =>
      text.replaceAll('crm.read: [payroll.read]', 'crm.read: [payroll.read, payroll.pay]')
    await world.edit(wider)
    const tokens = await called()
    expect(await atPayroll(tokens.three)).toBe(200)
    await world.edit((text) => text)
    await expect.poll(() => atPayroll(tokens.three), { interval: 5 }).toBe(401)
    expect(await atGateway(tokens.one)).toBe(200)
  })

  test('agents that named themselves, where nothing lets them in any more', async () => {
    await world.edit((text) => `${text}registration: { metadataDocuments: [], dynamic: true }\n`)
    const { body } = await byHandRegistered()
    const id = String(body['client_id'])
    const token = await tokenOf(id)
    expect(await atGateway(token)).toEqual(NO_TOOL)
    await world.edit((text) => text)
    expect(await atGateway(token)).toBe(401)
    const { lines } = { lines: await auditLines(4) }
    expect(lines.findLast(({ kind }) => kind === 'catalogue_changed')?.changes).toContain(
      '- registration dynamic',
    )
  })

  test('and nothing else: another user, agent and server lose nothing, and a wider edit ends nothing', async () => {
    const [alice, bob] = [await called('alice'), await called('bob')]
    await world.edit(renamed('alice', 'alicia'))
    expect(await atGateway(alice.one)).toBe(401)
    expect(await seen(bob)).toEqual(WORKS)
    const changed = await world.edit((text) =>
      renamed(
        'alice',
        'alicia',
      )(text)
        .replace(
          'agents:',
          'agents:\n  another: { redirect_uris: [https://a.example], secret: env:NOTES_SECRET }',
        )
        .replace('crm.read: [payroll.read]', 'crm.read: [payroll.read], crm.write: [payroll.pay]'),
    )
    expect(changed).toMatchObject({ added: ['agent another', `edge crm ${world.urls.payroll}`], removed: [] })
    expect(await seen(bob)).toEqual(WORKS)
  })

  test('its logins too: under the same name again, a refresh token of before stays dead and a new login works', async () => {
    const hand = byHand(world)
    const { body } = await hand.redeem(await hand.codeOf(createPerson(world.publicUrl)))
    await world.edit(renamed('assistant', 'successor'))
    await world.edit((text) => text)
    expect(await hand.refresh(body['refresh_token'])).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    const person = createPerson(world.publicUrl)
    const again = await hand.redeem(await hand.codeOf(person))
    expect(again.status).toBe(200)
  })

  async function byHandRegistered() {
    const answer = await fetch(`${world.publicUrl}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['https://a.example/callback'],
        token_endpoint_auth_method: 'none',
      }),
    })
    return { body: (await answer.json()) as Readonly<Record<string, unknown>> }
  }
  async function tokenOf(id: string): Promise<string> {
    const hand = byHand(world)
    const parameters = { client_id: id, redirect_uri: 'https://a.example/callback' }
    const code = await hand.codeOf(createPerson(world.publicUrl), parameters)
    const { body } = await hand.token({
      grant_type: 'authorization_code',
      code,
      code_verifier: 'a-verifier-of-forty-three-characters-or-more',
      resource: world.mount('crm'),
      ...parameters,
    })
    return String(body['access_token'])
  }
})

describe('a call in flight', () => {
  let reached: PromiseWithResolvers<ServerResponse>
  let aborted: PromiseWithResolvers<void>
  beforeEach(async () => {
    reached = Promise.withResolvers()
    aborted = Promise.withResolvers()
    world = await openWorld({
      upstream: (request, response) => {
        response.once('close', () => aborted.resolve())
        request.resume().once('end', () => reached.resolve(response))
      },
    })
  })
  const begun = async (username = 'alice') => {
    const token = (await world.signIn(username, { server: 'notes' })).token()
    const answer = send(rpc({ url: world.mount('notes'), token, id: 'mine', params: ECHO }))
    return { answer, response: await reached.promise }
  }

  test.each<[string, Amend]>([
    ['agent', renamed('assistant', 'successor')],
    ['server', renamed('notes', 'papers')],
    ['user', renamed('alice', 'alicia')],
  ])('ends with its %s, on both sides', async (_, amend) => {
    const { answer } = await begun()
    await world.edit(amend)
    expect((await answer).status).toBe(401)
    await aborted.promise
    await expect
      .poll(async () => (await auditLines()).findLast(({ kind }) => kind === 'call'), { interval: 10 })
      .toMatchObject({ decision: 'permit', outcome: 'revoked' })
  })

  test('of somebody else finishes on what it began with, although nothing of that is served any more', async () => {
    const { answer, response } = await begun('bob')
    await world.edit((text) =>
      renamed(
        'alice',
        'alicia',
      )(text).replace('permit: { servers: [notes] }', 'permit: { servers: [notes], tools: [none] }'),
    )
    response.writeHead(503).end()
    expect(JSON.parse((await answer).text)).toMatchObject({
      error: { data: { code: 'gateway.upstream_unavailable' } },
    })
  })
})

describe('an edit', () => {
  beforeEach(async () => {
    world = await openWorld()
  })

  test('loses none of two hundred calls at once', async () => {
    const { one } = await called()
    const calls = Array.from({ length: 200 }, () => atGateway(one))
    for (let n = 0; n < 5; n++) {
      await world.edit((text) => text.replace('name: Notes', `name: Notes ${n}`))
    }
    expect(new Set(await Promise.all(calls))).toEqual(new Set([200]))
  })

  test('that is wrong is refused with every line and column, the old one serves on, and the next one counts', async () => {
    const { one } = await called()
    const wrong: Amend = (text) =>
      text
        .replace('find_customer', 'x')
        .replace('    url: ', '    ulr: ')
        .replace('servers: [notes]', 'servers: [nobody]')
    const refusal: unknown = await world.edit(wrong).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'catalogue.invalid' })
    expect(String(refusal)).toMatch(/\n\d+:5 servers\.crm\.ulr: /)
    expect(String(refusal)).toMatch(/\n\d+:\d+ policies\[2\]\.permit\.servers/)
    await expect(world.edit(wrong)).rejects.toThrow()
    const told = world.logged.filter((line) => line.includes('edited configuration is refused'))
    expect(told).toEqual([expect.stringMatching(/\d+:5 servers\.crm\.ulr: .*\d+:\d+ policies\[2\]/)])
    expect(await readiness()).toMatchObject({ ready: true, catalogue: 'edit refused' })
    expect(await atGateway(one)).toBe(200)

    await world.edit(withoutPermit)
    expect(await readiness()).toMatchObject({ ready: true, catalogue: 'current' })
    expect(await atGateway(one)).toEqual(NO_TOOL)
  })

  test.each<[string, Amend, string]>([
    ['publicUrl', (text) => text.replace(world.publicUrl, 'http://127.0.0.1:1'), '2:12 publicUrl'],
    ['listen', (text) => text.replace('\nusers:', '\nlisten: 127.0.0.1:1\nusers:'), ' listen'],
    ['database', (text) => text.replace('\nusers:', '\ndatabase: env:NOTES_SECRET\nusers:'), ' database'],
  ])('of %s needs a restart, and is refused as a whole', async (_, amend, place) => {
    const { one } = await called()
    const refusal: unknown = await world
      .edit((text) => amend(withoutPermit(text)))
      .catch((error: unknown) => error)
    expect(String(refusal)).toContain(place)
    expect(await atGateway(one)).toBe(200)
  })

  test('that changes publicUrl says that it needs a restart', async () => {
    const edited = world.edit((text) => text.replace(world.publicUrl, 'http://127.0.0.1:1'))
    await expect(edited).rejects.toThrow('publicUrl: The service has to be restarted for this')
  })

  test('is on record before it counts, with what it left out, and names nobody', async () => {
    await world.edit((text) => renamed('alice', 'alicia')(renamed('notes', 'papers')(text)))
    const [line] = await auditLines(1)
    const notes = ['notes', world.mount('notes')]
    const papers = ['papers', `${world.publicUrl}/papers/mcp`]
    expect(line).toMatchObject({ kind: 'catalogue_changed', outcome: 'recorded' })
    expect(line?.changes).toEqual([
      ...notes.map((id) => `- server ${id}`),
      `- edge notes ${world.urls.payroll}`,
      ...papers.map((id) => `+ server ${id}`),
      `+ edge papers ${world.urls.payroll}`,
    ])
    expect(JSON.stringify(line)).not.toContain('alic')
  })

  test('adds an agent, a server, a tool and an API without a restart', async () => {
    const { one } = await called()
    expect(await toolsFor(world.mount('crm'), one)).toContain('my_commission')
    await world.edit((text) =>
      text.replace('"*": { scopes: [crm.read] }', 'find_customer: { scopes: [crm.read] }'),
    )
    expect(await toolsFor(world.mount('crm'), one)).not.toContain('my_commission')
    await world.edit((text) => text)
    expect(await toolsFor(world.mount('crm'), one)).toContain('my_commission')
    const metadata = `${world.publicUrl}/.well-known/oauth-protected-resource/papers/mcp`
    expect((await fetch(metadata)).status).toBe(404)
    await world.edit(withServer('papers'))
    expect((await fetch(metadata)).status).toBe(200)
  })

  test('lets a code be redeemed that was given before it', async () => {
    const hand = byHand(world)
    const code = await hand.codeOf(createPerson(world.publicUrl))
    await world.edit((text) => text.replace('name: Notes', 'name: Papers'))
    expect((await hand.redeem(code)).status).toBe(200)
  })

  test('under an open consent page shows it again, with what it would now mean', async () => {
    const hand = byHand(world)
    const person = createPerson(world.publicUrl)
    const page = await hand.toConsent(person)
    await world.edit((text) => text.replace('crm.read: Read your customers', 'crm.read: Read all customers'))
    const again = await person.submit(page, { decision: 'allow' })
    expect(again.response?.status).toBe(409)
    expect(again.text).toContain('Read all customers')
    const back = await person.submit(again, { decision: 'allow' })
    expect(back.url.searchParams.get('code')).not.toBeNull()
  })

  test('keeps a person signed in', async () => {
    const person = createPerson(world.publicUrl)
    await byHand(world).codeOf(person)
    await world.edit((text) => text.replace('name: Notes', 'name: Papers'))
    expect((await person.follow(`${world.publicUrl}/grants`)).url.pathname).toBe('/grants')
  })

  test('forgets no wrong password: who guesses has to wait as before', async () => {
    const person = createPerson(world.publicUrl)
    const signIn = await person.follow(byHand(world).authorizeUrl())
    for (let n = 0; n < 5; n++) await person.submit(signIn, { username: 'alice', password: `wrong ${n}` })
    await world.edit((text) => text.replace('name: Notes', 'name: Papers'))
    const held = await person.submit(signIn, { username: 'alice', password: 'wrong' })
    expect(held.response?.status).toBe(429)
  })

  test('made while the service was down ends what it leaves out at the start', async () => {
    const tokens = await called()
    await world.restart((text) => renamed('notes', 'papers')(withoutEdge(text)))
    await expect.poll(() => atPayroll(tokens.three), { timeout: 2000, interval: 10 }).toBe(401)
    expect(await atGateway(tokens.one)).toBe(200)
    const changes = (await auditLines()).find(({ kind }) => kind === 'catalogue_changed')?.changes
    expect(changes).toContain(`- edge crm ${world.urls.payroll}`)
  })

  test('that changes nothing is no record at the next start', async () => {
    await world.restart()
    await world.restart()
    expect((await auditLines()).filter(({ kind }) => kind === 'catalogue_changed')).toEqual([])
  })

  test('of the algorithm counts for the keys that are made from then on', async () => {
    await world.edit((text) => `${text}tokens: { algorithm: Ed25519 }\n`)
    await ask(world.service.socket, 'POST', '/keys/rotate?now=true')
    const { one } = await called('bob')
    expect(decodeJwt(one).iss).toBe(world.publicUrl)
    expect(JSON.parse(Buffer.from(one.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({
      alg: 'Ed25519',
    })
  })

  test('of several at once the last one counts', async () => {
    const edits = ['a', 'b', 'c', 'd'].map((name) => world.edit(withServer(name)))
    const done = await Promise.all(edits)
    expect(done.map(({ added }) => added[0])).toEqual(['server a', 'server d', 'server d', 'server d'])
    const metadata = (name: string) => `${world.publicUrl}/.well-known/oauth-protected-resource/${name}/mcp`
    expect((await fetch(metadata('c'))).status).toBe(404)
    expect((await fetch(metadata('d'))).status).toBe(200)
  })

  async function readiness(): Promise<unknown> {
    const answer = await fetch(`${world.publicUrl}/readyz`)
    expect(answer.status).toBe(200)
    return answer.json()
  }
})
