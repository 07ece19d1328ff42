import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  ASSERTION_TYPE,
  byHand,
  createPerson,
  EXCHANGE,
  type Form,
  officialClient,
  type Person,
  type Signer,
  signAssertion,
} from '../support/by-hand.ts'
import { NOTES_SECRET, openWorld, type World } from '../support/world.ts'

let world: World
let hand: ReturnType<typeof byHand>
let alice: Person
let otherKey: JWK
/** Token 2 of a call: what crm, and notes, may exchange. */
let tokens: Readonly<Record<'crm' | 'notes', string>>

const withSecretAgent = (text: string) =>
  text.replace('agents:', 'agents:\n  other:\n    redirect_uris: [REDIRECT]\n    secret: env:NOTES_SECRET')

beforeAll(async () => {
  world = await openWorld({
    amend: (text) =>
      withSecretAgent(text).replace('REDIRECT', /redirect_uris: \[(http.*)\]/.exec(text)?.[1] ?? ''),
  })
  hand = byHand(world)
  alice = createPerson(world.publicUrl)
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  otherKey = { ...(await exportJWK(privateKey)), kid: world.agentKey.kid }
  tokens = { crm: await tokenTwo('crm'), notes: await tokenTwo('notes') }
})
afterAll(() => world.close())

async function tokenTwo(server: 'crm' | 'notes'): Promise<string> {
  const login = await world.signIn('alice', { server })
  const client = await officialClient(world.mount(server), login.token() ?? '')
  const call = { crm: ['my_commission', {}], notes: ['echo', { text: 'x' }] } as const
  await client.callTool({ name: call[server][0], arguments: call[server][1] })
  await client.close()
  return world.lastToken(server)
}

/** The two ways that a client is authenticated: by the library, and by us in front of it. */
const endpoints = {
  'the redemption of a code': {
    id: 'assistant',
    key: (): Signer => world.agentKey,
    request: async (): Promise<Form> => ({
      grant_type: 'authorization_code',
      code: await hand.codeOf(alice),
      redirect_uri: world.urls.agent,
      code_verifier: 'a-verifier-of-forty-three-characters-or-more',
      resource: world.mount('crm'),
    }),
  },
  'the exchange': {
    id: 'crm',
    key: (): Signer => world.crmKey,
    request: async (): Promise<Form> => exchangeOf(tokens.crm),
  },
}

function exchangeOf(subject_token: string): Form {
  return {
    grant_type: EXCHANGE,
    subject_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'payroll',
  }
}

const now = () => Math.floor(Date.now() / 1000)

interface Lie {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly form?: Form
  /** Changes the signed assertion. */
  readonly bend?: (assertion: string) => string
  readonly key?: () => Signer
}

const unsigned = (assertion: string) => {
  const [, payload = ''] = assertion.split('.')
  return `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`
}

const lies: readonly (readonly [string, (id: string) => Lie])[] = [
  ['the token endpoint as its audience', () => ({ claims: { aud: `${world.publicUrl}/token` } })],
  ['the issuer with a slash as its audience', () => ({ claims: { aud: `${world.publicUrl}/` } })],
  ['a second audience', () => ({ claims: { aud: [world.publicUrl, 'https://evil.example'] } })],
  ['the issuer twice as its audience', () => ({ claims: { aud: [world.publicUrl, world.publicUrl] } })],
  ['another issuer as its audience', () => ({ claims: { aud: 'https://evil.example' } })],
  ['no audience', () => ({ claims: { aud: undefined } })],
  ['more than five minutes to live', () => ({ claims: { exp: now() + 400 } })],
  ['no expiry', () => ({ claims: { exp: undefined } })],
  ['an expiry that has passed', () => ({ claims: { iat: now() - 400, exp: now() - 200 } })],
  ['a start that is to come', () => ({ claims: { nbf: now() + 200, exp: now() + 250 } })],
  ['no id', () => ({ claims: { jti: undefined } })],
  ['another issuer than the client', () => ({ claims: { iss: 'somebody' } })],
  ['another subject than the client', () => ({ claims: { sub: 'somebody' } })],
  ['the type of an access token', () => ({ header: { typ: 'at+jwt' } })],
  ['a key that is not the client’s', () => ({ key: () => otherKey })],
  ['no signature', () => ({ bend: unsigned })],
  ['a changed signature', () => ({ bend: (it) => `${it.slice(0, -8)}AAAAAAAA` })],
  ['an assertion type of another kind', () => ({ form: { client_assertion_type: 'urn:x' } })],
  ['another client_id beside it', () => ({ form: { client_id: 'notes' } })],
  ['a secret beside it', (id) => ({ form: { client_id: id, client_secret: NOTES_SECRET } })],
]

describe.each(Object.entries(endpoints))('client authentication at %s', (_, { id, key, request }) => {
  const asked = async (lie: Lie = {}, form: Form = {}): Promise<Answer> => {
    const { claims = {}, header = {}, bend = (it: string) => it } = lie
    const signed = await signAssertion({
      issuer: world.publicUrl,
      id,
      key: (lie.key ?? key)(),
      claims,
      header,
    })
    return hand.token({
      ...(await request()),
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: bend(signed),
      ...form,
      ...lie.form,
    })
  }

  test.each<[string, () => Lie]>([
    ['the type of its kind', () => ({})],
    ['the audience in a list', () => ({ claims: { aud: [world.publicUrl] } })],
    ['the plain type', () => ({ header: { typ: 'JWT' } })],
    ['no type', () => ({ header: { typ: undefined } })],
    ['its client_id beside it', () => ({ form: { client_id: id } })],
  ])('an honest assertion with %s is accepted', async (__, of) => {
    const { status, body } = await asked(of())
    expect([status, body['error_description']]).toEqual([200, undefined])
  })

  test.each(lies)('an assertion with %s is refused', async (__, lie) => {
    const { status, body } = await asked(lie(id))
    expect([400, 401]).toContain(status)
    expect(['invalid_client', 'invalid_request']).toContain(body['error'])
    expect(body).not.toHaveProperty('access_token')
  })

  test('the published key taken for a shared secret (HS256) is refused', async () => {
    const forged = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(world.publicUrl)
      .setJti(randomUUID())
      .setExpirationTime('1m')
      .sign(await publishedKey(id))
    const { body } = await asked({ bend: () => forged })
    expect(body['error']).toBe('invalid_client')
  })

  test('an assertion is accepted once, of twenty at the same time too', async () => {
    const jti = randomUUID()
    const answers = await Promise.all(Array.from({ length: 20 }, () => asked({ claims: { jti } })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body['error'] === 'invalid_client')).toHaveLength(19)
  })

  test('a refusal says what to send, and not which part was wrong', async () => {
    const { status, body } = await asked({ key: () => otherKey })
    expect(status).toBe(401)
    expect(Object.keys(body).toSorted()).toEqual(['error', 'error_description'])
    expect(JSON.stringify(body)).not.toMatch(/signature|kid|jwks/i)
  })
})

/** What anybody can read: the key set of a client, as bytes. */
async function publishedKey(client: string): Promise<Uint8Array> {
  const url = new URL(
    client === 'crm' ? '/.well-known/jwks.json' : '/jwks',
    client === 'crm' ? world.urls.crm : world.urls.agent,
  )
  return new TextEncoder().encode(await (await fetch(url)).text())
}

describe('one replay store for both', () => {
  const exchange = async (client_assertion: string) =>
    hand.token({ ...exchangeOf(tokens.crm), client_assertion_type: ASSERTION_TYPE, client_assertion })
  const redeem = async (client_assertion: string) =>
    hand.redeem(await hand.codeOf(alice), { client_assertion })

  test('an assertion that redeemed a code is used up at the exchange', async () => {
    const assertion = await hand.assertion()
    expect((await redeem(assertion)).status).toBe(200)
    expect((await exchange(assertion)).body['error']).toBe('invalid_client')
    // A fresh one gets further: it is not the agent that the endpoint refused.
    expect((await exchange(await hand.assertion())).body['error']).toBe('unauthorized_client')
  })

  test('an assertion that was sent to the exchange is used up for codes', async () => {
    const assertion = await hand.assertion()
    expect((await exchange(assertion)).body['error']).toBe('unauthorized_client')
    expect((await redeem(assertion)).body['error']).toBe('invalid_client')
  })

  test('a restart forgets none of them', async () => {
    const assertion = await hand.assertion()
    expect((await redeem(assertion)).status).toBe(200)
    await world.restart()
    expect((await redeem(assertion)).body['error']).toBe('invalid_client')
  })
})

describe('client secrets', () => {
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  })
  const codeOfOther = () => hand.codeOf(alice, { client_id: 'other' })
  const asOther = { client_assertion: undefined, client_assertion_type: undefined }

  test('the exchange takes one in the form or in the header', async () => {
    const post = { client_id: 'notes', client_secret: NOTES_SECRET }
    expect((await hand.token({ ...exchangeOf(tokens.notes), ...post })).status).toBe(200)
    expect((await hand.token(exchangeOf(tokens.notes), basic('notes', NOTES_SECRET))).status).toBe(200)
  })

  test('the redemption of a code takes one in the form or in the header', async () => {
    const post = { ...asOther, client_id: 'other', client_secret: NOTES_SECRET }
    expect((await hand.redeem(await codeOfOther(), post)).status).toBe(200)
    const inHeader = await hand.redeem(await codeOfOther(), asOther, basic('other', NOTES_SECRET))
    expect(inHeader.status).toBe(200)
  })

  test.each([
    ['a wrong one', 'wrong'],
    ['an empty one', ''],
    ['its beginning', NOTES_SECRET.slice(0, -1)],
  ])('%s is refused by both', async (_, client_secret) => {
    const exchanged = await hand.token({ ...exchangeOf(tokens.notes), client_id: 'notes', client_secret })
    const redeemed = await hand.redeem(await codeOfOther(), { ...asOther, client_id: 'other', client_secret })
    for (const { body } of [exchanged, redeemed]) {
      expect(['invalid_client', 'invalid_request']).toContain(body['error'])
      expect(body).not.toHaveProperty('access_token')
    }
  })

  test('a client with a key cannot use one, nor can a client with a secret use a key', async () => {
    const secret = { client_id: 'crm', client_secret: NOTES_SECRET }
    expect((await hand.token({ ...exchangeOf(tokens.crm), ...secret })).body['error']).toBe('invalid_client')
    const proof = await hand.proof({ id: 'notes' })
    expect((await hand.token({ ...exchangeOf(tokens.notes), ...proof })).body['error']).toBe('invalid_client')
  })

  test('both ways at once are refused by both', async () => {
    const post = { client_id: 'notes', client_secret: NOTES_SECRET }
    const exchanged = await hand.token({ ...exchangeOf(tokens.notes), ...post }, basic('notes', NOTES_SECRET))
    expect(exchanged.body['error']).toBe('invalid_client')
    const form = { ...asOther, client_id: 'other', client_secret: NOTES_SECRET }
    const redeemed = await hand.redeem(await codeOfOther(), form, basic('other', NOTES_SECRET))
    expect(redeemed.body).not.toHaveProperty('access_token')
  })

  test.each([
    'Basic !!!',
    'Basic bm9jb2xvbg==',
    'Bearer x',
    `Basic ${Buffer.from('notes:%zz').toString('base64')}`,
  ])('the header %o is a refusal, not a failure', async (authorization) => {
    const { status } = await hand.token(exchangeOf(tokens.notes), { authorization })
    expect(status).toBe(401)
  })
})
