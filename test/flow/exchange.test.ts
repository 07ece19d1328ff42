import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  type Bench,
  type BenchOptions,
  type Claims,
  CRM_URL,
  ISSUER,
  LEDGER,
  MOUNT,
  NOTES_URL,
  openBench,
  PAYROLL,
  type Reply,
  START_SECONDS,
  tokenTwo,
} from '../support/exchange-bench.ts'
import { NOTES_SECRET, openWorld, type World } from '../support/world.ts'

const GRANT_SECONDS = 30 * 24 * 3600
const type = (name: string) => `urn:ietf:params:oauth:token-type:${name}`
const node = (sub: string) => ({ iss: ISSUER, sub })
const chain = (...subs: readonly string[]): Claims =>
  [...subs]
    .reverse()
    .reduce<Claims>((act, sub) => (Object.keys(act).length === 0 ? node(sub) : { ...node(sub), act }), {})
const gateway = { ...node(MOUNT), client_id: 'gateway' }

/** One thing that is wrong, and everything that must be said about it. */
interface Row {
  readonly name: string
  /** Changes the honest token. */
  readonly claims?: Claims | ((bench: Bench) => Claims)
  readonly header?: Claims
  /** Takes the place of the token. */
  readonly token?: (honest: string) => string
  /** Changes the honest request. */
  readonly form?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly world?: BenchOptions
  /** Before the token is signed, and after. */
  readonly before?: (bench: Bench) => unknown
  readonly after?: (bench: Bench) => unknown
  /** In the audit record. */
  readonly reason?: string
  readonly error?: string
  readonly scope?: string
}

const because = (rule: string) => `broker.subject_token_refused.${rule}`

/** One bench for all rows that change nothing in it. */
const shared = ready()

async function answerTo(row: Row): Promise<{ readonly reply: Reply; readonly bench: Bench }> {
  const own = row.world !== undefined || row.before !== undefined || row.after !== undefined
  const bench = own ? await fresh(row.world) : shared()
  await row.before?.(bench)
  const claims = typeof row.claims === 'function' ? row.claims(bench) : row.claims
  const honest = await bench.sign(claims, row.header)
  await row.after?.(bench)
  bench.happened.length = 0
  return { reply: await bench.exchange(row.token?.(honest) ?? honest, row.form), bench }
}

/** With a token that was not verified, the record can name the client alone; else it names the user and the chain. */
type RecordKind = 'exchange' | 'exchange_refused'

/** Refused with the row's error, nothing signed, and on record with the row's reason. */
async function expectRefusal(row: Row, recorded?: RecordKind): Promise<Reply> {
  const { reply, bench } = await answerTo(row)
  expect(reply).toMatchObject({ status: 400, body: { error: row.error } })
  expect(reply.body['scope']).toBe(row.scope)
  expect(Object.keys(reply.body)).not.toContain('access_token')
  expect(reply.headers.get('cache-control')).toBe('no-store')
  expect(bench.happened).toEqual(recorded === undefined ? [] : ['recorded'])
  if (recorded === undefined) return reply
  const line = (await bench.lines()).at(-1)
  const client = row.form?.['client_id'] ?? 'crm'
  expect(line).toMatchObject({ kind: recorded, reason: row.reason, server: client, ...details[recorded] })
  return reply
}

const details = {
  exchange: { decision: 'deny', outcome: 'denied', scopes: [], txn: 'txn-1', username: 'alice' },
  exchange_refused: { txn: undefined, grant: undefined, username: undefined },
} as const satisfies Record<RecordKind, object>

describe('an exchange', () => {
  const bench = shared

  test('answers with a token for one API, in the name of the user, with the caller in front of the chain', async () => {
    const { status, headers, body } = await bench().exchange(await bench().sign())
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect({ ...body, access_token: '' }).toEqual({
      access_token: '',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'payroll.read',
    })
    const token = String(body['access_token'])
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    const claims = decodeJwt(token)
    expect(claims).toEqual({
      ...tokenTwo,
      aud: PAYROLL,
      client_id: 'crm',
      scope: 'payroll.read',
      jti: claims.jti,
      iat: START_SECONDS,
      exp: START_SECONDS + 300,
      act: { iss: ISSUER, sub: 'crm', act: tokenTwo.act },
      dlg: { gid: bench().grant.id, hop: 3, rem: 5, anc: ['family-1', 'jti-1', 'jti-2'] },
    })
    expect(claims.jti).not.toBe('jti-2')
    expect(await bench().verify(token, PAYROLL)).toMatchObject({ subject: 'u1' })
  })

  test('is on record, with what it gives and who acted, before it is signed', async () => {
    const one = await fresh()
    await one.exchange(await one.sign())
    expect(one.happened).toEqual(['recorded', 'minted'])
    expect(await one.lines()).toEqual([
      expect.objectContaining({
        kind: 'exchange',
        user: 'u1',
        username: 'alice',
        agent: 'assistant',
        server: 'crm',
        api: 'payroll',
        scopes: ['payroll.read'],
        decision: 'permit',
        rule: 'policies[1]',
        outcome: 'issued',
        reason: undefined,
        txn: 'txn-1',
        grant: one.grant.id,
        chain: [gateway, node('assistant')],
      }),
    ])
  })

  test('that cannot be put on record is refused, and nothing is signed', async () => {
    const one = await fresh()
    one.journal.full = true
    const reply = await one.exchange(await one.sign())
    expect(reply).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    expect(one.happened).toEqual([])
  })

  test.each<readonly [string, Parameters<Bench['exchange']>[1]]>([
    ['by its catalogue key', {}],
    ['by its resource', { audience: undefined, resource: PAYROLL }],
    ['by both', { resource: PAYROLL }],
    ['twice by the same key', { audience: ['payroll', 'payroll'] }],
    ['without saying which type it wants', { requested_token_type: undefined }],
    ['with an empty scope, which is none', { scope: '' }],
    ['with the scope it can have', { scope: 'payroll.read' }],
  ])('names its API %s', async (_, form) => {
    const { status, body } = await bench().exchange(await bench().sign(), form)
    expect([status, body['scope']]).toEqual([200, 'payroll.read'])
    expect(decodeJwt(String(body['access_token'])).aud).toBe(PAYROLL)
  })

  test.each<readonly [string, Claims]>([
    ['by name', { may_act: node('crm') }],
    ['by name and client', { may_act: { ...node('crm'), client_id: 'crm' } }],
  ])('is for the one party that may act, %s, and the token it gives names nobody', async (_, claims) => {
    const { status, body } = await bench().exchange(await bench().sign(claims))
    expect(status).toBe(200)
    expect(decodeJwt(String(body['access_token']))).not.toHaveProperty('may_act')
  })

  test('gives nothing that outlives the token presented', async () => {
    const { body } = await bench().exchange(await bench().sign({ exp: START_SECONDS + 10 }))
    expect(body['expires_in']).toBe(10)
    expect(decodeJwt(String(body['access_token'])).exp).toBe(START_SECONDS + 10)
  })

  test('gives nothing that outlives the grant', async () => {
    const one = await fresh()
    one.clock.time += (GRANT_SECONDS - 10) * 1000
    const { body } = await one.exchange(await one.sign())
    expect(body['expires_in']).toBe(10)
  })

  test('takes no claim from the request', async () => {
    const forged = {
      act: JSON.stringify(node('root')),
      may_act: '{}',
      dlg: '{}',
      txn: 'mine',
      sub: 'u2',
      cnf: '{}',
    }
    const { body } = await bench().exchange(await bench().sign(), forged)
    const claims = decodeJwt(String(body['access_token']))
    expect(claims).toMatchObject({ sub: 'u1', txn: 'txn-1', act: { sub: 'crm', act: tokenTwo.act } })
    expect(claims).not.toHaveProperty('cnf')
  })

  test('takes no claim that the token presented has beyond our own', async () => {
    const { body } = await bench().exchange(await bench().sign({ admin: true, groups: ['root'] }))
    const claims = decodeJwt(String(body['access_token']))
    expect(claims).not.toHaveProperty('admin')
    expect(claims).not.toHaveProperty('groups')
  })
})

describe('a request is malformed', () => {
  const shape = 'broker.request_malformed'
  const kind = 'broker.token_type_unsupported'
  test.each<Row>([
    {
      name: 'with an actor token',
      form: { actor_token: 'x', actor_token_type: type('access_token') },
      reason: shape,
    },
    { name: 'with an actor token that has no type', form: { actor_token: 'x' }, reason: shape },
    {
      name: 'with the type of an actor token alone',
      form: { actor_token_type: type('access_token') },
      reason: shape,
    },
    { name: 'without a subject token', form: { subject_token: undefined }, reason: shape },
    { name: 'without its type', form: { subject_token_type: undefined }, reason: shape },
    { name: 'with an ID token', form: { subject_token_type: type('id_token') }, reason: kind },
    { name: 'with any JWT', form: { subject_token_type: type('jwt') }, reason: kind },
    { name: 'with a refresh token', form: { subject_token_type: type('refresh_token') }, reason: kind },
    { name: 'with a type in another case', form: { subject_token_type: type('ACCESS_TOKEN') }, reason: kind },
    { name: 'for a refresh token', form: { requested_token_type: type('refresh_token') }, reason: kind },
    { name: 'for an ID token', form: { requested_token_type: type('id_token') }, reason: kind },
  ])('$name', async (row) => {
    await expectRefusal({ ...row, error: 'invalid_request' }, 'exchange_refused')
  })

  test.each<Row>([
    { name: 'with two scopes', form: { scope: ['payroll.read', 'payroll.pay'] } },
    { name: 'with two subject tokens', form: { subject_token: ['a', 'b'] } },
    { name: 'with two types', form: { subject_token_type: [type('access_token'), type('access_token')] } },
  ])('$name, and no client is asked for', async (row) => {
    await expectRefusal({ ...row, error: 'invalid_request' })
  })
})

describe('a client may not exchange', () => {
  test.each<Row>([
    { name: 'that is an agent without leave to', form: { client_id: 'intruder' } },
    { name: 'that is the gateway', form: { client_id: 'gateway' } },
    { name: 'that is an API', form: { client_id: 'payroll' } },
  ])('$name', async (row) => {
    await expectRefusal(
      { ...row, error: 'unauthorized_client', reason: 'broker.client_not_allowed' },
      'exchange_refused',
    )
  })
})

describe('a target is refused', () => {
  const nothing = { audience: undefined }
  test.each<Row>([
    { name: 'that is not named', form: nothing },
    { name: 'that is empty', form: { audience: '' } },
    { name: 'that nobody knows', form: { audience: 'unknown' } },
    { name: 'called like a member of every object', form: { audience: 'constructor' } },
    { name: 'that is the caller', form: { audience: 'crm' } },
    { name: 'that is the caller’s own URL', form: { ...nothing, resource: CRM_URL } },
    { name: 'that is another server', form: { audience: 'notes' } },
    { name: 'that is another server’s URL', form: { ...nothing, resource: NOTES_URL } },
    { name: 'that is the gateway', form: { audience: 'gateway' } },
    { name: 'that is the issuer', form: { ...nothing, resource: ISSUER } },
    { name: 'that is a mount', form: { ...nothing, resource: MOUNT } },
    { name: 'that is a mount, as an audience', form: { audience: MOUNT } },
    { name: 'that is an agent', form: { audience: 'assistant' } },
    { name: 'that is a user', form: { audience: 'u1' } },
    { name: 'that is an API of nobody', form: { audience: 'vault' } },
    { name: 'that is an API of another server', form: { audience: 'ledger', client_id: 'notes' } },
    { name: 'by a server that calls nothing', form: { client_id: 'mute' } },
    { name: 'whose resource is named as an audience', form: { audience: PAYROLL } },
    { name: 'whose key is named as a resource', form: { ...nothing, resource: 'payroll' } },
    { name: 'whose resource has a slash more', form: { ...nothing, resource: `${PAYROLL}/` } },
    { name: 'whose resource has a fragment', form: { ...nothing, resource: `${PAYROLL}#x` } },
    { name: 'that is two APIs by key', form: { audience: ['payroll', 'ledger'] } },
    { name: 'that is two APIs by resource', form: { ...nothing, resource: [PAYROLL, LEDGER] } },
    { name: 'whose audience and resource disagree', form: { resource: LEDGER } },
    { name: 'beside one that nobody knows', form: { audience: ['payroll', 'unknown'] } },
    { name: 'beside an unknown resource', form: { resource: 'https://evil.example' } },
    { name: 'whatever the token is', form: { audience: 'unknown' }, token: () => 'forged' },
  ])('$name', async (row) => {
    await expectRefusal(
      { ...row, error: 'invalid_target', reason: 'broker.target_unknown' },
      'exchange_refused',
    )
  })
})

describe('a subject token is refused', () => {
  const dlg = (bench: Bench, change: Claims) => ({
    gid: bench.grant.id,
    hop: 2,
    rem: 6,
    anc: ['family-1', 'jti-1'],
    ...change,
  })
  const withChain = (hop: number, act: Claims) => (bench: Bench) => ({ act, dlg: dlg(bench, { hop }) })
  const answers: unknown[] = []
  const heard = ({ status, headers, body }: Reply) =>
    answers.push([status, headers.get('content-type'), body])

  test.each<Row>([
    { name: 'that is no token', token: () => 'forged', reason: because('malformed') },
    {
      name: 'with another signature',
      token: (honest) => `${honest.slice(0, -4)}AAAA`,
      reason: because('signature'),
    },
    { name: 'that is an ID token', header: { typ: 'JWT' }, reason: because('type') },
    {
      name: 'that is a client assertion',
      header: { typ: 'client-authentication+jwt' },
      reason: because('type'),
    },
    { name: 'of another issuer', claims: { iss: 'https://evil.example' }, reason: because('issuer') },
    { name: 'that has expired', after: ({ clock }) => (clock.time += 300_000), reason: because('expired') },
    { name: 'that is not valid yet', claims: { nbf: START_SECONDS + 3600 }, reason: because('not_yet') },
    { name: 'that is bound to a key', claims: { cnf: { jkt: 'x' } }, reason: because('binding') },
    {
      name: 'in which the user acts',
      claims: { act: { ...gateway, act: node('u1') } },
      reason: because('subject'),
    },
    { name: 'that was for another server', claims: { aud: NOTES_URL }, reason: because('audience') },
    {
      name: 'that was for this server, by another server',
      form: { client_id: 'notes' },
      reason: because('audience'),
    },
    {
      name: 'that is token 1 of this server’s mount',
      claims: { aud: MOUNT, client_id: 'assistant' },
      reason: because('audience'),
    },
    {
      name: 'that is token 3, which the caller got itself',
      claims: { aud: PAYROLL, client_id: 'crm' },
      reason: because('audience'),
    },
    { name: 'for this server and another', claims: { aud: [CRM_URL, NOTES_URL] }, reason: because('claims') },
    { name: 'for this server’s key', claims: { aud: 'crm' }, reason: because('audience') },
  ])('$name', async (row) => {
    heard(await expectRefusal({ ...row, error: 'invalid_request' }, 'exchange_refused'))
  })

  test.each<Row>([
    {
      name: 'whose grant was revoked',
      after: ({ grants, grant }) => grants.revoke(grant.id),
      reason: because('revoked'),
    },
    {
      name: 'whose login was revoked',
      after: ({ revocation }) => revocation.revoke('family', 'family-1'),
      reason: because('revoked'),
    },
    {
      name: 'whose grant has expired',
      before: ({ clock }) => (clock.time += GRANT_SECONDS * 1000),
      reason: because('grant'),
    },
    {
      name: 'of no grant',
      claims: (bench) => ({ dlg: dlg(bench, { gid: 'none' }) }),
      reason: because('grant'),
    },
    { name: 'whose grant is of another user', claims: { sub: 'u2' }, reason: because('grant') },
    { name: 'of a user who is gone', world: { users: ['bob'] }, reason: because('user') },
    {
      name: 'whose grant is for another agent',
      claims: { act: { ...gateway, act: node('intruder') } },
      reason: because('agent'),
    },
    { name: 'of an agent that is gone', world: { agents: ['intruder'] }, reason: because('actor') },
    {
      name: 'through a server that is gone',
      claims: withChain(3, { ...node('gone'), act: tokenTwo.act }),
      reason: because('actor'),
    },
    {
      name: 'through a mount that is gone',
      claims: { act: { ...node(`${ISSUER}/gone/mcp`), client_id: 'gateway', act: node('assistant') } },
      reason: because('actor'),
    },
    {
      name: 'through a mount that is nobody’s client',
      claims: { act: chain(MOUNT, 'assistant') },
      reason: because('actor'),
    },
    { name: 'without an agent', claims: withChain(1, gateway), reason: because('agent') },
    {
      name: 'with no depth left',
      claims: (bench) => ({ dlg: dlg(bench, { rem: 0 }) }),
      reason: because('depth'),
    },
    {
      name: 'with eight actors',
      claims: withChain(8, chain('mute', 'notes', MOUNT, 'a', 'b', 'c', 'd', 'assistant')),
      world: { agents: ['assistant', MOUNT, 'a', 'b', 'c', 'd'] },
      reason: because('depth'),
    },
    {
      name: 'in which the caller acted before',
      claims: withChain(3, { ...node('crm'), act: tokenTwo.act }),
      reason: because('loop'),
    },
    { name: 'that ends in nine seconds', claims: { exp: START_SECONDS + 9 }, reason: because('expired') },
    {
      name: 'whose grant ends in nine seconds',
      before: ({ clock }) => (clock.time += (GRANT_SECONDS - 9) * 1000),
      reason: because('expired'),
    },
    {
      name: 'on which another party may act',
      claims: { may_act: node('notes') },
      reason: because('may_act'),
    },
    {
      name: 'on which a party of the same name elsewhere may act',
      claims: { may_act: { iss: 'https://evil.example', sub: 'crm' } },
      reason: because('may_act'),
    },
    {
      name: 'on which another client of the same name may act',
      claims: { may_act: { ...node('crm'), client_id: 'notes' } },
      reason: because('may_act'),
    },
  ])('$name', async (row) => {
    heard(await expectRefusal({ ...row, error: 'invalid_request' }, 'exchange'))
  })

  test('in the same words, whatever is wrong with it', () => {
    expect(answers.length).toBeGreaterThan(30)
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  })
})

test('a grant revoked while the record is written yields no token, and the record says so', async () => {
  const bench = await fresh()
  const subject = await bench.sign()
  bench.journal.onceRecorded = () => {
    bench.journal.onceRecorded = async () => undefined
    return bench.grants.revoke(bench.grant.id)
  }
  const { status, body } = await bench.exchange(subject)
  expect(status).toBe(400)
  expect(body).toMatchObject({ error: 'invalid_request' })
  expect(await bench.lines()).toMatchObject([
    { kind: 'exchange', outcome: 'failed', reason: because('revoked') },
    { kind: 'exchange', outcome: 'denied', reason: because('revoked') },
  ])
})

describe('a scope is refused', () => {
  const wider = ({ grants }: Bench) =>
    grants.give(
      {
        user: 'u1',
        agent: 'assistant',
        server: 'crm',
        redirectUri: 'https://agent.example/callback',
        scopes: ['crm.write'],
        calls: { payroll: { 'crm.write': ['payroll.pay'] } },
      },
      async () => () => {},
    )
  const consent = { error: 'consent_required', reason: 'broker.consent_required' }
  const unknown = { error: 'invalid_scope', reason: 'broker.scope_invalid' }
  test.each<Row>([
    { name: 'that the target does not know', form: { scope: 'payroll.everything' }, ...unknown },
    { name: 'beside one that it knows', form: { scope: 'payroll.read payroll.everything' }, ...unknown },
    { name: 'of the caller’s own vocabulary', form: { scope: 'crm.read' }, ...unknown },
    { name: 'called like a member of every object', form: { scope: 'constructor' }, ...unknown },
    { name: 'that is no scope', form: { scope: 'payroll.read "' }, ...unknown },
    { name: 'with a space too many', form: { scope: 'payroll.read ' }, ...unknown },
    { name: 'that is all there is, which is nothing', form: { audience: 'ledger' }, ...unknown },
    { name: 'that is all there is for a token without scopes', claims: { scope: '' }, ...unknown },
    {
      name: 'to which no edge leads',
      form: { scope: 'payroll.admin' },
      error: 'access_denied',
      reason: 'broker.scope_unreachable',
    },
    {
      name: 'to which no edge leads, beside one that can be had',
      form: { scope: 'payroll.read payroll.admin' },
      error: 'access_denied',
      reason: 'broker.scope_unreachable',
    },
    {
      name: 'that needs a scope the user has not granted',
      form: { scope: 'payroll.pay' },
      ...consent,
      scope: 'crm.write',
    },
    {
      name: 'that needs more than was granted, beside one that can be had',
      form: { scope: 'payroll.read payroll.pay' },
      ...consent,
      scope: 'crm.read crm.write',
    },
    {
      name: 'whose edge the consent did not show',
      form: { scope: 'payroll.tax' },
      ...consent,
      scope: 'crm.read',
    },
    {
      name: 'at an API that the consent did not show',
      form: { audience: 'ledger', scope: 'ledger.read' },
      ...consent,
      scope: 'crm.read',
    },
    {
      name: 'whose edge was shown for a scope that was not granted',
      before: ({ grants }) =>
        grants.give(
          {
            user: 'u1',
            agent: 'assistant',
            server: 'crm',
            redirectUri: 'https://agent.example/callback',
            scopes: [],
            calls: { payroll: { 'crm.write': ['payroll.pay'] } },
          },
          async () => () => {},
        ),
      form: { scope: 'payroll.pay' },
      ...consent,
      scope: 'crm.write',
    },
    {
      name: 'that the grant holds and the token does not',
      before: wider,
      claims: { scope: 'crm.read' },
      form: { scope: 'payroll.pay' },
      ...consent,
      scope: 'crm.write',
    },
  ])('$name', async (row) => {
    await expectRefusal(row, 'exchange')
  })

  test('by none of these once the user granted it and the token holds it', async () => {
    const bench = await fresh()
    await wider(bench)
    const { body } = await bench.exchange(await bench.sign(), { scope: 'payroll.pay' })
    expect(body['scope']).toBe('payroll.pay')
    const all = await bench.exchange(await bench.sign())
    expect(all.body['scope']).toBe('payroll.read payroll.pay')
  })
})

describe('a policy decides about the exchange itself:', () => {
  const permitTools = { id: 'policies[1]', effect: 'permit', terms: { servers: ['crm'] } } as const
  const permitAll = {
    id: 'policies[1]',
    effect: 'permit',
    terms: { servers: ['crm'], apis: ['payroll'] },
  } as const
  const forbid = {
    id: 'policies[2]',
    effect: 'forbid',
    terms: { users: ['alice'], apis: ['payroll'] },
  } as const
  test.each<Row>([
    { name: 'no rule permits nothing', world: { rules: [] } },
    {
      name: 'a permit of the server’s tools does not permit what it asks for',
      world: { rules: [permitTools] },
    },
    {
      name: 'a permit for another API is none for this',
      world: { rules: [{ ...permitAll, terms: { apis: ['ledger'] } }] },
    },
    {
      name: 'a permit for another server is none for this',
      world: { rules: [{ ...permitAll, terms: { servers: ['notes'], apis: ['payroll'] } }] },
    },
    {
      name: 'a permit for another agent is none for this',
      world: { rules: [{ ...permitAll, terms: { agents: ['intruder'], apis: ['payroll'] } }] },
    },
    { name: 'a forbid wins', world: { rules: [permitAll, forbid] } },
    {
      name: 'and is asked before a scope is looked at',
      world: { rules: [] },
      form: { scope: 'payroll.pay' },
    },
  ])('$name', async (row) => {
    await expectRefusal({ ...row, error: 'access_denied', reason: 'broker.policy_denied' }, 'exchange')
  })

  test('the record names the rule that forbade', async () => {
    const { bench } = await answerTo({ name: '', world: { rules: [permitAll, forbid] } })
    expect(await bench.lines()).toMatchObject([{ decision: 'deny', rule: 'policies[2]' }])
  })
})

describe('the request to the letter', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(() => world.close())

  test('is a POST: the same by another method is answered with how to ask', async () => {
    const subject_token = (await callEcho(world), world.lastToken('notes'))
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token,
      subject_token_type: type('access_token'),
      audience: 'payroll',
      client_id: 'notes',
      client_secret: NOTES_SECRET,
    }
    const url = `${world.publicUrl}/token`
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const { status, headers } = await fetch(url, { method, body: new URLSearchParams(form) })
      expect([method, status, headers.get('allow')]).toEqual([method, 405, 'POST'])
    }
    expect((await fetch(`${url}?${new URLSearchParams(form).toString()}`)).status).toBe(405)
    expect((await fetch(url, { method: 'POST', body: new URLSearchParams(form) })).status).toBe(200)
  })

  test('by a server that is not ours, with its secret in the body and a catalogue key as the audience', async () => {
    await callEcho(world)
    const subject = world.lastToken('notes')
    const body =
      'grant_type=urn:ietf:params:oauth:grant-type:token-exchange' +
      `&subject_token=${subject}` +
      '&subject_token_type=urn:ietf:params:oauth:token-type:access_token' +
      '&requested_token_type=urn:ietf:params:oauth:token-type:access_token' +
      `&audience=payroll&client_id=notes&client_secret=${NOTES_SECRET}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await fetch(`${world.publicUrl}/token`, { method: 'POST', headers, body })
    expect(answer.status).toBe(200)
    const json = (await answer.json()) as Record<string, unknown>
    expect(Object.keys(json).sort()).toEqual([
      'access_token',
      'expires_in',
      'issued_token_type',
      'scope',
      'token_type',
    ])
    const iss = world.publicUrl
    expect(decodeJwt(String(json['access_token']))).toMatchObject({
      iss,
      aud: world.urls.payroll,
      client_id: 'notes',
      scope: 'payroll.read',
      act: {
        iss,
        sub: 'notes',
        act: { iss, sub: world.mount('notes'), client_id: 'gateway', act: { iss, sub: 'assistant' } },
      },
    })
  })
})

/** One bench for all tests of a suite that change nothing in it. */
function ready(): () => Bench {
  let bench: Bench | undefined
  beforeAll(async () => {
    bench = await openBench()
  })
  afterAll(() => bench?.close())
  return () => {
    if (bench === undefined) throw new Error('not open yet')
    return bench
  }
}

/** An agent calls the tool of `notes`, so that it receives a token. */
async function callEcho(world: World): Promise<void> {
  const login = await world.signIn('alice', { server: 'notes' })
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  await client.connect(
    new StreamableHTTPClientTransport(new URL(login.resource), { authProvider: login.authProvider }),
  )
  await client.callTool({ name: 'echo', arguments: { text: 'hello' } })
  await client.close()
}

async function fresh(options?: BenchOptions): Promise<Bench> {
  const bench = await openBench(options)
  onTestFinished(() => bench.close())
  return bench
}
