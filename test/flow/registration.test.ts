import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, EXCHANGE, type Person, toolsFor, VERIFIER } from '../support/by-hand.ts'
import { journey, register, withRegistration } from '../support/registering.ts'
import { ask } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

const REDIRECT = 'http://127.0.0.1:4555/callback'
const wanted = { client_name: 'Stranger', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' }
const policies = `
  - permit: { servers: [notes] }
  - permit: { agents: [dynamic, assistant], servers: [crm] }
  - forbid: { servers: [crm], tools: [delete_customer] }`

describe('an agent that registers itself', () => {
  let world: World
  let hand: ReturnType<typeof byHand>
  let alice: Person
  beforeAll(async () => {
    world = await openWorld({ policies, amend: withRegistration('{ dynamic: true }') })
    hand = byHand(world)
    alice = createPerson(world.publicUrl)
  })
  afterAll(() => world.close())

  const registered = async (body: object = wanted) => {
    const answer = await register(world, body)
    expect([answer.status, answer.body['error_description']]).toEqual([201, undefined])
    return {
      ...answer,
      id: String(answer.body['client_id']),
      token: String(answer.body['registration_access_token']),
    }
  }

  test('gets an id, permission of a user, and a token that says who it is', async () => {
    const { id, body } = await registered()
    expect(id).toMatch(/^dyn_[\w-]{22}$/)
    expect(body).toMatchObject({
      client_name: 'Stranger',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      registration_client_uri: `${world.publicUrl}/register/${id}`,
    })
    const { status, body: token, consent } = await journey({ hand, person: alice, id, redirectUri: REDIRECT })
    expect(consent.text).toContain('It gave itself this name, and nobody has checked it.')
    expect([status, token['error_description']]).toEqual([200, undefined])
    const claims = decodeJwt(String(token['access_token']))
    expect(claims).toMatchObject({ client_id: id, act: { sub: id }, aud: world.mount('crm') })
    expect(await toolsFor(world.mount('crm'), String(token['access_token']))).toContain('find_customer')
  })

  test('brings no secret along: it gets one of ours', async () => {
    const { body } = await registered({ redirect_uris: [REDIRECT], client_secret: 'mine' })
    expect(String(body['client_secret'])).toMatch(/^[\w-]{43}$/)
  })

  test('is still known after a restart', async () => {
    const { id } = await registered()
    await world.restart()
    const { status } = await journey({
      hand,
      person: createPerson(world.publicUrl),
      id,
      redirectUri: REDIRECT,
    })
    expect(status).toBe(200)
  })

  test('a secret is shown once, and proves the agent afterwards; a wrong one does not spend the code', async () => {
    const { id, body, token } = await registered({ ...wanted, token_endpoint_auth_method: undefined })
    const secret = String(body['client_secret'])
    expect(body).toMatchObject({
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret_expires_at: 0,
    })
    const read = await register(world, undefined, {
      method: 'GET',
      url: String(body['registration_client_uri']),
      token,
    })
    expect(read.status).toBe(200)
    expect(read.body).not.toHaveProperty('client_secret')

    const code = await hand.codeOf(createPerson(world.publicUrl), { client_id: id, redirect_uri: REDIRECT })
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    }
    const basic = (it: string) => ({
      authorization: `Basic ${Buffer.from(`${id}:${it}`).toString('base64')}`,
    })
    expect(await hand.token(form, basic('wrong'))).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    })
    expect(await hand.token({ ...form, client_id: id })).toMatchObject({ status: 401 })
    expect(await hand.token({ ...form, client_id: id, client_secret: secret })).toMatchObject({ status: 200 })
  })

  test('who is not known (any more) is told so at the token endpoint, and on a page what to do', async () => {
    const stop = await alice.follow(hand.authorizeUrl({ client_id: 'dyn_gone', redirect_uri: REDIRECT }))
    expect(stop.response?.status).toBe(400)
    expect(stop.text).toContain('In your application, remove this server. Add it again.')
    const form = {
      grant_type: 'authorization_code',
      code: 'x',
      redirect_uri: REDIRECT,
      client_id: 'dyn_gone',
    }
    expect(await hand.token(form)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  describe('cannot obtain', () => {
    test.each([
      ['token exchange', EXCHANGE],
      ['client credentials', 'client_credentials'],
      ['assertion grants', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      ['the implicit grant', 'implicit'],
      ['passwords', 'password'],
    ])('%s: neither by asking when it registers nor by using it', async (_, grant) => {
      const asked = await register(world, { ...wanted, grant_types: ['authorization_code', grant] })
      expect([asked.status, asked.body['error']]).toEqual([400, 'invalid_client_metadata'])
      const { id, body } = await registered({ ...wanted, token_endpoint_auth_method: 'client_secret_post' })
      const credentials = { client_id: id, client_secret: String(body['client_secret']) }
      const used = await hand.token({
        grant_type: grant,
        ...credentials,
        subject_token: 'x',
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        assertion: 'x',
        username: 'alice',
        password: 'alice-password',
        audience: 'payroll',
        resource: world.mount('crm'),
      })
      expect(used.body).not.toHaveProperty('access_token')
      expect(used.status).toBeGreaterThanOrEqual(400)
    })

    test('a right by what it writes beside', async () => {
      const { body } = await registered({
        ...wanted,
        exchange: true,
        delegates: ['assistant'],
        scope: 'crm.write payroll.pay',
        client_id: 'assistant',
        client_id_issued_at: 1,
        registration_access_token: 'mine',
        act: { sub: 'planner' },
      })
      expect(String(body['client_id'])).toMatch(/^dyn_/)
      for (const member of ['exchange', 'delegates', 'scope', 'act']) expect(body).not.toHaveProperty(member)
      expect(body['registration_access_token']).not.toBe('mine')
    })

    test('what the policy gives to listed agents: a rule must speak of it', async () => {
      const { id } = await registered()
      const resource = world.mount('notes')
      const journeyed = await journey({
        hand,
        person: alice,
        id,
        redirectUri: REDIRECT,
        authorize: { resource, scope: 'notes.read' },
      })
      const token = String(journeyed.body['access_token'])
      await expect(toolsFor(resource, token).then((tools) => tools.join())).resolves.toBe('')
      const login = await world.signIn('alice', { server: 'notes' })
      expect(await toolsFor(resource, login.token() ?? '')).toEqual(['echo'])
    })

    test('what the policy forbids to everybody', async () => {
      const { id } = await registered()
      const { body } = await journey({
        hand,
        person: alice,
        id,
        redirectUri: REDIRECT,
        authorize: { scope: 'crm.read crm.write' },
      })
      const tools = await toolsFor(world.mount('crm'), String(body['access_token']))
      expect(tools).toContain('find_customer')
      expect(tools).not.toContain('delete_customer')
    })
  })

  test.each([
    ['a redirect URI of a script', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    ['http to another machine', { redirect_uris: ['http://evil.example/cb'] }, 'invalid_redirect_uri'],
    ['no redirect URI', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['a wildcard', { redirect_uris: ['https://*.example/cb'] }, 'invalid_redirect_uri'],
    [
      'keys in two places',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] }, jwks_uri: 'https://a.example/' },
      'invalid_client_metadata',
    ],
    [
      'a method that is not offered',
      { token_endpoint_auth_method: 'tls_client_auth' },
      'invalid_client_metadata',
    ],
  ])('%s is refused, and the answer says why', async (_, changed, error) => {
    const { status, body } = await register(world, { ...wanted, ...changed })
    expect([status, body['error']]).toEqual([400, error])
    expect(String(body['error_description'])).toMatch(/\.$/)
  })

  test.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    [
      'a member twice',
      '{"redirect_uris":["https://a.example/cb"],"redirect_uris":["https://evil.example/cb"]}',
    ],
    ['more than 16 KiB', JSON.stringify({ ...wanted, padding: 'x'.repeat(17_000) })],
  ])('%s is refused before anybody reads it', async (_, body) => {
    const { status, body: answer } = await register(world, body)
    expect([status, answer['error']]).toEqual([400, 'invalid_client_metadata'])
  })

  test('what it calls itself is text on the page, and nothing more', async () => {
    const client_name = '<img src=x onerror=alert(1)> "Payroll" \u202E'
    const { id } = await registered({ ...wanted, client_name })
    const stop = await hand.toConsent(alice, { client_id: id, redirect_uri: REDIRECT })
    expect(stop.body).not.toContain('<img')
    expect(stop.text).toContain('<img src=x onerror=alert(1)> "Payroll" asks to use')
  })

  test('is asked about every time where any program on the computer could call itself so', async () => {
    const again = async (id: string, redirectUri: string) => {
      await journey({ hand, person: alice, id, redirectUri })
      return hand.toConsent(alice, { client_id: id, redirect_uri: redirectUri })
    }
    for (const [uri, warning] of [
      ['cursor://agent/callback', 'Whichever app on this device opens cursor: links receives the answer.'],
      ['http://localhost/callback', 'Any program on this computer can receive it'],
    ] as const) {
      const { id } = await registered({ ...wanted, redirect_uris: [uri] })
      expect((await again(id, uri)).text).toContain(warning)
    }
    // Who comes back at its own host was asked about once.
    const uri = 'https://agent.example/callback'
    const { id } = await registered({ ...wanted, redirect_uris: [uri] })
    expect((await again(id, uri)).url.searchParams.has('code')).toBe(true)
  })

  test('a rewritten key set does not reach what is configured: its keys are fetched through the other door', async () => {
    const jwks_uri = new URL('/jwks', world.urls.agent).href.replace('http:', 'https:')
    const { id } = await registered({ ...wanted, token_endpoint_auth_method: 'private_key_jwt', jwks_uri })
    const before = world.received.length
    const code = await hand.codeOf(createPerson(world.publicUrl), { client_id: id, redirect_uri: REDIRECT })
    const { status, body } = await hand.redeem(code, {
      redirect_uri: REDIRECT,
      ...(await hand.proof({ id })),
    })
    expect(body).not.toHaveProperty('access_token')
    expect(status).toBeGreaterThanOrEqual(400)
    expect(world.received.length).toBe(before)
  })

  describe('manages its registration (RFC 7592)', () => {
    const at = (id: string) => `${world.publicUrl}/register/${id}`

    test('reads and replaces it, with a new token each time it does; the old one is over', async () => {
      const { id, token } = await registered()
      const moved = 'https://moved.example/cb'
      const put = { client_id: id, ...wanted, redirect_uris: [moved] }
      const changed = await register(world, put, { method: 'PUT', url: at(id), token })
      expect([changed.status, changed.body['redirect_uris']]).toEqual([200, [moved]])
      const next = String(changed.body['registration_access_token'])
      expect(next).not.toBe(token)
      for (const method of ['GET', 'DELETE'])
        expect((await register(world, undefined, { method, url: at(id), token })).status).toBe(401)
      const read = await register(world, undefined, { method: 'GET', url: at(id), token: next })
      expect(read.body).toMatchObject({ client_id: id, redirect_uris: [moved] })
      const stop = await alice.follow(hand.authorizeUrl({ client_id: id, redirect_uri: REDIRECT }))
      expect(stop.text).toContain('invalid_redirect_uri')
    })

    test('keeps its secret when it changes the rest, showing it or not; a wrong one changes nothing', async () => {
      const basic = { ...wanted, token_endpoint_auth_method: 'client_secret_post' }
      const { id, token, body } = await registered(basic)
      const client_secret = String(body['client_secret'])
      const put = (more: object, by: string) =>
        register(world, { client_id: id, ...basic, ...more }, { method: 'PUT', url: at(id), token: by })
      expect((await put({ client_secret: 'wrong' }, token)).status).toBe(400)
      const first = await put({ client_secret }, token)
      expect(first.status).toBe(200)
      expect(first.body).not.toHaveProperty('client_secret')
      const second = await put({}, String(first.body['registration_access_token']))
      expect(second.status).toBe(200)
      const answer = await journey({
        hand,
        person: alice,
        id,
        redirectUri: REDIRECT,
        proof: { client_secret },
      })
      expect(answer.status).toBe(200)
    })

    test.each([
      ['no token', undefined],
      ['a token of nobody', 'x'.repeat(43)],
    ])('not with %s', async (_, token) => {
      const { id } = await registered()
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const body = method === 'PUT' ? { client_id: id, ...wanted } : undefined
        const answer = await register(world, body, {
          method,
          url: at(id),
          ...(token === undefined ? {} : { token }),
        })
        expect([400, 401]).toContain(answer.status)
      }
      expect((await journey({ hand, person: alice, id, redirectUri: REDIRECT })).status).toBe(200)
    })

    test('not where there is none: an id that nobody has is answered like a token that is not its own', async () => {
      const { token } = await registered()
      for (const method of ['GET', 'DELETE']) {
        const answer = await register(world, undefined, { method, url: at(`dyn_${'x'.repeat(22)}`), token })
        expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_token'])
        const { id } = await registered()
        const other = await register(world, undefined, { method, url: at(id), token })
        expect([other.status, other.body]).toEqual([answer.status, answer.body])
      }
    })

    test('and nobody else’s', async () => {
      const [own, other] = [await registered(), await registered()]
      const asked = await register(world, undefined, { method: 'GET', url: at(other.id), token: own.token })
      expect(asked.status).toBe(401)
      const named = await registered()
      const put = { client_id: 'assistant', ...wanted }
      const taken = await register(world, put, { method: 'PUT', url: at(named.id), token: named.token })
      expect(taken.status).toBe(400)
    })

    test('gains nothing by replacing it', async () => {
      const { id, token } = await registered()
      for (const changed of [{ grant_types: ['client_credentials'] }, { redirect_uris: ['javascript:x'] }]) {
        const put = { client_id: id, ...wanted, ...changed }
        expect((await register(world, put, { method: 'PUT', url: at(id), token })).status).toBe(400)
      }
    })

    test('ends it: what users permitted, codes and tokens end at once', async () => {
      const { id, token } = await registered()
      const { body } = await journey({ hand, person: alice, id, redirectUri: REDIRECT })
      const access = String(body['access_token'])
      expect(await toolsFor(world.mount('crm'), access)).toContain('find_customer')
      const code = await hand.codeOf(createPerson(world.publicUrl), { client_id: id, redirect_uri: REDIRECT })
      expect((await register(world, undefined, { method: 'DELETE', url: at(id), token })).status).toBe(204)
      await expect(toolsFor(world.mount('crm'), access)).rejects.toThrow()
      const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: VERIFIER }
      expect(await hand.token({ ...form, client_id: id })).toMatchObject({ status: 401 })
      expect((await register(world, undefined, { method: 'GET', url: at(id), token })).status).toBe(401)
      const { grants } = JSON.parse((await ask(world.service.socket, 'GET', '/grants')).text) as {
        grants: readonly { agent: string; revokedAt?: number }[]
      }
      const own = grants.filter(({ agent }) => agent === id)
      expect(own).not.toEqual([])
      expect(own.every(({ revokedAt }) => revokedAt !== undefined)).toBe(true)
      await expect
        .poll(async () => (await ask(world.service.socket, 'GET', '/audit?limit=100')).text)
        .toContain('deregistered by agent')
      const { lines } = JSON.parse((await ask(world.service.socket, 'GET', '/audit?limit=100')).text) as {
        lines: readonly { kind: string; agent?: string; reason?: string }[]
      }
      const said = lines.filter(
        ({ agent, kind }) => agent === id && /^(agent_changed|grant_revoked)$/.test(kind),
      )
      expect(said.map(({ reason }) => reason)).toEqual([
        'registered by agent',
        'deregistered by agent',
        'by agent',
      ])
    })
  })
})

describe('where agents may not register themselves', () => {
  test('there is no endpoint, none is announced, and who registered before is nobody', async () => {
    const world = await openWorld({ policies, amend: withRegistration('{ dynamic: true }') })
    try {
      const hand = byHand(world)
      const { body } = await register(world, wanted)
      const id = String(body['client_id'])
      await world.restart((text) => text)
      expect((await register(world, wanted)).status).toBe(404)
      const metadata = await (await fetch(`${world.publicUrl}/.well-known/oauth-authorization-server`)).json()
      expect(metadata).not.toHaveProperty('registration_endpoint')
      const person = createPerson(world.publicUrl)
      const stop = await person.follow(hand.authorizeUrl({ client_id: id, redirect_uri: REDIRECT }))
      expect(stop.text).toContain('This agent is not known here')
      await world.restart()
      expect((await journey({ hand, person, id, redirectUri: REDIRECT })).status).toBe(200)
    } finally {
      await world.close()
    }
  })
})

describe('a flood of registrations', () => {
  test('is slowed down, with a time to come back', async () => {
    const world = await openWorld({ amend: withRegistration('{ dynamic: true }') })
    try {
      const answers = await Promise.all(Array.from({ length: 100 }, () => register(world, wanted)))
      const slowed = answers.filter(({ status }) => status === 429)
      expect(slowed.length).toBeGreaterThan(20)
      expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(20)
      expect(Number(slowed[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
    } finally {
      await world.close()
    }
  })
})
