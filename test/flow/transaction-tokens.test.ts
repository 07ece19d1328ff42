import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { callerOf, type Credential, type Protection, protect } from '@tetrapod/server-sdk'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  type Bench,
  CRM_URL,
  ISSUER,
  openBench,
  PAYROLL,
  START_SECONDS,
  tokenOne,
} from '../support/exchange-bench.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { type Amend, NOTES_SECRET, openWorld, type Received, type World } from '../support/world.ts'

type Claims = Readonly<Record<string, unknown>>

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const TXN_TOKEN = 'urn:ietf:params:oauth:token-type:txn_token'
const echo = { name: 'echo', arguments: {} }

/** Gives servers or APIs more keys in the catalogue. */
const having =
  (parties: Readonly<Record<string, string>>): Amend =>
  (text) =>
    Object.entries(parties).reduce(
      (amended, [key, lines]) => amended.replace(`\n  ${key}:\n`, `\n  ${key}:\n    ${lines}\n`),
      text,
    )

/** `notes`, written with our SDK: its tool asks payroll, for whoever calls. */
function notesServer(
  { publicUrl, urls }: Pick<World, 'publicUrl' | 'urls'>,
  credential: Credential,
): Protection {
  return protect({
    issuer: publicUrl,
    resource: urls.notes,
    scopes: ['notes.read'],
    client: { id: 'notes', secret: NOTES_SECRET },
    credential,
  })
}

async function openStack(credential: Credential, parties: Readonly<Record<string, string>>) {
  const served: { handle?: ReturnType<Protection['guard']> } = {}
  const world = await openWorld({
    amend: having(parties),
    upstream: (request, response) => void served.handle?.(request, response),
  })
  const { guard, close } = notesServer(world, credential)
  const handle = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'notes', version: '1.0.0' })
      server.registerTool('echo', { description: 'Asks payroll.' }, async (context) => {
        const headers = await callerOf(context).exchangeFor('payroll', ['payroll.read'])
        const answer = await fetch(`${world.urls.payroll}/commission`, { headers })
        return { content: [{ type: 'text', text: await answer.text() }] }
      })
      return server
    }),
  )
  served.handle = guard((request, response) => handle(request, response))
  return {
    ...world,
    async close() {
      close()
      await world.close()
    },
  }
}

const call = (
  world: World,
  token: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
) => send(rpc({ url: world.mount('notes'), token, params: echo, headers }))

const lastCall = ({ received }: World, party: Received['party']) =>
  received.findLast(({ party: to, url }) => to === party && !url.startsWith('/.well-known/'))

/** An exchange of `notes`, or another server with the same secret, changed. */
async function exchange(world: World, subject_token: string, change: Readonly<Record<string, string>> = {}) {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token,
    subject_token_type: TXN_TOKEN,
    audience: 'payroll',
    client_id: 'notes',
    client_secret: NOTES_SECRET,
    ...change,
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const { status, text } = await send({ url: `${world.publicUrl}/token`, headers, body: body.toString() })
  return { status, body: JSON.parse(text) as Claims }
}

const stacks = [
  {
    pattern: 'pre_injected',
    credential: { pattern: 'pre_injected', header: 'x-api-key', value: NOTES_SECRET },
    written: 'credential: { pattern: pre_injected, header: X-Api-Key, value: env:NOTES_SECRET }',
  },
  { pattern: 'none', credential: 'none', written: 'credential: none' },
] as const

describe.each(stacks)(
  'behind an internal server that is called with $pattern',
  ({ pattern, credential, written }) => {
    let world: World
    let token: string
    beforeAll(async () => {
      world = await openStack(credential, {
        notes: `internal: true\n    ${written}`,
        payroll: 'internal: true',
      })
      token = (await world.signIn('alice', { server: 'notes' })).token() ?? ''
    })
    afterAll(() => world.close())

    const told = () => String(lastCall(world, 'notes')?.headers['txn-token'])

    test('the chain arrives whole at the API', async () => {
      const { text } = await call(world, token)
      const { result } = JSON.parse(text) as { result: { content: readonly { text: string }[] } }
      const { saw } = JSON.parse(result.content[0]?.text ?? '') as { saw: Claims }
      const iss = world.publicUrl
      const chain = [
        { iss, sub: 'notes' },
        { iss, sub: world.mount('notes'), client_id: 'gateway' },
        { iss, sub: 'assistant' },
      ]
      expect(saw).toMatchObject({
        user: { subjectId: { sub: 'alice' } },
        chain,
        claims: { aud: world.urls.payroll, client_id: 'notes', scope: 'payroll.read' },
      })
      const [one, two, three] = [token, told(), world.lastToken('payroll')].map((it) => decodeJwt(it))
      for (const constant of ['sub', 'txn', 'sid', 'auth_time', 'acr', 'sub_id'])
        expect([two?.[constant], three?.[constant]]).toEqual([one?.[constant], one?.[constant]])
      expect((three?.exp ?? 0) - (three?.iat ?? 0)).toBeLessThanOrEqual(60)
      expect(three).toMatchObject({ dlg: { anc: [expect.any(String), one?.jti, two?.jti] } })
    })

    test('the server was sent that credential and what names it, and no token of ours', async () => {
      await call(world, token)
      const { authorization, 'x-api-key': key } = lastCall(world, 'notes')?.headers ?? {}
      expect([authorization, key]).toEqual([undefined, pattern === 'none' ? undefined : NOTES_SECRET])
      expect(decodeProtectedHeader(told())).toMatchObject({ typ: 'txntoken+jwt' })
      expect(decodeJwt(told())).toMatchObject({
        iss: world.publicUrl,
        aud: new URL(world.publicUrl).host,
        scope: 'notes.read',
        req_wl: 'gateway',
        dlg: { to: 'notes' },
      })
    })

    test('the API is told the chain in a transaction token of its own, beside its access token', async () => {
      await call(world, token)
      const { jti, ...three } = decodeJwt(world.lastToken('payroll'))
      const beside = decodeJwt(String(lastCall(world, 'payroll')?.headers['txn-token']))
      expect(beside).toMatchObject({
        act: three['act'],
        sub: three.sub,
        txn: three['txn'],
        scope: 'payroll.read',
        req_wl: 'notes',
        dlg: { to: 'payroll' },
      })
      expect((beside['dlg'] as { anc: readonly string[] }).anc.at(-1)).toBe(jti)
    })

    test('the record says what the server was called with', async () => {
      await call(world, token)
      const database = new DatabaseSync(join(world.dataDirectory, 'tetrapod.db'), { readOnly: true })
      const bodies = database.prepare('select body from bundles').all()
      database.close()
      const recorded = bodies.map(({ body }) => Buffer.from(body as Uint8Array).toString()).join()
      const decisions = recorded.match(/"kind":"decision","method":"[^"]*","pattern":"[^"]*"/g) ?? []
      expect(new Set(decisions.map((it) => it.split('"pattern":')[1]))).toEqual(new Set([`"${pattern}"`]))
      for (const kept of [NOTES_SECRET, told().split('.')[2] ?? ''])
        expect(recorded + world.logged.join()).not.toContain(kept)
    })

    test('what a client sends as a transaction token is neither read nor passed on', async () => {
      const bob = (await world.signIn('bob', { server: 'notes' })).token() ?? ''
      await call(world, bob)
      const borrowed = told()
      for (const sent of [borrowed, 'garbage', [borrowed, borrowed]]) {
        expect(await call(world, token, { 'txn-token': sent, 'x-api-key': 'stolen' })).toMatchObject({
          status: 200,
        })
        expect(told()).not.toContain(borrowed)
        expect(decodeJwt(told())).toMatchObject({ sub: decodeJwt(token).sub, dlg: { to: 'notes' } })
        expect(String(lastCall(world, 'notes')?.headers['x-api-key'])).not.toContain('stolen')
      }
    })

    test('it is no way in: not at the gateway, not at the API, and nothing to introspect', async () => {
      await call(world, token)
      const held = told()
      expect((await call(world, held)).status).toBe(401)
      const authorization = { authorization: `Bearer ${held}` }
      const url = `${world.urls.payroll}/commission`
      expect((await fetch(url, { headers: authorization })).status).toBe(401)
      expect((await fetch(url, { headers: { 'txn-token': held } })).status).toBe(401)
      const form = new URLSearchParams({ token: held, client_id: 'notes', client_secret: NOTES_SECRET })
      const answer = await fetch(`${world.publicUrl}/introspect`, { method: 'POST', body: form })
      expect(await answer.json()).toEqual({ active: false })
    })

    test('it is exchanged once asked for, and no more when its grant is revoked', async () => {
      const login = await world.signIn('bob', { server: 'notes' })
      await call(world, login.token() ?? '')
      const held = told()
      expect(await exchange(world, held)).toMatchObject({
        status: 200,
        body: { scope: 'payroll.read', txn_token: expect.any(String) },
      })
      const { dlg } = decodeJwt(held) as { dlg: { gid: string } }
      expect((await ask(world.service.socket, 'POST', `/grants/${dlg.gid}/revoke`)).status).toBe(204)
      expect(await exchange(world, held)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    })
  },
)

describe('outside the trust domain', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld({
      amend: having({ notes: 'credential: { pattern: pre_injected, value: env:NOTES_SECRET }' }),
    })
  })
  afterAll(() => world.close())

  test('nobody ever sees a transaction token, whatever they are called with', async () => {
    for (const server of ['crm', 'notes'] as const) {
      const token = (await world.signIn('alice', { server })).token() ?? ''
      const url = world.mount(server)
      const params =
        server === 'crm'
          ? { name: 'my_commission', arguments: {} }
          : { name: 'echo', arguments: { text: 'x' } }
      const headers = { 'txn-token': 'from.the.client' }
      expect(await send(rpc({ url, token, params, headers }))).toMatchObject({ status: 200 })
      expect(await send(rpc({ url, token, method: 'tools/list', headers }))).toMatchObject({ status: 200 })
    }
    const called = (party: Received['party']) =>
      world.received.filter(({ party: to, url }) => to === party && !url.startsWith('/.well-known/'))
    expect(['crm', 'notes', 'payroll'].map((party) => called(party as 'crm').length > 0)).toEqual([
      true,
      true,
      true,
    ])
    expect(world.received.filter(({ headers }) => 'txn-token' in headers)).toEqual([])
    expect(new Set(called('notes').map(({ headers }) => headers.authorization))).toEqual(
      new Set([NOTES_SECRET]),
    )
  })

  test('an answer of the token endpoint has none either', async () => {
    const token = (await world.signIn('alice')).token() ?? ''
    const params = { name: 'my_commission', arguments: {} }
    await send(rpc({ url: world.mount('crm'), token, params }))
    expect(lastCall(world, 'payroll')?.headers).not.toHaveProperty('txn-token')
  })
})

/** One thing that is wrong with an exchange of the honest transaction token. */
interface Row {
  readonly name: string
  readonly claims?: Claims
  readonly header?: Claims
  readonly token?: (honest: string) => string
  readonly form?: Readonly<Record<string, string>>
  readonly after?: (bench: Bench) => unknown
  readonly reason: string
}

describe('a transaction token as the subject', () => {
  const dlgOf = ({ grant }: Bench, change: Claims = {}) => ({
    gid: grant.id,
    hop: 2,
    rem: 6,
    anc: ['family-1', 'jti-1'],
    to: 'crm',
    ...change,
  })
  const txn = (bench: Bench, change: Claims = {}, header: Claims = {}) =>
    bench.sign(
      {
        aud: 'gw.example',
        client_id: undefined,
        req_wl: 'gateway',
        jti: 'txn-jti',
        exp: START_SECONDS + 60,
        dlg: dlgOf(bench),
        ...change,
      },
      { typ: 'txntoken+jwt', ...header },
    )
  const declared = { subject_token_type: TXN_TOKEN }
  const because = (rule: string) => `broker.subject_token_refused.${rule}`
  let shared: Bench
  beforeAll(async () => {
    shared = await openBench()
  })
  afterAll(() => shared.close())
  const fresh = async (): Promise<Bench> => {
    const bench = await openBench()
    onTestFinished(() => bench.close())
    return bench
  }

  test('of the server that it names gives a token for the API, that server in front of the chain', async () => {
    const bench = await fresh()
    const { status, body } = await bench.exchange(await txn(bench), declared)
    expect(status).toBe(200)
    expect(decodeJwt(String(body['access_token']))).toMatchObject({
      aud: PAYROLL,
      client_id: 'crm',
      scope: 'payroll.read',
      exp: START_SECONDS + 60,
      txn: 'txn-1',
      act: { iss: ISSUER, sub: 'crm', act: { client_id: 'gateway', act: { iss: ISSUER, sub: 'assistant' } } },
      dlg: { hop: 3, rem: 5, anc: ['family-1', 'jti-1', 'txn-jti'] },
    })
    expect(decodeJwt(String(body['access_token']))['dlg']).not.toHaveProperty('to')
    expect(body).not.toHaveProperty('txn_token')
    expect(await bench.lines()).toMatchObject([{ kind: 'exchange', outcome: 'issued' }])
  })

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['an API that no edge leads to', { audience: 'vault' }, 'invalid_target'],
    ['a scope that the user did not agree to', { scope: 'payroll.pay' }, 'consent_required'],
    ['another kind of token', { requested_token_type: TXN_TOKEN }, 'invalid_request'],
    ['a token for a token of no kind we know', { subject_token_type: `${TXN_TOKEN}x` }, 'invalid_request'],
  ])('does not lead further than an access token does: %s', async (_, form, error) => {
    const reply = await shared.exchange(await txn(shared), { ...declared, ...form })
    expect([reply.status, reply.body['error']]).toEqual([400, error])
  })

  test('gives no scope that it does not have', async () => {
    const reply = await shared.exchange(await txn(shared, { scope: '' }), {
      ...declared,
      scope: 'payroll.read',
    })
    expect(reply.body).toMatchObject({ error: 'consent_required' })
  })

  test('is decided on by the policy', async () => {
    const bench = await openBench({ rules: [] })
    onTestFinished(() => bench.close())
    expect(await bench.exchange(await txn(bench), declared)).toMatchObject({
      body: { error: 'access_denied' },
    })
  })

  const answers: unknown[] = []
  test.each<Row>([
    { name: 'by another client', form: { client_id: 'notes' }, reason: because('audience') },
    { name: 'after its time', after: ({ clock }) => (clock.time += 60_000), reason: because('expired') },
    {
      name: 'in its last nine seconds',
      after: ({ clock }) => (clock.time += 51_000),
      reason: because('expired'),
    },
    {
      name: 'declared as an access token',
      form: { subject_token_type: ACCESS_TOKEN },
      reason: because('type'),
    },
    {
      name: 'that is an access token for this server',
      claims: { aud: CRM_URL, client_id: 'gateway', req_wl: undefined },
      header: { typ: 'at+jwt' },
      reason: because('type'),
    },
    {
      name: 'that is an access token for this server, under the type',
      claims: { aud: CRM_URL, client_id: 'gateway', req_wl: undefined },
      reason: because('claims'),
    },
    {
      name: 'that is typed as an access token',
      header: { typ: 'at+jwt' },
      form: { subject_token_type: ACCESS_TOKEN },
      reason: because('claims'),
    },
    { name: 'of another trust domain', claims: { aud: 'other.example' }, reason: because('audience') },
    { name: 'of this host on another port', claims: { aud: 'gw.example:8443' }, reason: because('audience') },
    { name: 'of another issuer', claims: { iss: 'https://evil.example' }, reason: because('issuer') },
    {
      name: 'edited',
      token: (honest) => {
        const [head, payload = '', signature] = honest.split('.')
        const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
        const edited = { ...claims, sub: 'u2' }
        return [head, Buffer.from(JSON.stringify(edited)).toString('base64url'), signature].join('.')
      },
      reason: because('signature'),
    },
    { name: 'that is no token', token: () => 'forged', reason: because('malformed') },
    { name: 'that lives for an hour', claims: { exp: START_SECONDS + 3600 }, reason: because('claims') },
    { name: 'bound to a key', claims: { cnf: { jkt: 'x' } }, reason: because('binding') },
    {
      name: 'whose grant was revoked',
      after: ({ grants, grant }) => grants.revoke(grant.id),
      reason: because('revoked'),
    },
    {
      name: 'whose session was revoked',
      after: ({ revocation }) => revocation.revoke('session', 'session-1'),
      reason: because('revoked'),
    },
    {
      name: 'that was revoked itself',
      after: ({ revocation }) => revocation.revoke('token', 'txn-jti'),
      reason: because('revoked'),
    },
    {
      name: 'whose token 1 was revoked',
      after: ({ revocation }) => revocation.revoke('token', 'jti-1'),
      reason: because('revoked'),
    },
    { name: 'of another user under this grant', claims: { sub: 'u2' }, reason: because('grant') },
  ])('is refused $name', async (row) => {
    const bench = row.after === undefined ? shared : await fresh()
    const honest = await txn(bench, row.claims, row.header)
    await row.after?.(bench)
    bench.happened.length = 0
    const reply = await bench.exchange(row.token?.(honest) ?? honest, { ...declared, ...row.form })
    expect([reply.status, reply.body['error']]).toEqual([400, 'invalid_request'])
    expect(bench.happened).not.toContain('minted')
    expect((await bench.lines()).at(-1)).toMatchObject({ outcome: 'denied', reason: row.reason })
    answers.push([reply.headers.get('content-type'), reply.body])
  })

  test.each<[string, Claims]>([
    ['with no depth left', { rem: 0 }],
    ['for a grant that nobody gave', { gid: 'none' }],
    ['that may be exchanged by everybody', { to: '*' }],
    ['that names a mount', { res: `${ISSUER}/crm/mcp` }],
  ])('is refused %s', async (_, dlg) => {
    const bench = shared
    const reply = await bench.exchange(await txn(bench, { dlg: dlgOf(bench, dlg) }), declared)
    answers.push([reply.headers.get('content-type'), reply.body])
  })

  test('in the same words, whatever is wrong with it', () => {
    expect(answers.length).toBeGreaterThan(20)
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  })

  test('of an agent that hands on is refused, by whatever token: only servers are told', async () => {
    const bench = await openBench({ rules: [{ id: 'policies[1]', effect: 'permit', terms: {} }] })
    onTestFinished(() => bench.close())
    const form = { client_id: 'assistant', audience: 'researcher', scope: 'crm.read' }
    const own = { ...tokenOne, dlg: { gid: bench.grant.id, hop: 1, rem: 7, anc: ['family-1'] } }
    const told = await txn(bench, { dlg: dlgOf(bench, { to: 'assistant' }) })
    for (const token of [await bench.sign(own), told]) {
      expect((await bench.exchange(token, { ...declared, ...form })).status).toBe(400)
      expect((await bench.lines()).at(-1)).toMatchObject({ reason: because('presenter') })
    }
    expect((await bench.exchange(await bench.sign(own), form)).status).toBe(200)
  })

  test.each(['constructor', '__proto__', `${ACCESS_TOKEN}s`])(
    'nor is an access token taken that is declared as %s',
    async (subject_token_type) => {
      const reply = await shared.exchange(await shared.sign(), { subject_token_type })
      expect([reply.status, reply.body['error']]).toEqual([400, 'invalid_request'])
    },
  )
})
