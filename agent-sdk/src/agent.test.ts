import type { ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAgent } from './agent.ts'
import { generateClientKey, publicJwks } from './client-key.ts'
import { browse, type Differences, json, type StandIn, standIn } from './test/stand-in.ts'

const redirectUri = 'http://127.0.0.1:4003/callback'
const key = await generateClientKey()
const client = { id: 'assistant', key }
let there: StandIn
let now: number
const clock = { now: () => now }
let agent: ReturnType<typeof createAgent>

beforeAll(async () => {
  there = await standIn({ id: client.id, jwks: publicJwks(key) })
})
afterAll(() => there[Symbol.asyncDispose]())
beforeEach(() => {
  there.differ({})
  now = Date.now()
  agent = createAgent({ client, redirectUri, clock })
})

const begun = (differences: Differences) => {
  there.differ(differences)
  return agent.begin(there.mcpUrl)
}
const finished = async (differences: Differences) => {
  const { url, state } = await begun(differences)
  return agent.finish(await browse(url), state)
}
const seenBy = async (differences: Differences) => {
  const from = there.seen.length
  await begun(differences)
  return there.seen.slice(from + 1).map((line) => line.replace('GET /.well-known/', ''))
}
const missing = (_: unknown, response: ServerResponse) => response.writeHead(404).end()
const failing = (callback: (parameters: URLSearchParams) => void) =>
  finished({ callback }).catch((error: unknown) => error)
const query = (url: string) => Object.fromEntries(new URL(url).searchParams)

describe('a login', () => {
  test('leads from nothing but the MCP URL to a token for it', async () => {
    const { url, state } = await agent.begin(there.mcpUrl)
    const login = await agent.finish(await browse(url), state)
    const { resource, issuer } = login
    expect({ resource, issuer }).toEqual({ resource: there.mcpUrl, issuer: there.origin })
    expect([...login.scopes]).toEqual(['crm.read'])
    expect(login.expiresAt).toBe(Math.floor(now / 1000) + 300)
    expect(login.token()).toMatch(/^token-\d+$/)
  })

  test('asks for one resource, with PKCE and state, and says so again when it redeems the code', async () => {
    const { url, state } = await agent.begin(there.mcpUrl, { loginHint: 'ada', prompt: 'consent' })
    expect(query(url)).toEqual({
      response_type: 'code',
      client_id: 'assistant',
      redirect_uri: redirectUri,
      state,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      resource: there.mcpUrl,
      scope: 'crm.read',
      login_hint: 'ada',
      prompt: 'consent',
    })
    await agent.finish(await browse(url), state)
    const form = there.forms.at(-1)
    expect(form?.get('resource')).toBe(there.mcpUrl)
    expect(form?.get('redirect_uri')).toBe(redirectUri)
  })

  test('proves the agent with an assertion for the issuer alone, and sends no secret', async () => {
    await finished({})
    const form = Object.fromEntries(there.forms.at(-1) ?? [])
    const [header, payload] = (form['client_assertion'] ?? '')
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString())
    expect(JSON.parse(header ?? '')).toEqual({ alg: 'ES256', kid: key.kid, typ: 'client-authentication+jwt' })
    expect(JSON.parse(payload ?? '')).toMatchObject({ iss: 'assistant', sub: 'assistant', aud: there.origin })
    expect(form).not.toHaveProperty('client_secret')
  })

  test('that is printed shows no token', async () => {
    const login = await finished({})
    expect(inspect(login, { depth: 9, showHidden: true })).not.toContain(login.token())
    expect(JSON.stringify(login)).not.toContain(login.token())
  })

  test('gives no token once it has expired', async () => {
    const login = await finished({})
    now += 299_000
    expect(login.token()).toBeDefined()
    now += 2000
    expect(login.token()).toBeUndefined()
    expect(await login.authProvider.token()).toBeUndefined()
  })

  test('shows the scopes that were granted, not those that were asked for', async () => {
    const login = await finished({ tokens: { scope: 'crm.peek' } })
    expect([...login.scopes]).toEqual(['crm.peek'])
  })

  test('follows the clock it was handed when it proves itself', async () => {
    now -= 3_600_000
    await expect(finished({})).rejects.toMatchObject({ code: 'token.refused' })
  })
})

describe('the scopes asked for', () => {
  const without = { challenge: 'Bearer' }
  test.each<[string, Differences, readonly string[] | undefined, string | undefined]>([
    ['are the application’s', {}, ['crm.write'], 'crm.write'],
    ['else the challenge’s', {}, undefined, 'crm.read'],
    ['else all that the resource has', without, undefined, 'crm.read crm.write'],
    [
      'else left out',
      { ...without, resourceMetadata: { scopes_supported: undefined } },
      undefined,
      undefined,
    ],
  ])('%s', async (_, differences, scopes, expected) => {
    there.differ(differences)
    const { url } = await agent.begin(there.mcpUrl, scopes === undefined ? {} : { scopes })
    expect(query(url)['scope']).toBe(expected)
  })
})

describe('offline_access is asked for', () => {
  const listed = { scopes_supported: ['crm.read', 'offline_access'] }
  const noRefresh = { ...listed, grant_types_supported: ['authorization_code'] }
  const ofResource = { challenge: 'Bearer', resourceMetadata: { scopes_supported: ['a', 'offline_access'] } }
  const none = { challenge: 'Bearer', resourceMetadata: { scopes_supported: undefined } }
  test.each<[string, Differences, readonly string[] | undefined, string | undefined]>([
    [
      'where the authorization server lists it',
      { serverMetadata: listed },
      undefined,
      'crm.read offline_access',
    ],
    ['beside the scopes of the application', { serverMetadata: listed }, ['x'], 'x offline_access'],
    ['not, where the server gives no refresh tokens', { serverMetadata: noRefresh }, undefined, 'crm.read'],
    ['not, because the resource says so', ofResource, undefined, 'a'],
    ['not, instead of no scope at all', { ...none, serverMetadata: listed }, undefined, undefined],
  ])('%s', async (_, differences, scopes, expected) => {
    there.differ(differences)
    const { url } = await agent.begin(there.mcpUrl, scopes === undefined ? {} : { scopes })
    expect(query(url)['scope']).toBe(expected)
  })
})

describe('metadata is looked for', () => {
  const path = '/.well-known/oauth-protected-resource/crm/mcp'
  test('where the challenge says', async () => {
    const document = { resource: there.mcpUrl, authorization_servers: [there.origin] }
    const paths = {
      '/elsewhere': (_: unknown, response: ServerResponse) => json(response, 200, document),
      [path]: missing,
    }
    const challenge = `Bearer resource_metadata="${there.origin}/elsewhere"`
    expect(await seenBy({ challenge, paths })).toEqual(['GET /elsewhere', 'oauth-authorization-server'])
  })

  test('else at the path of the resource, then at the root', async () => {
    const document = { resource: there.mcpUrl, authorization_servers: [there.origin] }
    const root = (_: unknown, response: ServerResponse) => json(response, 200, document)
    const paths = { [path]: missing, '/.well-known/oauth-protected-resource': root }
    expect(await seenBy({ challenge: '' })).toEqual([
      'oauth-protected-resource/crm/mcp',
      'oauth-authorization-server',
    ])
    expect(await seenBy({ challenge: '', paths })).toEqual([
      'oauth-protected-resource/crm/mcp',
      'oauth-protected-resource',
      'oauth-authorization-server',
    ])
  })

  test('at the root for the whole origin, and then the token is for that', async () => {
    const document = { resource: there.origin, authorization_servers: [there.origin] }
    const root = (_: unknown, response: ServerResponse) => json(response, 200, document)
    const paths = { [path]: missing, '/.well-known/oauth-protected-resource': root }
    const { url, state } = await begun({ challenge: '', paths })
    expect(query(url)['resource']).toBe(there.origin)
    const { mcpUrl, resource } = await agent.finish(await browse(url), state)
    expect({ mcpUrl, resource }).toEqual({ mcpUrl: there.mcpUrl, resource: there.origin })
    expect(there.forms.at(-1)?.get('resource')).toBe(there.origin)
  })

  test.each([
    ['at the path of the resource', ''],
    ['where the challenge says', 'elsewhere'],
  ])('%s, and is not that of the whole origin', async (_, place) => {
    const document = { resource: there.origin, authorization_servers: [there.origin] }
    const wide = (_: unknown, response: ServerResponse) => json(response, 200, document)
    const challenge = place === '' ? '' : `Bearer resource_metadata="${there.origin}/${place}"`
    await expect(begun({ challenge, paths: { [path]: wide, '/elsewhere': wide } })).rejects.toMatchObject({
      code: 'discovery.resource_mismatch',
    })
  })

  test('of an issuer with a path in three places, never at its root', async () => {
    const issuer = `${there.origin}/t1`
    const from = there.seen.length
    const began = begun({ resourceMetadata: { authorization_servers: [issuer] } })
    await expect(began).rejects.toMatchObject({ code: 'discovery.metadata_missing' })
    expect(there.seen.slice(from + 2)).toEqual([
      'GET /.well-known/oauth-authorization-server/t1',
      'GET /.well-known/openid-configuration/t1',
      'GET /t1/.well-known/openid-configuration',
    ])
  })
})

describe('a login is not begun', () => {
  const stranger = 'https://as.evil.example'
  test.each<[string, string, Differences]>([
    [
      'with metadata of another resource',
      'resource_mismatch',
      { resourceMetadata: { resource: 'https://crm/mcp' } },
    ],
    ['with metadata of no resource', 'resource_mismatch', { resourceMetadata: { resource: undefined } }],
    [
      'without an authorization server',
      'issuer_unknown',
      { resourceMetadata: { authorization_servers: [] } },
    ],
    ['when the metadata is another issuer’s', 'issuer_mismatch', { serverMetadata: { issuer: stranger } }],
    ['without PKCE', 'pkce_unsupported', { serverMetadata: { code_challenge_methods_supported: undefined } }],
    [
      'with plain PKCE alone',
      'pkce_unsupported',
      { serverMetadata: { code_challenge_methods_supported: ['plain'] } },
    ],
    ['without a token endpoint', 'metadata_malformed', { serverMetadata: { token_endpoint: undefined } }],
    [
      'with a script to open',
      'url_refused',
      { serverMetadata: { authorization_endpoint: 'javascript:alert(1)' } },
    ],
    [
      'with a token endpoint in the clear',
      'url_refused',
      { serverMetadata: { token_endpoint: 'http://as.example/t' } },
    ],
    [
      'with an issuer in the clear',
      'url_refused',
      { resourceMetadata: { authorization_servers: ['http://as.example'] } },
    ],
    [
      'with metadata in the clear',
      'url_refused',
      { challenge: 'Bearer resource_metadata="http://h.example/x"' },
    ],
    ['with malformed scopes', 'metadata_malformed', { challenge: 'Bearer scope="a  b"' }],
  ])('%s', async (_, code, differences) => {
    await expect(begun(differences)).rejects.toMatchObject({ code: `discovery.${code}` })
  })

  test('with an issuer that is equal only after normalisation', async () => {
    const serverMetadata = { issuer: `${there.origin}/` }
    await expect(begun({ serverMetadata })).rejects.toMatchObject({ code: 'discovery.issuer_mismatch' })
  })

  test('when the metadata redirects: where to was never checked', async () => {
    const paths = {
      '/.well-known/oauth-authorization-server': (_: unknown, response: ServerResponse) =>
        response.writeHead(302, { location: '/trap' }).end(),
    }
    await expect(begun({ paths })).rejects.toMatchObject({ code: 'discovery.metadata_missing' })
    expect(there.seen).not.toContain('GET /trap')
  })

  test('at a server on the internet that points at this machine', async () => {
    const calls: string[] = []
    const remote: typeof fetch = async (input) => {
      calls.push(input instanceof Request ? input.url : input.toString())
      const challenge = `Bearer resource_metadata="${there.origin}/.well-known/oauth-protected-resource/crm/mcp"`
      return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })
    }
    const began = createAgent({ client, redirectUri, fetch: remote }).begin('https://mcp.example/crm/mcp')
    await expect(began).rejects.toMatchObject({ code: 'discovery.url_refused' })
    expect(calls).toEqual(['https://mcp.example/crm/mcp'])
  })

  test('where the agent is not registered', async () => {
    const elsewhere = createAgent({ client: { ...client, issuer: 'https://as.example' }, redirectUri })
    await expect(elsewhere.begin(there.mcpUrl)).rejects.toMatchObject({ code: 'discovery.issuer_unknown' })
    const here = createAgent({ client: { ...client, issuer: there.origin }, redirectUri })
    there.differ({ resourceMetadata: { authorization_servers: ['https://as.example', there.origin] } })
    await expect(here.begin(there.mcpUrl)).resolves.toBeDefined()
  })

  test('at an open server, which is told apart by not asking', async () => {
    const began = begun({ paths: { '/crm/mcp': (_, response) => response.writeHead(200).end() } })
    await expect(began).rejects.toMatchObject({ code: 'discovery.not_protected' })
  })
})

describe('a callback is refused', () => {
  const stranger = 'https://as.evil.example'
  test.each<[string, string, (parameters: URLSearchParams) => void]>([
    ['from another authorization server (mix-up)', 'issuer_mismatch', (it) => it.set('iss', stranger)],
    [
      'from an issuer equal only after normalisation',
      'issuer_mismatch',
      (it) => it.set('iss', `${it.get('iss')}/`),
    ],
    ['without the issuer that was promised', 'issuer_missing', (it) => it.delete('iss')],
    ['with an empty issuer', 'issuer_mismatch', (it) => it.set('iss', '')],
    ['with two issuers', 'malformed', (it) => it.append('iss', stranger)],
    ['with two codes', 'malformed', (it) => it.append('code', 'x')],
    ['without a code', 'malformed', (it) => it.delete('code')],
    ['with a foreign state', 'state_unknown', (it) => it.set('state', 'x')],
    ['without a state', 'state_unknown', (it) => it.delete('state')],
  ])('%s, and nothing is redeemed', async (_, code, callback) => {
    const redeemed = there.forms.length
    await expect(finished({ callback })).rejects.toMatchObject({ code: `callback.${code}` })
    expect(there.forms.length).toBe(redeemed)
  })

  const unannounced = { serverMetadata: { authorization_response_iss_parameter_supported: undefined } }

  test('from another issuer also where none was promised', async () => {
    const finish = finished({ ...unannounced, callback: (it) => it.set('iss', stranger) })
    await expect(finish).rejects.toMatchObject({
      code: 'callback.issuer_mismatch',
    })
  })

  test('not, when no issuer was promised and none came', async () => {
    const finish = finished({ ...unannounced, callback: (it) => it.delete('iss') })
    await expect(finish).resolves.toBeDefined()
  })

  test('the second time', async () => {
    const { url, state } = await agent.begin(there.mcpUrl)
    const callbackUrl = await browse(url)
    await agent.finish(callbackUrl, state)
    const redeemed = there.forms.length
    await expect(agent.finish(callbackUrl, state)).rejects.toMatchObject({ code: 'callback.state_unknown' })
    expect(there.forms.length).toBe(redeemed)
  })

  test('also the second time when the first was the attacker’s', async () => {
    const { url, state } = await agent.begin(there.mcpUrl)
    const callbackUrl = await browse(url)
    const forged = callbackUrl.replace(/iss=[^&]*/, `iss=${encodeURIComponent(stranger)}`)
    await expect(agent.finish(forged, state)).rejects.toMatchObject({ code: 'callback.issuer_mismatch' })
    await expect(agent.finish(callbackUrl, state)).rejects.toMatchObject({ code: 'callback.state_unknown' })
  })

  test('after ten minutes', async () => {
    const { url, state } = await agent.begin(there.mcpUrl)
    const callbackUrl = await browse(url)
    now += 600_000
    await expect(agent.finish(callbackUrl, state)).rejects.toMatchObject({ code: 'callback.state_unknown' })
  })

  test('in the browser of another user, whose own login goes on', async () => {
    const mallory = await agent.begin(there.mcpUrl)
    const ada = await agent.begin(there.mcpUrl)
    const slipped = agent.finish(await browse(mallory.url), ada.state)
    await expect(slipped).rejects.toMatchObject({ code: 'callback.state_unknown' })
    await expect(agent.finish(await browse(ada.url), ada.state)).resolves.toBeDefined()
  })

  test('by an application that kept no state, which could be any user’s login', async () => {
    const { url } = await agent.begin(there.mcpUrl)
    // @ts-expect-error The types ask for the state; JavaScript may forget it all the same.
    const finished: Promise<unknown> = agent.finish(await browse(url))
    await expect(finished).rejects.toMatchObject({ code: 'callback.state_unknown' })
  })

  test('when it is no URL', async () => {
    await expect(agent.finish('nonsense', 'state')).rejects.toMatchObject({ code: 'callback.malformed' })
  })

  test('with the user’s no, and their words are not repeated', async () => {
    const failure = await failing((it) => {
      it.delete('code')
      it.set('error', 'access_denied')
      it.set('error_description', 'call +1 555 now')
    })
    expect(failure).toMatchObject({ code: 'callback.denied' })
    expect(String(failure)).not.toContain('555')
  })

  test('as another server’s error is not taken for ours, nor shown', async () => {
    const failure = await failing((it) => {
      it.set('iss', stranger)
      it.set('error', 'call_me_now')
    })
    expect(failure).toMatchObject({ code: 'callback.issuer_mismatch' })
    expect(String(failure)).not.toContain('call_me_now')
  })

  test('with an error that is no error code, which is not shown', async () => {
    const failure = await failing((it) => it.set('error', 'invalid scope\u001b[2J'))
    expect(failure).toMatchObject({ code: 'callback.refused' })
    expect(String(failure)).not.toContain('\u001b')
  })
})

describe('a token response is refused', () => {
  test.each<[string, NonNullable<Differences['tokens']>]>([
    ['of another token type', { token_type: 'DPoP' }],
    ['without a token type', { token_type: undefined }],
    ['without a token', { access_token: undefined }],
    ['with a token that breaks out of its header', { access_token: 'a\r\nx: y' }],
    ['with malformed scopes', { scope: 'a  b' }],
    ['with a scope that is no text', { scope: ['a'] }],
    ['with a lifetime that is no number', { expires_in: 'soon' }],
  ])('%s', async (_, tokens) => {
    await expect(finished({ tokens })).rejects.toMatchObject({ code: 'token.malformed' })
  })

  test('without repeating the token in the error', async () => {
    const failure = await finished({ tokens: { token_type: 'mac', access_token: 'sesame' } }).catch(
      (error: unknown) => error,
    )
    expect(inspect(failure, { depth: 9 })).not.toContain('sesame')
  })

  test('when the server says no, in its words', async () => {
    const paths: Differences['paths'] = {
      '/token': (_, response) =>
        json(response, 400, { error: 'invalid_grant', error_description: 'no\u001b' }),
    }
    await expect(finished({ paths })).rejects.toMatchObject({
      code: 'token.refused',
      message: expect.stringContaining('invalid_grant: no?'),
    })
  })

  test('when the server does not know the agent', async () => {
    const paths: Differences['paths'] = {
      '/token': (_, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="as"' }).end(),
    }
    await expect(finished({ paths })).rejects.toMatchObject({ code: 'token.refused' })
  })

  test('when it is a redirect: the code and the proof go nowhere else', async () => {
    const paths: Differences['paths'] = {
      '/token': (_, response) => response.writeHead(307, { location: '/trap' }).end(),
    }
    await expect(finished({ paths })).rejects.toMatchObject({ code: 'token.malformed' })
    expect(there.seen).not.toContain('POST /trap')
  })
})

test.each([
  'http://agent.example/callback',
  'http://agent.localhost/callback',
  'javascript:alert(1)',
  'app:/callback',
  '/callback',
])('an agent cannot be made with the redirect URI %s', (redirectUri) => {
  expect(() => createAgent({ client, redirectUri })).toThrow(
    expect.objectContaining({ code: 'agent.redirect_refused' }),
  )
})
