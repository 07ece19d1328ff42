import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditLine } from '../../service/src/audit/index.ts'
import {
  ASSERTION_TYPE,
  byHand,
  createPerson,
  EXCHANGE,
  officialClient,
  type Signer,
  signAssertion,
} from '../support/by-hand.ts'
import { type Forge, openForge } from '../support/forge.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { NOTES_SECRET, openWorld, type World } from '../support/world.ts'

const NOTHING = '{"active":false}'
type Party = 'crm' | 'payroll' | 'assistant' | 'notes'

interface Told {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** What each party of a world can ask of a token, as itself. */
function asking(world: World) {
  const keys: Readonly<Record<string, () => Signer>> = {
    crm: () => world.crmKey,
    payroll: () => world.payrollKey,
    assistant: () => world.agentKey,
  }
  const proof = async (id: Party): Promise<Record<string, string>> => {
    const key = keys[id]
    if (key === undefined) return { client_id: id, client_secret: NOTES_SECRET }
    const client_assertion = await signAssertion({ issuer: world.publicUrl, id, key: key() })
    return { client_assertion_type: ASSERTION_TYPE, client_assertion }
  }
  const post = async (path: string, form: Readonly<Record<string, string>>): Promise<Told> => {
    const body = new URLSearchParams(form)
    const { status, headers, ...answer } = await posted(`${world.publicUrl}${path}`, body)
    return { status, headers, text: answer.text }
  }
  return {
    post,
    proof,
    introspect: async (id: Party, token: string, form: Readonly<Record<string, string>> = {}) =>
      post('/introspect', { token, ...(await proof(id)), ...form }),
    revoke: async (id: Party, token: string, form: Readonly<Record<string, string>> = {}) =>
      post('/revoke', { token, ...(await proof(id)), ...form }),
  }
}

async function posted(url: string, body: URLSearchParams) {
  const response = await fetch(url, { method: 'POST', body })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

interface Chain {
  readonly one: string
  readonly two: string
  readonly three: string
}

/** Token 1 of a new login, and the tokens 2 and 3 that a call with it leaves at the CRM and at payroll. */
async function chainOf(world: World, username = 'alice'): Promise<Chain> {
  return calledWith(world, (await world.signIn(username)).token() ?? '')
}

async function calledWith(world: World, one: string): Promise<Chain> {
  const client = await officialClient(world.mount('crm'), one)
  await client.callTool({ name: 'my_commission', arguments: {} })
  await client.close()
  return { one, two: world.lastToken('crm'), three: world.lastToken('payroll') }
}

const revokeGrant = (world: World, token: string) =>
  ask(world.service.socket, 'POST', `/grants/${decodeJwt<{ dlg: { gid: string } }>(token).dlg.gid}/revoke`)

describe('introspection', () => {
  let world: World
  let ours: ReturnType<typeof asking>
  let chain: Chain
  let forge: Forge
  beforeAll(async () => {
    world = await openWorld()
    ours = asking(world)
    chain = await chainOf(world)
    forge = await openForge(world)
  })
  afterAll(() => world.close())

  test('tells a server everything that its own token says, and nobody keeps the answer', async () => {
    const { status, headers, text } = await ours.introspect('crm', chain.two)
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    const { act, ...claims } = decodeJwt(chain.two)
    expect(JSON.parse(text)).toEqual({ active: true, token_type: 'Bearer', ...claims, act })
    expect(act).toMatchObject({ client_id: 'gateway', act: { sub: 'assistant' } })
  })

  test('tells an API the same of its own: exchanged tokens are ours like any other', async () => {
    const answer = JSON.parse((await ours.introspect('payroll', chain.three)).text) as object
    expect(answer).toEqual({ active: true, token_type: 'Bearer', ...decodeJwt(chain.three) })
    expect(answer).toMatchObject({ client_id: 'crm', aud: world.urls.payroll, scope: 'payroll.read' })
  })

  test('does not depend on a hint, right or wrong', async () => {
    for (const token_type_hint of ['access_token', 'refresh_token', 'urn:x'])
      expect((await ours.introspect('crm', chain.two, { token_type_hint })).text).toContain('"active":true')
  })

  test('an honest forgery, to which each refusal below is one change, holds', async () => {
    const { text } = await ours.introspect('crm', await forge.sign(decodeJwt(chain.two)))
    expect(text).toContain('"active":true')
  })

  const now = Math.floor(Date.now() / 1000)
  test.each<[string, Party, () => string | Promise<string>]>([
    ['token 1 to the server behind the mount', 'crm', () => chain.one],
    ['token 1 to the agent that holds it: to agents their tokens are opaque', 'assistant', () => chain.one],
    ['token 2 to the agent', 'assistant', () => chain.two],
    ['token 2 to another server', 'notes', () => chain.two],
    ['token 2 to the API', 'payroll', () => chain.two],
    ['token 3 to the server that obtained it', 'crm', () => chain.three],
    ['an expired one', 'crm', () => forge.sign({ ...decodeJwt(chain.two), iat: now - 400, exp: now - 1 })],
    ['an ID token', 'crm', () => forge.sign(decodeJwt(chain.two), { typ: 'JWT' })],
    [
      'one for two audiences',
      'crm',
      () => forge.sign({ ...decodeJwt(chain.two), aud: [world.urls.crm, 'x'] }),
    ],
    [
      'one of another issuer',
      'crm',
      () => forge.sign({ ...decodeJwt(chain.two), iss: 'https://evil.example' }),
    ],
    ['one under a grant that there is not', 'crm', () => withDelegation(forge, chain.two, { gid: 'none' })],
    ['one whose user there is not', 'crm', () => forge.sign({ ...decodeJwt(chain.two), sub: 'nobody' })],
    ['one with a changed signature', 'crm', () => `${chain.two.slice(0, -8)}AAAAAAAA`],
    ['text', 'crm', () => 'x.y.z'],
    ['more text than any token is', 'crm', () => 'x'.repeat(9000)],
  ])('says nothing of %s', async (_, id, token) => {
    const { status, text, headers } = await ours.introspect(id, await token())
    expect([status, text, headers.get('cache-control')]).toEqual([200, NOTHING, 'no-store'])
  })

  test('says nothing of a token once its grant was revoked', async () => {
    const bob = await chainOf(world, 'bob')
    expect((await ours.introspect('payroll', bob.three)).text).toContain('"active":true')
    await revokeGrant(world, bob.one)
    expect((await ours.introspect('crm', bob.two)).text).toBe(NOTHING)
    expect((await ours.introspect('payroll', bob.three)).text).toBe(NOTHING)
    expect((await ours.introspect('payroll', chain.three)).text).toContain('"active":true')
  })
})

describe('introspection, once the user agrees to less', () => {
  let world: World
  const widest = (text: string) =>
    text.replace('crm.read: [payroll.read]', 'crm.read: [payroll.read], crm.write: [payroll.pay]')
  beforeEach(async () => {
    world = await openWorld({ amend: widest })
  })
  afterEach(() => world.close())

  /** Has the user agree to both scopes, call, and then leave only one of them ticked. */
  async function narrowedTo(kept: 'crm.read' | 'crm.write') {
    const [hand, person] = [byHand(world), createPerson(world.publicUrl)]
    const scope = 'crm.read crm.write'
    const { body } = await hand.redeem(await hand.codeOf(person, { scope }))
    const chain = await calledWith(world, String(body['access_token']))
    const stop = await hand.toConsent(person, { scope, prompt: 'consent' })
    const gone = kept === 'crm.read' ? 'write' : 'read'
    const page = stop.body.replace(new RegExp(`(name="scope:crm\\.${gone}"[^>]*?) checked`), '$1')
    expect(page).not.toBe(stop.body)
    const end = await person.submit({ ...stop, body: page }, { decision: 'allow' })
    expect(end.url.searchParams.has('code')).toBe(true)
    return chain
  }

  test('says nothing of a token with a scope that was taken back, nor of what it led to at an API', async () => {
    const { two, three } = await narrowedTo('crm.write')
    const ours = asking(world)
    expect((await ours.introspect('crm', two)).text).toBe(NOTHING)
    expect((await ours.introspect('payroll', three)).text).toBe(NOTHING)
  })

  test('tells of a token whose scopes are all left', async () => {
    const { two, three } = await narrowedTo('crm.read')
    const ours = asking(world)
    expect((await ours.introspect('crm', two)).text).toContain('"scope":"crm.read"')
    expect((await ours.introspect('payroll', three)).text).toContain('"scope":"payroll.read"')
  })
})

async function withDelegation(forge: Forge, token: string, change: object): Promise<string> {
  const { dlg, ...claims } = decodeJwt<{ dlg: object }>(token)
  return forge.sign({ ...claims, dlg: { ...dlg, ...change } })
}

describe.each(['/introspect', '/revoke'])('%s', (path) => {
  let world: World
  let ours: ReturnType<typeof asking>
  beforeAll(async () => {
    world = await openWorld()
    ours = asking(world)
  })
  afterAll(() => world.close())

  test('answers nobody who does not prove who they are', async () => {
    const { client_assertion = '', client_assertion_type = '' } = await ours.proof('crm')
    const forms: readonly Record<string, string>[] = [
      {},
      { client_id: 'crm' },
      { client_id: 'notes', client_secret: 'wrong' },
      { client_assertion: `${client_assertion.slice(0, -8)}AAAAAAAA`, client_assertion_type },
    ]
    for (const form of forms) {
      const { status, text } = await ours.post(path, { token: 'x', ...form })
      expect([status, JSON.parse(text)]).toEqual([401, expect.objectContaining({ error: 'invalid_client' })])
    }
    const good = await ours.post(path, { token: 'x', client_assertion, client_assertion_type })
    expect(good.status).toBe(200)
    const again = await ours.post(path, { token: 'x', client_assertion, client_assertion_type })
    expect(again.status).toBe(401)
  })

  test('takes one token in one form, and nothing from a query', async () => {
    const secret = { client_id: 'notes', client_secret: NOTES_SECRET }
    expect((await ours.post(path, { token: 'x', ...secret })).status).toBe(200)
    const malformed = [
      ours.post(path, secret),
      ours.post(path, { token: '', ...secret }),
      ours.post(`${path}?token=x`, secret),
      posted(
        `${world.publicUrl}${path}`,
        new URLSearchParams([...Object.entries(secret), ['token', 'x'], ['token', 'y']]),
      ),
      ours.post(path, { token: 'x'.repeat(65 * 1024), ...secret }),
    ]
    for (const { status, text } of await Promise.all(malformed))
      expect([status, JSON.parse(text)]).toEqual([400, expect.objectContaining({ error: 'invalid_request' })])
  })

  test('is asked by POST alone', async () => {
    const response = await fetch(`${world.publicUrl}${path}`)
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('a client takes back its token', () => {
  let world: World
  let ours: ReturnType<typeof asking>
  beforeEach(async () => {
    world = await openWorld()
    ours = asking(world)
  })
  afterEach(() => world.close())

  const find = { name: 'find_customer', arguments: { query: 'a' } }
  const statusAt = async (url: string, token: string) =>
    (await send(rpc({ url, token, params: find }))).status
  const atPayroll = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${world.urls.payroll}/commission`, { headers })).status
  }

  test('token 1 ends with all that came from it, at every party, and other tokens of the grant go on', async () => {
    const [chain, other] = [await chainOf(world), await chainOf(world)]
    expect(await ours.revoke('assistant', chain.one)).toMatchObject({ status: 200 })
    expect(await statusAt(world.mount('crm'), chain.one)).toBe(401)
    expect((await ours.introspect('crm', chain.two)).text).toBe(NOTHING)
    expect((await ours.introspect('payroll', chain.three)).text).toBe(NOTHING)
    await expect.poll(() => statusAt(world.urls.crm, chain.two), { interval: 5 }).toBe(401)
    await expect.poll(() => atPayroll(chain.three), { interval: 5 }).toBe(401)
    const { status, body } = await byHand(world).token({
      grant_type: EXCHANGE,
      subject_token: chain.two,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'payroll',
      ...(await ours.proof('crm')),
    })
    expect([status, body['error']]).toEqual([400, 'invalid_request'])
    expect(await statusAt(world.mount('crm'), other.one)).toBe(200)
    expect([await statusAt(world.urls.crm, other.two), await atPayroll(other.three)]).toEqual([200, 200])
  })

  test('an exchanged one belongs to the server that obtained it, and what it came from goes on', async () => {
    const { one, two, three } = await chainOf(world)
    expect((await ours.revoke('crm', three)).status).toBe(200)
    await expect.poll(() => atPayroll(three), { interval: 5 }).toBe(401)
    expect([await statusAt(world.mount('crm'), one), await statusAt(world.urls.crm, two)]).toEqual([200, 200])
  })

  test('one that has expired here, and is accepted for the minute of clock skew elsewhere, ends too', async () => {
    const { one, two } = await chainOf(world)
    const now = Math.floor(Date.now() / 1000)
    const late = await (await openForge(world)).sign({ ...decodeJwt(one), iat: now - 330, exp: now - 30 })
    expect((await ours.revoke('assistant', late)).status).toBe(200)
    await expect.poll(() => statusAt(world.urls.crm, two), { interval: 5 }).toBe(401)
  })

  test('under a wrong hint as well', async () => {
    const { one } = await chainOf(world)
    await ours.revoke('assistant', one, { token_type_hint: 'refresh_token' })
    expect(await statusAt(world.mount('crm'), one)).toBe(401)
  })

  test('another client’s token is refused, and goes on', async () => {
    const { one, two, three } = await chainOf(world)
    const tries: readonly (readonly [Party, string])[] = [
      ['crm', one],
      ['notes', one],
      ['crm', two],
      ['assistant', two],
      ['payroll', three],
      ['assistant', three],
    ]
    for (const [id, token] of tries) {
      const { status, text } = await ours.revoke(id, token)
      expect([status, JSON.parse(text)]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
    }
    expect([await statusAt(world.mount('crm'), one), await atPayroll(three)]).toEqual([200, 200])
  })

  test('what is no token of ours, or none any more, is no error and does nothing', async () => {
    const { one } = await chainOf(world)
    const forge = await openForge(world)
    const past = Math.floor(Date.now() / 1000) - 400
    const nothing = [
      'x.y.z',
      `${one.slice(0, -8)}AAAAAAAA`,
      await forge.sign({ ...decodeJwt(one), iat: past - 300, exp: past }),
      await forge.sign({ ...decodeJwt(one), iss: 'https://evil.example' }),
      await forge.sign(decodeJwt(one), { typ: 'JWT' }),
    ]
    for (const token of nothing) expect(await ours.revoke('assistant', token)).toMatchObject({ status: 200 })
    expect(await statusAt(world.mount('crm'), one)).toBe(200)
    expect(await records()).toEqual([])
  })

  test('each revocation is on record once, with the client and not with the token', async () => {
    const { one } = await chainOf(world)
    await ours.revoke('assistant', one)
    await ours.revoke('assistant', one)
    await expect.poll(records).toEqual([
      expect.objectContaining({
        username: 'alice',
        agent: 'assistant',
        grant: decodeJwt<{ dlg: { gid: string } }>(one).dlg.gid,
        reason: 'by assistant',
      }),
    ])
  })

  async function records(): Promise<readonly AuditLine[]> {
    const { text } = await ask(world.service.socket, 'GET', '/audit?limit=100')
    const { lines } = JSON.parse(text) as { readonly lines: readonly AuditLine[] }
    return lines.filter(({ kind }) => kind === 'token_revoked')
  }
})
