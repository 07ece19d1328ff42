import { decodeJwt, decodeProtectedHeader } from 'jose'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, type Person, toolsFor, VERIFIER } from '../support/by-hand.ts'
import { byOther, openWorld, twoAgents, type World } from '../support/world.ts'

describe('the authorization server', () => {
  let world: World
  let hand: ReturnType<typeof byHand>
  /** Alice, signed in, who has agreed once: codes come without a page from then on. */
  let alice: Person
  beforeAll(async () => {
    world = await openWorld({ amend: twoAgents })
    hand = byHand(world)
    alice = createPerson(world.publicUrl)
    await hand.codeOf(alice)
  })
  afterAll(() => world.close())

  describe('discovery', () => {
    const documents = ['oauth-authorization-server', 'openid-configuration']
    const read = async (document: string, headers: Record<string, string> = {}) =>
      fetch(`${world.publicUrl}/.well-known/${document}`, { headers })

    test('both documents are the same, and every member is pinned', async () => {
      const [one, two] = await Promise.all(
        documents.map(async (it): Promise<unknown> => (await read(it)).json()),
      )
      expect(one).toEqual(two)
      const { publicUrl } = world
      expect(one).toEqual({
        issuer: publicUrl,
        authorization_endpoint: `${publicUrl}/authorize`,
        token_endpoint: `${publicUrl}/token`,
        pushed_authorization_request_endpoint: `${publicUrl}/par`,
        jwks_uri: `${publicUrl}/jwks`,
        protected_resources: [world.mount('crm'), world.mount('notes')],
        scopes_supported: ['openid'],
        client_id_metadata_document_supported: true,
        response_types_supported: ['code'],
        response_modes_supported: ['query'],
        grant_types_supported: [
          'authorization_code',
          'refresh_token',
          'urn:ietf:params:oauth:grant-type:token-exchange',
        ],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: [
          'none',
          'private_key_jwt',
          'client_secret_basic',
          'client_secret_post',
        ],
        token_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256'],
        authorization_response_iss_parameter_supported: true,
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        request_uri_parameter_supported: false,
        introspection_endpoint: `${publicUrl}/introspect`,
        introspection_endpoint_auth_methods_supported: [
          'private_key_jwt',
          'client_secret_basic',
          'client_secret_post',
        ],
        introspection_endpoint_auth_signing_alg_values_supported: ['ES256'],
        revocation_endpoint: `${publicUrl}/revoke`,
        revocation_endpoint_auth_methods_supported: [
          'private_key_jwt',
          'client_secret_basic',
          'client_secret_post',
        ],
        revocation_endpoint_auth_signing_alg_values_supported: ['ES256'],
      })
    })

    test.each(documents)('%s may be cached and read by any page', async (document) => {
      const { headers } = await read(document)
      expect(headers.get('cache-control')).toBe('public, max-age=300')
      expect(headers.get('access-control-allow-origin')).toBe('*')
    })

    test('no forwarded header changes an address in it', async () => {
      const lies = {
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        'x-forwarded-for': '1.2.3.4',
        forwarded: 'host=evil.example;proto=https',
      }
      const [lied, told] = await Promise.all(
        [lies, {}].map(async (it) => (await read(documents[0] ?? '', it)).text()),
      )
      expect(lied).toBe(told)
    })

    test('another Host gets nothing', async () => {
      const status = await new Promise((resolve, reject) => {
        const url = `${world.publicUrl}/.well-known/oauth-authorization-server`
        httpRequest(url, { headers: { host: 'evil.example' } }, ({ statusCode }) => resolve(statusCode))
          .once('error', reject)
          .end()
      })
      expect(status).toBe(403)
    })

    test('the published keys are public keys alone', async () => {
      const { keys } = (await (await fetch(`${world.publicUrl}/jwks`)).json()) as { keys: object[] }
      expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([
        ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
      ])
    })

    test.each([
      '/reg',
      '/register',
      '/me',
      '/userinfo',
      '/token/introspection',
      '/token/revocation',
      '/request',
      '/session/end',
      '/device/auth',
      '/backchannel',
    ])('%s does not exist', async (path) => {
      for (const method of ['GET', 'POST']) {
        expect((await fetch(`${world.publicUrl}${path}`, { method })).status).toBe(404)
      }
    })
  })

  describe('an authorization request is answered at the redirect URI with iss and state, and refused:', () => {
    const answer = async (parameters: Parameters<typeof hand.authorizeUrl>[0]) => {
      const { url } = await alice.follow(hand.authorizeUrl(parameters))
      expect(`${url.origin}${url.pathname}`).toBe(world.urls.agent)
      // The library answers a request for another mode or response type in the fragment; a code never goes there.
      const answered = url.hash === '' ? url.searchParams : new URLSearchParams(url.hash.slice(1))
      expect(answered.get('iss')).toBe(world.publicUrl)
      expect(answered.get('state')).toBe('the-state')
      return answered
    }

    test('not at all when it is good', async () => {
      const good = await answer({})
      expect([...good.keys()].toSorted()).toEqual(['code', 'iss', 'state'])
    })

    test.each<[string, string, Parameters<typeof hand.authorizeUrl>[0]]>([
      [
        'no PKCE challenge',
        'invalid_request',
        { code_challenge: undefined, code_challenge_method: undefined },
      ],
      ['a plain challenge', 'invalid_request', { code_challenge_method: 'plain' }],
      [
        'a challenge whose method is left to a default',
        'invalid_request',
        { code_challenge_method: undefined },
      ],
      ['the implicit response type', 'invalid_request', { response_type: 'token' }],
      ['an ID token by the front channel', 'invalid_request', { response_type: 'code id_token' }],
      ['the response mode fragment', 'invalid_request', { response_mode: 'fragment' }],
      ['a request object', 'request_not_supported', { request: 'e30.e30.' }],
      ['a request URI', 'request_uri_not_supported', { request_uri: 'https://evil.example/' }],
      ['no resource', 'invalid_target', { resource: undefined }],
      ['a resource nobody knows', 'invalid_target', { resource: 'https://elsewhere.example/mcp' }],
      ['no page allowed where one is needed', 'consent_required', { prompt: 'none', scope: 'crm.write' }],
      ['a page both wanted and not', 'invalid_request', { prompt: 'none login' }],
      ['a prompt nobody knows', 'invalid_request', { prompt: 'dance' }],
      ['a scope of forbidden characters', 'invalid_scope', { scope: 'crm.read "' }],
      ['an age without an identity', 'invalid_request', { max_age: '1' }],
      ['a registration on the way', 'registration_not_supported', { registration: '{}' }],
      ['a challenge that is too short', 'invalid_request', { code_challenge: 'short' }],
    ])('%s', async (_, error, parameters) => {
      expect((await answer(parameters)).get('error')).toBe(error)
    })

    test('no page allowed for who is not signed in', async () => {
      const nobody = createPerson(world.publicUrl)
      const { url } = await nobody.follow(hand.authorizeUrl({ prompt: 'none' }))
      expect(`${url.origin}${url.pathname}`).toBe(world.urls.agent)
      expect(Object.fromEntries(url.searchParams)).toMatchObject({
        error: 'login_required',
        iss: world.publicUrl,
        state: 'the-state',
      })
    })

    test('the response mode form_post: on a page that runs no script and sends no form', async () => {
      const { response, body } = await alice.follow(hand.authorizeUrl({ response_mode: 'form_post' }))
      expect(response?.status).toBe(400)
      const policy = response?.headers.get('content-security-policy')
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("form-action 'self'")
      expect(body).not.toContain('name="code"')
    })

    test('two resources', async () => {
      const resource = [world.mount('crm'), world.mount('notes')]
      expect((await answer({ resource })).get('error')).toBe('invalid_target')
    })

    test('the URL of the server itself, which only the gateway may have tokens for', async () => {
      expect((await answer({ resource: world.urls.crm })).get('error')).toBe('invalid_target')
    })

    test('an API, which only a server may have tokens for', async () => {
      expect((await answer({ resource: world.urls.payroll })).get('error')).toBe('invalid_target')
    })

    test.each([
      ['a trailing slash', (mount: string) => `${mount}/`],
      ['another case', (mount: string) => mount.replace('/crm/', '/CRM/')],
      ['a query', (mount: string) => `${mount}?x=1`],
      ['a fragment', (mount: string) => `${mount}#x`],
    ])('a mount with %s', async (_, vary) => {
      expect((await answer({ resource: vary(world.mount('crm')) })).get('error')).toBe('invalid_target')
    })
  })

  describe('an authorization request that is too large is refused on a page, and kept by nobody:', () => {
    const refused = async (url: string) => {
      const answer = await fetch(url, { redirect: 'manual' })
      expect(answer.status).toBe(400)
      expect(answer.headers.get('content-type')).toContain('text/html')
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(await answer.text()).toContain('oauth.request_too_large')
    }
    const accepted = async (url: string) => {
      expect((await fetch(url, { redirect: 'manual' })).headers.get('location')).toMatch(/^\/interaction\//)
    }

    test('a state of more than 1 KiB', async () => {
      await accepted(hand.authorizeUrl({ state: 's'.repeat(1024) }))
      await refused(hand.authorizeUrl({ state: 's'.repeat(1025) }))
      await refused(hand.authorizeUrl({ state: '🦎'.repeat(257) }))
      await refused(hand.authorizeUrl({ state: ['short', 's'.repeat(1025)] }))
    })

    test('a query of more than 4 KiB, at either spelling of the address', async () => {
      const empty = hand.authorizeUrl({ extra: '' })
      const size = empty.length - empty.indexOf('?') - 1
      await accepted(hand.authorizeUrl({ extra: 'n'.repeat(4096 - size) }))
      const large = hand.authorizeUrl({ extra: 'n'.repeat(4097 - size) })
      await refused(large)
      await refused(large.replace('/authorize?', '/authorize/?'))
    })
  })

  describe('a redirect URI that is not registered is never redirected to:', () => {
    const refused = async (parameters: Parameters<typeof hand.authorizeUrl>[0]) => {
      const { url, response, body, text } = await alice.follow(hand.authorizeUrl(parameters))
      expect(url.origin).toBe(world.publicUrl)
      expect(response?.status).toBe(400)
      expect(response?.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(body).not.toMatch(/<script|http-equiv="refresh"|href=/)
      return text
    }

    test.each([
      ['another port', (uri: string) => uri.replace(/:\d+\//, ':1/')],
      ['no port', (uri: string) => uri.replace(/:\d+\//, '/')],
      ['another path', (uri: string) => `${uri}/more`],
      ['a trailing slash', (uri: string) => `${uri}/`],
      ['another case', (uri: string) => uri.replace('callback', 'Callback')],
      ['another host of this machine', (uri: string) => uri.replace('127.0.0.1', 'localhost')],
      ['user information', (uri: string) => uri.replace('http://', 'http://evil@')],
      ['a query', (uri: string) => `${uri}?x=1`],
      ['a fragment', (uri: string) => `${uri}#x`],
      ['a dot segment', (uri: string) => uri.replace('/callback', '/x/../callback')],
      ['an encoded letter', (uri: string) => uri.replace('callback', '%63allback')],
      ['somewhere else', () => 'https://evil.example/'],
    ])('%s', async (_, vary) => {
      expect(await refused({ redirect_uri: vary(world.urls.agent) })).toContain('invalid_redirect_uri')
    })

    test('not when the request is wrong in another way too', async () => {
      await refused({ redirect_uri: 'https://evil.example/', resource: undefined, code_challenge: undefined })
    })

    test('nor is the second of two', async () => {
      const both = hand.authorizeUrl({ redirect_uri: [world.urls.agent, 'https://evil.example/'] })
      const { url } = await alice.follow(both)
      expect(url.origin).not.toBe('https://evil.example')
      expect(url.searchParams.get('code')).toBeNull()
    })

    test('one of an agent nobody knows, and the page says what to do', async () => {
      const text = await refused({ client_id: 'nobody' })
      expect(text).toContain('This agent is not known here')
    })

    test('none at all is no request', async () => {
      await refused({ redirect_uri: undefined })
    })

    test('what the page shows of the request is text, not markup', async () => {
      const { body } = await alice.follow(hand.authorizeUrl({ redirect_uri: '"><b id=x>' }))
      expect(body).not.toContain('<b id=x>')
    })
  })

  describe('scopes', () => {
    test('no scope asks for all that the mount has, and consent shows them', async () => {
      const { text } = await hand.toConsent(createPerson(world.publicUrl), { scope: undefined })
      expect(text).toContain('Read your customers crm.read')
      expect(text).toContain('Change your customers crm.write')
    })

    test('a scope the mount does not have is neither shown nor granted', async () => {
      const person = createPerson(world.publicUrl)
      const parameters = { scope: 'crm.read notes.read payroll.read admin', prompt: 'consent' }
      const stop = await hand.toConsent(person, parameters)
      expect(stop.text).not.toMatch(/notes\.read|\badmin\b/)
      const { url } = await person.submit(stop, { decision: 'allow' })
      const { body } = await hand.redeem(url.searchParams.get('code') ?? '')
      expect(body['scope']).toBe('crm.read')
      expect(decodeJwt(String(body['access_token']))['scope']).toBe('crm.read')
    })
  })

  describe('a code', () => {
    test('becomes token 1 with its verifier, client, redirect URI and resource', async () => {
      const { status, body } = await hand.redeem(await hand.codeOf(alice))
      expect(status).toBe(200)
      expect(Object.keys(body).toSorted()).toEqual([
        'access_token',
        'expires_in',
        'refresh_token',
        'scope',
        'token_type',
      ])
      expect(body).toMatchObject({ token_type: 'Bearer', scope: 'crm.read' })
    })

    test.each<[string, string, Parameters<typeof hand.redeem>[1]]>([
      ['another verifier', 'invalid_grant', { code_verifier: `${VERIFIER}x` }],
      ['no verifier', 'invalid_grant', { code_verifier: undefined }],
      [
        'the challenge in place of the verifier',
        'invalid_grant',
        { code_verifier: undefined, code_challenge: 'x' },
      ],
      ['another redirect URI', 'invalid_grant', { redirect_uri: 'http://127.0.0.1:1/callback' }],
      ['no redirect URI', 'invalid_request', { redirect_uri: undefined }],
      ['the key of nobody', 'invalid_client', { client_assertion: 'e30.e30.x' }],
      [
        'no client authentication',
        'invalid_client',
        { client_assertion: undefined, client_assertion_type: undefined, client_id: 'assistant' },
      ],
    ])('is refused with %s, and is not spent by it', async (_, error, parameters) => {
      const code = await hand.codeOf(alice)
      const refused = await hand.redeem(code, parameters)
      expect(refused.body['error']).toBe(error)
      expect(refused.body).not.toHaveProperty('access_token')
      expect((await hand.redeem(code)).status).toBe(200)
    })

    test('is not spent by any number of wrong verifiers: who guesses one of 256 bits needs more than its minute', async () => {
      const code = await hand.codeOf(alice)
      for (let guess = 0; guess < 10; guess++) {
        const refused = await hand.redeem(code, { code_verifier: `${VERIFIER}${guess}` })
        expect(refused.body['error']).toBe('invalid_grant')
      }
      expect((await hand.redeem(code)).status).toBe(200)
    })

    test('is not spent by an agent that tries its secret in the header first, wrongly, and then in the form', async () => {
      const code = await hand.codeOf(alice, { client_id: 'other' })
      const none = { client_assertion: undefined, client_assertion_type: undefined }
      const basic = { authorization: `Basic ${Buffer.from('other:wrong').toString('base64')}` }
      expect((await hand.redeem(code, none, basic)).status).toBe(401)
      expect((await hand.redeem(code, byOther)).status).toBe(200)
    })

    test('is refused to another client, even at the same redirect URI, and is not spent by it', async () => {
      const code = await hand.codeOf(alice)
      expect((await hand.redeem(code, byOther)).body['error']).toBe('invalid_grant')
      expect((await hand.redeem(code)).status).toBe(200)
      const theirs = await hand.codeOf(alice, { client_id: 'other' })
      expect((await hand.redeem(theirs, byOther)).status).toBe(200)
    })

    test.each([
      ['another mount', () => world.mount('notes')],
      ['the server behind the mount', () => world.urls.crm],
      ['an API', () => world.urls.payroll],
    ])('gives no token for %s', async (_, resource) => {
      const refused = await hand.redeem(await hand.codeOf(alice), { resource: resource() })
      expect(refused.status).toBe(400)
      expect(refused.body['error']).toBe('invalid_target')
    })

    test('gives no token for two resources', async () => {
      const resource = [world.mount('crm'), world.mount('notes')]
      const refused = await hand.redeem(await hand.codeOf(alice), { resource })
      expect(refused.status).toBe(400)
    })

    test('gives no wider scope than was granted', async () => {
      const { body } = await hand.redeem(await hand.codeOf(alice), { scope: 'crm.read crm.write' })
      expect([undefined, 'crm.read']).toContain(body['scope'])
    })

    test('survives another login of the same agent in the same browser', async () => {
      const codes = [await hand.codeOf(alice), await hand.codeOf(alice)]
      const answers = await Promise.all(codes.map((code) => hand.redeem(code)))
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
    })

    test('of fifty redemptions at once, exactly one gets a token', async () => {
      const code = await hand.codeOf(alice)
      const answers = await Promise.all(Array.from({ length: 50 }, () => hand.redeem(code)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(new Set(answers.map(({ body }) => body['error']))).toEqual(new Set([undefined, 'invalid_grant']))
    })

    test('used twice ends its own login, the token already out included, and nothing else', async () => {
      const mount = world.mount('crm')
      const before = await hand.redeem(await hand.codeOf(alice))
      const code = await hand.codeOf(alice)
      const { body } = await hand.redeem(code)
      const stolen = String(body['access_token'])
      expect(await toolsFor(mount, stolen)).not.toEqual([])

      expect((await hand.redeem(code)).body['error']).toBe('invalid_grant')

      await expect(toolsFor(mount, stolen)).rejects.toThrow()
      expect(await toolsFor(mount, String(before.body['access_token']))).not.toEqual([])
      // The grant lives: the next login needs no consent.
      expect((await alice.follow(hand.authorizeUrl())).url.searchParams.has('code')).toBe(true)
    })

    test('cannot be sent in the query', async () => {
      const code = await hand.codeOf(alice)
      const query = new URLSearchParams({ code }).toString()
      const body = new URLSearchParams({
        grant_type: 'authorization_code',
        redirect_uri: world.urls.agent,
        code_verifier: VERIFIER,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await hand.assertion(),
      })
      const answer = await fetch(`${world.publicUrl}/token?${query}`, { method: 'POST', body })
      expect(answer.status).toBe(400)
    })
  })

  describe('token 1', () => {
    test('has exactly the claims of a root token', async () => {
      const { body } = await hand.redeem(await hand.codeOf(alice))
      const token = String(body['access_token'])
      expect(decodeProtectedHeader(token)).toEqual({
        alg: 'ES256',
        typ: 'at+jwt',
        kid: expect.any(String) as string,
      })
      const claims = decodeJwt(token)
      expect(Object.keys(claims).toSorted()).toEqual(
        'acr act aud auth_time client_id dlg exp iat iss jti scope sid sub sub_id txn'.split(' '),
      )
      expect(claims).toMatchObject({
        iss: world.publicUrl,
        aud: world.mount('crm'),
        client_id: 'assistant',
        scope: 'crm.read',
        acr: 'urn:tetrapod:acr:password',
        act: { iss: world.publicUrl, sub: 'assistant' },
        sub_id: { format: 'iss_sub', iss: world.publicUrl, sub: 'alice' },
        dlg: { hop: 1, rem: 7 },
      })
      expect(Object.keys(claims['dlg'] as object).toSorted()).toEqual(['anc', 'gid', 'hop', 'rem'])
      expect(claims.sub).not.toBe('alice')
      expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(300)
      expect(body['expires_in']).toBe(300)
    })

    test('the chain begins with room for seven more actors and its login as the only ancestor', async () => {
      const tokens = await Promise.all(
        [hand.codeOf(alice), hand.codeOf(alice)].map(async (code) => {
          const { body } = await hand.redeem(await code)
          return decodeJwt<{ dlg: { anc: string[] } }>(String(body['access_token']))
        }),
      )
      const ancestors = tokens.map(({ dlg }) => dlg.anc)
      expect(ancestors.map(({ length }) => length)).toEqual([1, 1])
      expect(new Set(ancestors.flat()).size).toBe(2)
      for (const name of ['jti', 'txn']) expect(new Set(tokens.map((it) => it[name])).size).toBe(2)
    })

    test.each([
      'refresh_token',
      'client_credentials',
      'password',
      'implicit',
      'urn:openid:params:grant-type:ciba',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ])('the grant type %s gives no token', async (grant_type) => {
      const answer = await hand.token({
        grant_type,
        scope: 'crm.read',
        resource: world.mount('crm'),
        assertion: 'x',
        refresh_token: 'x',
        username: 'alice',
        password: 'alice-password',
        ...(await hand.proof()),
      })
      expect(answer.status).toBe(400)
      expect(answer.body).not.toHaveProperty('access_token')
    })

    test.each(['TOKEN-EXCHANGE', 'urn:ietf:params:oauth:grant-type:token-exchange '])(
      'the exchange under the name %o is unknown to everybody',
      async (name) => {
        const grant_type = name.startsWith('urn') ? name : `urn:ietf:params:oauth:grant-type:${name}`
        const answer = await hand.token({ grant_type, ...(await hand.proof()) })
        expect(answer.body['error']).toBe('unsupported_grant_type')
      },
    )
  })
})

describe('authorization requests of everybody at once', () => {
  test('are limited for who is not signed in, and for nobody else', async () => {
    const world = await openWorld()
    const hand = byHand(world)
    const alice = createPerson(world.publicUrl)
    await hand.codeOf(alice)
    const cookie = `tetrapod_session_${new URL(world.publicUrl).port}=${'A'.repeat(43)}`
    const anybody = (headers: Record<string, string> = {}) =>
      fetch(hand.authorizeUrl(), { redirect: 'manual', headers })
    let refused: Response | undefined
    for (let sent = 0; refused === undefined; sent += 20) {
      expect(sent).toBeLessThan(400)
      const answers = await Promise.all(Array.from({ length: 20 }, () => anybody()))
      refused = answers.find(({ status }) => status === 429)
    }
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.getSetCookie()).toEqual([])
    expect(await refused.text()).toContain('reload this page')
    // A cookie that somebody made up is no way around it.
    const lies = await Promise.all(Array.from({ length: 60 }, () => anybody({ cookie })))
    expect(lies.map(({ status }) => status)).toContain(429)

    const many = await Promise.all(Array.from({ length: 60 }, () => alice.send(hand.authorizeUrl())))
    expect(new Set(many.map(({ status }) => status))).toEqual(new Set([303]))
    world.clock.advance(5000)
    expect((await anybody()).status).toBe(303)
    await world.close()
  })
})

describe('time', () => {
  let world: World
  let hand: ReturnType<typeof byHand>
  beforeAll(async () => {
    world = await openWorld()
    hand = byHand(world)
  })
  afterAll(() => world.close())
  const nowSeconds = () => Math.floor(world.clock.now() / 1000)
  /** Proof of an agent whose clock is the service's. */
  const proof = () => hand.proof({ claims: { iat: undefined, exp: nowSeconds() + 60 } })

  test('a code is worth nothing after a minute', async () => {
    const person = createPerson(world.publicUrl)
    const [first, second] = [await hand.codeOf(person), await hand.codeOf(person)]
    world.clock.advance(55_000)
    expect((await hand.redeem(first, await proof())).status).toBe(200)
    world.clock.advance(6_000)
    expect((await hand.redeem(second, await proof())).body['error']).toBe('invalid_grant')
  })

  test('a code that is used again after its minute still ends its login, the token already out included', async () => {
    const world = await openWorld()
    const hand = byHand(world)
    const code = await hand.codeOf(createPerson(world.publicUrl))
    const { body } = await hand.redeem(code)
    const token = String(body['access_token'])
    // The most that the servers, whose clock stays, let pass.
    world.clock.advance(60_000)
    expect(await toolsFor(world.mount('crm'), token)).not.toEqual([])
    expect((await hand.redeem(code)).body['error']).toBe('invalid_grant')
    await expect(toolsFor(world.mount('crm'), token)).rejects.toThrow()
    await world.close()
  })

  test('a token never lives longer than its grant, and a grant that ended gives none', async () => {
    const person = createPerson(world.publicUrl)
    await hand.codeOf(person, {}, 'bob')
    world.clock.advance(30 * 24 * 3600_000 - 100_000)
    const [code, late] = [await hand.codeOf(person, {}, 'bob'), await hand.codeOf(person, {}, 'bob')]
    const { body } = await hand.redeem(code, await proof())
    expect(body['expires_in']).toBeLessThanOrEqual(100)
    const { exp = 0, iat = 0 } = decodeJwt(String(body['access_token']))
    expect(exp - iat).toBeLessThanOrEqual(100)
    world.clock.advance(45_000)
    expect((await hand.redeem(late, await proof())).status).toBe(200)
    world.clock.advance(60_000)
    const stop = await hand.toConsent(person, {}, 'bob')
    expect(stop.url.pathname).toMatch(/^\/interaction\//)
  })
})
