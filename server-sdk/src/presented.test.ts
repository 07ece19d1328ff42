import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { callerOf } from './caller.ts'
import { protect } from './protect.ts'
import type { ProtectOptions } from './protect-options.ts'
import type { GuardedHandler } from './serve-node.ts'
import { listen, testIssuer } from './test-server.ts'
import { type Claims, signed, START_SECONDS, testKey, testTransactionClaims } from './test-token.ts'

const client = { id: 'crm', secret: 'hunter2' }
const dlg = { gid: 'grant-1', hop: 2, rem: 5, anc: ['family-1', 'jti-1', 'jti-2'], to: 'crm' }
const pre_injected = { pattern: 'pre_injected', header: 'X-Api-Key', value: 'kept' } as const

const introduce: GuardedHandler = (request, response) => {
  const { user, chain, token, scopes } = callerOf(request)
  const actors = chain.map(({ sub }) => sub)
  response.end(JSON.stringify({ user: user.id, actors, scopes: [...scopes], jti: token.jti }))
}

async function guarded(
  change: Partial<ProtectOptions> = {},
  handler = introduce,
  known: Pick<ProtectOptions, 'client'> = { client },
) {
  const issuer = await testIssuer()
  const served: { handle?: ReturnType<ReturnType<typeof protect>['guard']> } = {}
  const origin = await listen((request, response) => served.handle?.(request, response))
  const resource = `${origin}/mcp`
  const protection = protect({
    issuer: issuer.issuer,
    resource,
    scopes: ['crm.read'],
    ...known,
    clock: issuer.clock,
    ...change,
  })
  onTestFinished(() => protection.close())
  served.handle = protection.guard(handler)
  const transaction = (overrides: Claims = {}, header: Claims = {}) =>
    signed(testTransactionClaims(issuer.issuer, overrides), issuer.key, { typ: 'txntoken+jwt', ...header })
  return { ...issuer, resource, transaction, access: () => issuer.token(resource) }
}

type Guarded = Awaited<ReturnType<typeof guarded>>
type Headers = readonly (readonly [string, string])[]
const get = async ({ resource }: Guarded, headers: Headers) => {
  const { status, headers: answered, text } = await wire(resource, headers)
  return { status, challenge: answered.get('www-authenticate'), text }
}
/** Undici joins what is sent twice; `node:http` sends it twice. */
async function wire(resource: string, headers: Headers) {
  return new Promise<{ status: number; headers: Map<string, string>; text: string }>((resolve, reject) => {
    const sent = request(resource, { headers: ['host', 'h', ...headers.flat()] }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const answered = new Map(
          Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
        )
        resolve({ status: response.statusCode ?? 0, headers: answered, text })
      })
    })
    sent.on('error', reject).end()
  })
}
const bearer = (token: string) => ['authorization', `Bearer ${token}`] as const
const txn = (token: string) => ['txn-token', token] as const

/** What a request is answered with whose token does not hold. */
async function expectRefusal(at: Guarded, headers: Headers): Promise<void> {
  const { status, challenge, text } = await get(at, headers)
  expect([status, challenge]).toEqual([401, expect.stringContaining('error="invalid_token"')])
  expect(JSON.parse(text)).toEqual({
    error: 'invalid_token',
    error_description: expect.any(String) as string,
  })
}

describe('beside an access token, a transaction token', () => {
  test('that was issued with it changes nothing: the access token says who calls', async () => {
    const at = await guarded()
    const { status, text } = await get(at, [bearer(await at.access()), txn(await at.transaction())])
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { user: 'u1', actors: ['https://gw.example/crm/mcp', 'planner'], scopes: ['crm.read'], jti: 'jti-2' },
    ])
  })

  test('that names another client is let pass only where the resource has no name of its own', async () => {
    const named = await guarded()
    const other = { dlg: { ...dlg, to: 'payroll' } }
    await expectRefusal(named, [bearer(await named.access()), txn(await named.transaction(other))])
    const at = await guarded({}, introduce, {})
    expect(await get(at, [bearer(await at.access()), txn(await at.transaction(other))])).toMatchObject({
      status: 200,
    })
  })

  test.each<[string, Claims, Claims?]>([
    ['of another user', { sub: 'u2' }],
    ['of another transaction', { txn: 'txn-2' }],
    ['of another token', { dlg: { ...dlg, anc: ['family-1', 'jti-1', 'jti-9'] } }],
    ['that an earlier token came with', { dlg: { ...dlg, anc: ['family-1', 'jti-2', 'jti-3'] } }],
    ['of another trust domain', { aud: 'evil.example' }],
    ['that has expired', { iat: START_SECONDS - 200, exp: START_SECONDS - 140 }],
    ['that is typed as an access token', {}, { typ: 'at+jwt' }],
  ])('%s is refused with it', async (_, claims, header) => {
    const at = await guarded()
    await expectRefusal(at, [bearer(await at.access()), txn(await at.transaction(claims, header))])
  })

  test('that the issuer did not sign is refused with it', async () => {
    const at = await guarded()
    const forged = await signed(testTransactionClaims(at.issuer), await testKey('k1'), {
      typ: 'txntoken+jwt',
    })
    await expectRefusal(at, [bearer(await at.access()), txn(forged)])
    await expectRefusal(at, [bearer(await at.access()), txn('forged')])
    await expectRefusal(at, [bearer(await at.access()), txn('')])
  })

  test('is one: two are refused, though either is good', async () => {
    const at = await guarded()
    const good = await at.transaction()
    await expectRefusal(at, [bearer(await at.access()), txn(good), txn(good)])
  })

  test('cannot be the access token itself', async () => {
    const at = await guarded()
    const access = await at.access()
    await expectRefusal(at, [bearer(access), txn(access)])
    await expectRefusal(at, [bearer(await at.transaction())])
  })

  test('that was revoked is refused with it', async () => {
    const at = await guarded()
    at.answers.feed.body = revoked('token', 'txn-jti')
    await expectRefusal(at, [bearer(await at.access()), txn(await at.transaction())])
  })
})

test('alone, a transaction token lets nobody in: the way to an access token is shown', async () => {
  const at = await guarded()
  const { status, challenge } = await get(at, [txn(await at.transaction())])
  expect([status, challenge]).toEqual([401, expect.not.stringContaining('error=')])
})

describe('a server whose credential is the operator’s', () => {
  const key = ['x-api-key', 'kept'] as const

  test('lets in who shows it, and learns who calls from the transaction token that names it', async () => {
    const at = await guarded({ credential: pre_injected })
    const { status, text } = await get(at, [key, txn(await at.transaction())])
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { user: 'u1', actors: ['https://gw.example/crm/mcp', 'planner'], scopes: ['crm.read'], jti: 'txn-jti' },
    ])
  })

  test('finds it in Authorization, where nothing else is said', async () => {
    const at = await guarded({ credential: { pattern: 'pre_injected', value: 'Bearer kept' } })
    expect(await get(at, [bearer('kept'), txn(await at.transaction())])).toMatchObject({ status: 200 })
    await expectRefusal(at, [['authorization', 'bearer kept'], txn(await at.transaction())])
  })

  test.each<[string, (at: Guarded) => Promise<Headers>]>([
    ['another value', async (at) => [['x-api-key', 'guess'], txn(await at.transaction())]],
    ['a value that begins the same', async (at) => [['x-api-key', 'kept2'], txn(await at.transaction())]],
    ['a shorter value', async (at) => [['x-api-key', 'kep'], txn(await at.transaction())]],
    ['it twice', async (at) => [key, key, txn(await at.transaction())]],
    ['it alone', async () => [key]],
    ['two transaction tokens', async (at) => [key, txn(await at.transaction()), txn(await at.transaction())]],
    [
      'a transaction token for another client',
      async (at) => [key, txn(await at.transaction({ dlg: { ...dlg, to: 'notes' } }))],
    ],
    [
      'a transaction token of another domain',
      async (at) => [key, txn(await at.transaction({ aud: 'x.example' }))],
    ],
    ['an access token in its place', async (at) => [key, txn(await at.access())]],
  ])('refuses %s', async (_, headers) => {
    const at = await guarded({ credential: pre_injected })
    await expectRefusal(at, await headers(at))
  })

  test('shows the way to who comes without it, with an access token and a transaction token though they do', async () => {
    const at = await guarded({ credential: pre_injected })
    const { status, challenge } = await get(at, [bearer(await at.access()), txn(await at.transaction())])
    expect([status, challenge]).toEqual([401, expect.not.stringContaining('error=')])
  })

  test('refuses a transaction token that was revoked', async () => {
    const at = await guarded({ credential: pre_injected })
    at.answers.feed.body = revoked('grant', 'grant-1')
    await expectRefusal(at, [key, txn(await at.transaction())])
  })

  test('asks for the next token with the transaction token, and says what it is', async () => {
    const at = await guarded({ credential: pre_injected }, async (request, response) => {
      response.end(JSON.stringify(await callerOf(request).exchangeFor('payroll', ['payroll.read'])))
    })
    const token = await at.transaction()
    expect(JSON.parse((await get(at, [key, txn(token)])).text)).toEqual({ authorization: 'Bearer next-1' })
    expect(Object.fromEntries(at.forms[0] ?? [])).toMatchObject({
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:txn_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
  })
})

describe('a server that is called with nothing', () => {
  test('learns who calls from the transaction token that names it', async () => {
    const at = await guarded({ credential: 'none' })
    const { status, text } = await get(at, [txn(await at.transaction())])
    expect([status, JSON.parse(text)]).toEqual([200, expect.objectContaining({ user: 'u1' })])
  })

  test('lets nobody in without one, and shows the way', async () => {
    const at = await guarded({ credential: 'none' })
    expect(await get(at, [bearer(await at.access())])).toMatchObject({ status: 401 })
    const { status, challenge } = await get(at, [])
    expect([status, challenge]).toEqual([401, expect.not.stringContaining('error=')])
  })

  test('refuses one for another client', async () => {
    const at = await guarded({ credential: 'none' })
    await expectRefusal(at, [txn(await at.transaction({ dlg: { ...dlg, to: 'notes' } }))])
  })
})

test.each<[string, Partial<ProtectOptions>]>([
  ['none', { credential: 'none' }],
  ['the operator’s', { credential: pre_injected }],
])(
  'a server whose credential is %s does not start without a client: it could not tell whom a token is for',
  (_, change) => {
    const options = { issuer: 'https://tetrapod.example', resource: 'https://crm.internal/mcp', scopes: [] }
    expect(() => protect({ ...options, ...change })).toThrow('Give protect() a client')
  },
)

test('an empty credential does not start', () => {
  const options = {
    issuer: 'https://tetrapod.example',
    resource: 'https://crm.internal/mcp',
    scopes: [],
    client,
  }
  expect(() => protect({ ...options, credential: { ...pre_injected, value: '' } })).toThrow(
    'credential.value',
  )
})

function revoked(kind: string, id: string) {
  const id_hash = createHash('sha256').update(id).digest('base64url')
  return { sequence: 1, entries: [{ sequence: 1, kind, id_hash, at: 0, expires_at: 2_000_000_000_000 }] }
}
