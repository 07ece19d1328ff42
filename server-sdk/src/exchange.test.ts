import { parseClientAssertion } from '@tetrapod/protocol'
import { compactVerify, decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import { generateClientKey, importClientKey } from './client-key.ts'
import type { Client } from './client.ts'
import { ExchangeRefused, ExchangeUnavailable } from './errors.ts'
import { createExchange } from './exchange.ts'
import { granted, testIssuer } from './test-server.ts'
import { START_SECONDS } from './test-token.ts'

const key = await importClientKey(await generateClientKey())
const secret: Client = { id: 'crm', secret: 'hunter2' }

async function exchangeAs(client: Client = secret) {
  const issuer = await testIssuer()
  return { ...issuer, exchange: createExchange(issuer.issuer, client, { clock: issuer.clock }) }
}

test('the token received becomes the headers of a request to the API', async () => {
  const { exchange, forms } = await exchangeAs()
  expect(await exchange('token-2', 'payroll', ['b', 'a'])).toEqual({ authorization: 'Bearer next-1' })
  expect(Object.fromEntries(forms[0] ?? [])).toEqual({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'token-2',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'payroll',
    scope: 'a b',
    client_id: 'crm',
    client_secret: 'hunter2',
  })
})

test('a client with a key proves itself to this issuer alone, for a minute, once', async () => {
  const { exchange, forms, issuer } = await exchangeAs({ id: 'crm', key })
  await exchange('token-2', 'payroll', ['a'])
  await exchange('token-3', 'payroll', ['a'])

  const [first, second] = await Promise.all(
    forms.map(async (form) => {
      const jwt = form.get('client_assertion') ?? ''
      const { payload } = await compactVerify(jwt, key.publicJwk)
      const claims = JSON.parse(Buffer.from(payload).toString()) as unknown
      const { typ, kid } = decodeProtectedHeader(jwt)
      expect(kid).toBe(key.kid)
      return parseClientAssertion(typ, claims, { issuer, clientId: 'crm', now: START_SECONDS })
    }),
  )
  expect(forms[0]?.get('client_assertion_type')).toBe(
    'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  )
  expect(forms[0]?.has('client_secret')).toBe(false)
  expect(first?.expiresAt).toBe(START_SECONDS + 60)
  expect(first?.jti).not.toBe(second?.jti)
})

describe('for an internal API', () => {
  test('the headers carry the transaction token too, and are used for as long as that lives', async () => {
    const { exchange, forms, answers, clock } = await exchangeAs()
    answers.token.body = granted('next-1', { txn_token: 'a.b-_1.c' })
    const headers = { authorization: 'Bearer next-1', 'txn-token': 'a.b-_1.c' }
    expect(await exchange('t', 'payroll', [])).toEqual(headers)
    clock.pass(39)
    expect(await exchange('t', 'payroll', [])).toEqual(headers)
    expect(forms).toHaveLength(1)
    clock.pass(1)
    await exchange('t', 'payroll', [])
    expect(forms).toHaveLength(2)
  })

  test('they are not used for longer than the access token lives', async () => {
    const { exchange, forms, answers, clock } = await exchangeAs()
    answers.token.body = granted('next-1', { txn_token: 'a.b.c', expires_in: 30 })
    await exchange('t', 'payroll', [])
    clock.pass(10)
    await exchange('t', 'payroll', [])
    expect(forms).toHaveLength(2)
  })

  test.each([7, null, '', 'a.b', 'a.b.c\r\nx: y', ['a.b.c']])(
    '%j is no transaction token',
    async (txn_token) => {
      const { exchange, answers } = await exchangeAs()
      answers.token.body = granted('next-1', { txn_token })
      await expect(exchange('t', 'payroll', [])).rejects.toThrow(ExchangeUnavailable)
    },
  )
})

describe('an issued token', () => {
  test('is asked for once by all who want the same, whatever the order of the scopes', async () => {
    const { exchange, forms } = await exchangeAs()
    await Promise.all([exchange('t', 'payroll', ['a', 'b']), exchange('t', 'payroll', ['b', 'a', 'b'])])
    await exchange('t', 'payroll', ['a', 'b'])
    expect(forms).toHaveLength(1)
  })

  test('is never given to another user, for another API or for other scopes', async () => {
    const { exchange, forms, answers } = await exchangeAs()
    const asked: readonly (readonly [string, string, readonly string[]])[] = [
      ['t', 'payroll', ['a']],
      ['T', 'payroll', ['a']],
      ['t', 'hr', ['a']],
      ['t', 'payroll', ['b']],
      ['t', 'payroll', ['a', 'b']],
      ['t', 'payroll', []],
    ]
    for (const [index, [token, api, scopes]] of asked.entries()) {
      answers.token.body = granted(`next-${index}`)
      expect(await exchange(token, api, scopes)).toEqual({ authorization: `Bearer next-${index}` })
    }
    expect(forms).toHaveLength(asked.length)
  })

  test('is used until 20 s before it expires', async () => {
    const { exchange, forms, clock } = await exchangeAs()
    await exchange('t', 'payroll', ['a'])
    clock.pass(279)
    await exchange('t', 'payroll', ['a'])
    expect(forms).toHaveLength(1)
    clock.pass(1)
    await exchange('t', 'payroll', ['a'])
    expect(forms).toHaveLength(2)
  })

  test('is used once when nobody says how long it lives', async () => {
    const { exchange, forms, answers } = await exchangeAs()
    answers.token.body = granted('next-1', { expires_in: undefined })
    await exchange('t', 'payroll', ['a'])
    await exchange('t', 'payroll', ['a'])
    expect(forms).toHaveLength(2)
  })
})

test('what the authorization server refuses, with what it says to do, reaches the caller and is not remembered', async () => {
  const { exchange, answers } = await exchangeAs()
  const said = { error: 'consent_required', error_description: 'The user has to agree.', scope: 'crm.read' }
  answers.token = { status: 400, body: said }
  const refused = await exchange('t', 'payroll', ['a']).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(ExchangeRefused)
  expect(refused).toMatchObject(said)

  answers.token = { status: 200, body: granted('next-1') }
  expect(await exchange('t', 'payroll', ['a'])).toEqual({ authorization: 'Bearer next-1' })
})

describe('a refusal says in words and in members', () => {
  const refusedWith = async (body: object) => {
    const { exchange, answers } = await exchangeAs()
    answers.token = { status: 400, body }
    return exchange('t', 'payroll', ['a']).catch((error: unknown) => error)
  }
  const interaction = { error: 'interaction_required', error_description: 'The user has to open:' }

  test('where the user has to go', async () => {
    const uri = 'https://gw.example/connect/corp'
    expect(await refusedWith({ ...interaction, interaction_uri: uri })).toMatchObject({
      message: `interaction_required: The user has to open: ${uri}`,
      interaction_uri: uri,
    })
  })

  test.each(['javascript:alert(1)', 'http://evil.example/', '/connect/corp', 5])(
    'and leads nowhere that is not https: %s',
    async (interaction_uri) => {
      const refused = await refusedWith({ ...interaction, interaction_uri })
      const message = 'interaction_required: The user has to open:'
      expect(refused).toMatchObject({ message, interaction_uri: undefined })
    },
  )

  test('how the user has to sign in, and how recently', async () => {
    const error = 'insufficient_user_authentication'
    expect(await refusedWith({ error, acr_values: 'phr phrh', max_age: 300 })).toMatchObject({
      acr_values: ['phr', 'phrh'],
      max_age: 300,
    })
    const malformed = { error, acr_values: ['phr'], max_age: '300' }
    expect(await refusedWith(malformed)).toMatchObject({ acr_values: undefined, max_age: undefined })
  })
})

test.each<readonly [string, number, unknown]>([
  ['a server error', 500, { error: 'server_error' }],
  ['a server that is busy', 503, { error: 'temporarily_unavailable' }],
  ['a limit', 429, { error: 'slow_down' }],
  ['a refusal without a code', 400, {}],
  ['no JSON object', 200, 'ok'],
  ['no token', 200, granted('x', { access_token: undefined })],
  ['a token that would end the header', 200, granted('x\r\ncookie: a=b')],
  [
    'a token of another kind',
    200,
    granted('x', { issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }),
  ],
  ['a token that is no bearer token', 200, granted('x', { token_type: 'DPoP' })],
])('%s is no answer: the exchange is unavailable', async (_, status, body) => {
  const { exchange, answers } = await exchangeAs()
  answers.token = { status, body }
  await expect(exchange('t', 'payroll', ['a'])).rejects.toThrow(ExchangeUnavailable)
})

test('the token is not sent to a token endpoint that leaves this machine in the clear', async () => {
  const { exchange, answers, forms } = await exchangeAs()
  answers.metadata = { ...answers.metadata, token_endpoint: 'http://tetrapod.example/token' }
  await expect(exchange('t', 'payroll', ['a'])).rejects.toThrow(ExchangeUnavailable)
  expect(forms).toEqual([])
})
