import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AgentOptions, createAgent } from './agent.ts'
import { generateClientKey, publicJwks } from './client-key.ts'
import { metadataDocument } from './client-metadata.ts'
import type { RegisteredClient } from './identify.ts'
import { JourneyFailed } from './journey-failed.ts'
import { agreeable, openServer, type OpenServer } from './test/open-server.ts'
import { memoryStore } from './token-store.ts'

const key = await generateClientKey()
const anotherKey = await generateClientKey()
const redirectUri = 'http://127.0.0.1/callback'
let there: OpenServer
beforeEach(async () => {
  there = await openServer()
})
afterEach(() => there[Symbol.asyncDispose]())

const agentWith = (options: Partial<AgentOptions> = {}) =>
  createAgent({ redirectUri, name: 'Test agent', open: agreeable, ...options })
const offering = (...methods: readonly string[]) => {
  there.manners.metadata = { token_endpoint_auth_methods_supported: methods }
}

describe('an agent that nobody registered', () => {
  test('registers itself with its own key, and gets from a URL to a token', async () => {
    const login = await agentWith({ key }).login(there.mcpUrl)
    expect(login.token()).toMatch(/^access-/)
    expect(there.registrations).toEqual([
      {
        client_name: 'Test agent',
        redirect_uris: [redirectUri],
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: publicJwks(key),
      },
    ])
    expect(JSON.stringify(there.registrations)).not.toContain(key.d)
  })

  test.each([
    ['private_key_jwt', { key }, ['client_secret_basic', 'none', 'private_key_jwt']],
    ['none', {}, ['client_secret_basic', 'none', 'private_key_jwt']],
    ['none', { key }, ['none', 'client_secret_post']],
    ['client_secret_basic', { key }, ['client_secret_post', 'client_secret_basic']],
    ['client_secret_post', {}, ['client_secret_post']],
  ])('proves itself by %s where that is the best of what both can', async (method, options, offered) => {
    offering(...offered)
    await expect(agentWith(options).login(there.mcpUrl)).resolves.toBeDefined()
    expect(there.registrations.map((it) => it['token_endpoint_auth_method'])).toEqual([method])
    const credential = there.credentials.at(-1)
    if (method === 'client_secret_basic') expect(credential).toMatch(/^Basic /)
    else expect(credential).toBeUndefined()
  })

  test('takes a server that names no method for one of client_secret_basic', async () => {
    there.manners.metadata = { token_endpoint_auth_methods_supported: undefined }
    await agentWith().login(there.mcpUrl)
    expect(there.registrations[0]).toMatchObject({ token_endpoint_auth_method: 'client_secret_basic' })
  })

  test('goes by the method that the server registered, when it is another', async () => {
    offering('none', 'client_secret_post')
    there.manners.registration = {
      token_endpoint_auth_method: 'client_secret_post',
      client_secret: 'given',
    }
    await agentWith().login(there.mcpUrl)
    expect(there.forms.at(-1)?.get('client_secret')).toBe('given')
  })

  test('is web where its redirect URI is', async () => {
    await agentWith({ redirectUri: 'https://agent.example/callback' }).begin(there.mcpUrl)
    expect(there.registrations[0]).toMatchObject({ application_type: 'web' })
  })

  test('asks for no refresh tokens where there are none', async () => {
    there.manners.metadata = { grant_types_supported: ['authorization_code'] }
    await agentWith().begin(there.mcpUrl)
    expect(there.registrations[0]).toMatchObject({ grant_types: ['authorization_code'] })
  })

  test('registers once, and a later start finds it in the store', async () => {
    const store = memoryStore()
    const first = agentWith({ key, store })
    await Promise.all([first.login(there.mcpUrl), first.login(there.mcpUrl)])
    await agentWith({ key, store }).login(there.mcpUrl, { prompt: 'login' })
    expect(there.registrations).toHaveLength(1)
  })

  test.each([
    ['another key', { key: anotherKey }],
    ['no key', {}],
    ['another redirect URI', { key, redirectUri: 'http://localhost/other' }],
  ])('registers anew with %s: the old registration is not its own', async (_, options) => {
    const store = memoryStore()
    await agentWith({ key, store }).login(there.mcpUrl)
    await agentWith({ ...options, store }).login(there.mcpUrl, { prompt: 'login' })
    expect(there.registrations).toHaveLength(2)
  })

  test('registers anew when its secret has expired', async () => {
    offering('client_secret_post')
    const store = memoryStore()
    let now = Date.now()
    const options = { store, clock: { now: () => now } }
    there.manners.registration = { client_secret_expires_at: Math.floor(now / 1000) + 60 }
    await agentWith(options).login(there.mcpUrl)
    await agentWith(options).login(there.mcpUrl, { prompt: 'login' })
    expect(there.registrations).toHaveLength(1)
    now += 61_000
    await agentWith(options).login(there.mcpUrl, { prompt: 'login' })
    expect(there.registrations).toHaveLength(2)
  })

  test('registers anew once the server has forgotten it', async () => {
    const agent = agentWith({ key })
    await agent.login(there.mcpUrl)
    there.forgetClients()
    const abandoned = agent.login(there.mcpUrl, { prompt: 'login', signal: AbortSignal.timeout(300) })
    await expect(abandoned).rejects.toMatchObject({ code: 'callback.abandoned' })
    await expect(agent.login(there.mcpUrl, { prompt: 'login' })).resolves.toBeDefined()
    expect(there.registrations).toHaveLength(2)
  })
})

describe('a registration that is refused', () => {
  test('is tried once more, with less', async () => {
    there.manners.refuseRegistration = (body) =>
      body['jwks'] === undefined ? undefined : 'invalid_client_metadata'
    await expect(agentWith({ key }).login(there.mcpUrl)).resolves.toBeDefined()
    expect(there.registrations).toHaveLength(2)
    expect(there.registrations[1]).toEqual({
      client_name: 'Test agent',
      redirect_uris: [redirectUri],
      application_type: 'native',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    })
  })

  test('for its redirect URI is tried once more as the other kind of application', async () => {
    there.manners.refuseRegistration = (body) =>
      body['application_type'] === 'native' ? 'invalid_redirect_uri' : undefined
    await agentWith({ key }).login(there.mcpUrl)
    expect(there.registrations.map((it) => it['application_type'])).toEqual(['native', 'web'])
  })

  test('twice says why, and what to do', async () => {
    there.manners.refuseRegistration = () => 'invalid_client_metadata'
    const failure: unknown = await agentWith({ key })
      .login(there.mcpUrl)
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'registration.refused' })
    expect(String(failure)).toContain('invalid_client_metadata: no? invalid_client_metadata')
    expect(String(failure)).toContain('Register it there by hand')
    expect(there.registrations).toHaveLength(2)
  })

  test.each([
    ['without an id', { client_id: undefined }],
    ['without a secret it then asks for', { token_endpoint_auth_method: 'client_secret_post' }],
    ['for a method nobody spoke of', { token_endpoint_auth_method: 'tls_client_auth' }],
    ['for a key it was not told', { token_endpoint_auth_method: 'private_key_jwt' }],
  ])('in fact, %s, is no registration', async (_, registration) => {
    there.manners.registration = registration
    await expect(agentWith().login(there.mcpUrl)).rejects.toMatchObject({ code: 'registration.malformed' })
  })
})

test('a server that was not told the agent’s key cannot have registered it', async () => {
  offering('none')
  there.manners.registration = { token_endpoint_auth_method: 'private_key_jwt' }
  await expect(agentWith({ key }).login(there.mcpUrl)).rejects.toMatchObject({
    code: 'registration.malformed',
  })
})

describe('who the agent is', () => {
  const document = 'https://agent.example/agent.json'
  const reads = (...methods: readonly string[]) => {
    there.manners.metadata = {
      client_id_metadata_document_supported: true,
      token_endpoint_auth_methods_supported: methods,
    }
  }
  const idOf = async (options: Partial<AgentOptions>) => {
    const { url } = await agentWith(options).begin(there.mcpUrl)
    return new URL(url).searchParams.get('client_id')
  }
  const client = { id: 'known', key } as const

  test('is first of all how it was registered', async () => {
    reads('none', 'private_key_jwt')
    expect(await idOf({ client, metadataDocument: document })).toBe('known')
    expect(there.registrations).toEqual([])
  })

  test('is else its metadata document, where the server reads them', async () => {
    reads('none')
    expect(await idOf({ metadataDocument: document })).toBe(document)
    reads('private_key_jwt')
    expect(await idOf({ metadataDocument: document, key })).toBe(document)
    expect(there.registrations).toEqual([])
  })

  test.each([
    ['the server reads none', () => offering('none', 'private_key_jwt'), {}],
    ['it is proved in a way the server does not offer', () => reads('none'), { key }],
  ])('is else what it registers itself as: %s', async (_, arrange, options) => {
    arrange()
    expect(await idOf({ metadataDocument: document, ...options })).toMatch(/^client-/)
  })

  test('is else nobody, and the error says what to do', async () => {
    there.manners.metadata = { registration_endpoint: undefined }
    const failure: unknown = await idOf({}).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'client.unidentified' })
    expect(String(failure)).toContain('Register the agent there by hand and give its client id')
  })

  test('cannot be proved where the server offers no way it is able to', async () => {
    offering('tls_client_auth')
    await expect(idOf({ key })).rejects.toMatchObject({ code: 'client.method_unsupported' })
  })

  test('is told in a document that an application can publish', () => {
    const agent = { name: 'Test agent', redirectUri, key }
    expect(metadataDocument(document, agent)).toMatchObject({
      client_id: document,
      client_name: 'Test agent',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: publicJwks(key),
    })
    expect(metadataDocument(document, { ...agent, key: undefined })).not.toHaveProperty('jwks')
  })

  test.each([
    'http://agent.example/agent.json',
    'https://agent.example',
    'https://agent.example/a#b',
    'agent.json',
  ])('cannot be told at %s', (metadataDocument) => {
    expect(() => agentWith({ metadataDocument })).toThrow(JourneyFailed)
  })

  test('is not shown with a secret to whatever server an MCP server names', async () => {
    // @ts-expect-error The types ask for the issuer; JavaScript may forget it all the same.
    const client: RegisteredClient = { id: 'known', secret: 'hush' }
    expect(() => agentWith({ client })).toThrow(expect.objectContaining({ code: 'agent.issuer_missing' }))
    const elsewhere = agentWith({ client: { id: 'known', secret: 'hush', issuer: 'https://as.example' } })
    await expect(elsewhere.begin(there.mcpUrl)).rejects.toMatchObject({ code: 'discovery.issuer_unknown' })
  })

  test('with a secret is proved as the server offers', async () => {
    for (const method of ['client_secret_basic', 'client_secret_post'] as const) {
      const id = 'agent one-and_only'
      await using own = await openServer([
        { client_id: id, client_secret: 'a b', token_endpoint_auth_method: method },
      ])
      own.manners.metadata = { token_endpoint_auth_methods_supported: [method] }
      const client = { id, secret: 'a b', issuer: own.origin }
      await agentWith({ client, open: agreeable })
        .login(own.mcpUrl)
        .catch(() => undefined)
      const sent = own.credentials.at(-1)?.replace('Basic ', '') ?? ''
      const basic = Buffer.from(sent, 'base64').toString()
      expect([basic, own.forms.at(-1)?.get('client_secret')]).toEqual(
        method === 'client_secret_basic' ? ['agent+one-and_only:a+b', null] : ['', 'a b'],
      )
    }
  })
})
