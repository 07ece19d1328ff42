import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { byHand, createPerson, type Person, VERIFIER } from '../support/by-hand.ts'
import { type Internet, openInternet, PUBLIC } from '../support/internet.ts'
import { journey, withRegistration } from '../support/registering.ts'
import { openWorld, type World } from '../support/world.ts'

const ID = 'https://agents.example/client.json'
const REDIRECT = 'https://agents.example/callback'
const document = (changed: object = {}) => ({
  client_id: ID,
  client_name: 'Example agent',
  redirect_uris: [REDIRECT],
  token_endpoint_auth_method: 'none',
  ...changed,
})

const registration = `
  metadataDocuments: [agents.example, other.example, { host: agents.corp.internal, private: true }]`

let internet: Internet
let world: World
let hand: ReturnType<typeof byHand>
let alice: Person
beforeAll(async () => {
  internet = await openInternet(['agents.example', 'other.example', 'agents.corp.internal', 'evil.example'])
  world = await openWorld({ network: internet.network, amend: withRegistration(registration) })
  hand = byHand(world)
})
afterAll(async () => {
  await world.close()
  internet.close()
})
beforeEach(() => {
  internet.publish(ID, document())
  internet.reachable = true
  alice = createPerson(world.publicUrl)
  // Longer than any document is kept, and long enough for every host to be asked again.
  world.clock.advance(25 * 3600_000)
})

const authorized = (id = ID, redirectUri = REDIRECT) => journey({ hand, person: alice, id, redirectUri })
const page = async (id: string, redirectUri = REDIRECT) => {
  const stop = await alice.follow(hand.authorizeUrl({ client_id: id, redirect_uri: redirectUri }))
  return { status: stop.response?.status, text: stop.text, path: stop.url.pathname }
}

describe('an agent described at a host that is listed', () => {
  test('is shown with that host and with where the answer goes, and gets a token', async () => {
    const { status, consent } = await authorized()
    expect(status).toBe(200)
    expect(consent.text).toContain('Example agent asks to use')
    expect(consent.text).toContain('It comes from agents.example')
    expect(consent.text).not.toContain('program on this computer')
  })

  test('is shown with a warning where the answer goes to a program on the user’s computer', async () => {
    internet.publish(ID, document({ redirect_uris: ['http://localhost/cb'] }))
    const stop = await hand.toConsent(alice, { client_id: ID, redirect_uri: 'http://localhost:4711/cb' })
    expect(stop.text).toContain('Any program on this computer can receive it')
  })

  test('may have an address of the company, where the operator says that its host is private', async () => {
    const id = 'https://agents.corp.internal/client.json'
    internet.publish(id, document({ client_id: id }))
    internet.move('agents.corp.internal', ['10.1.2.3'])
    internet.move('other.example', ['10.1.2.3'])
    expect((await authorized(id)).status).toBe(200)
    const other = 'https://other.example/client.json'
    internet.publish(other, document({ client_id: other }))
    expect((await page(other)).text).toContain('agents.document_unreachable')
    internet.move('other.example', [PUBLIC])
    world.clock.advance(5_001)
    expect((await authorized(other)).status).toBe(200)
  })

  test('is asked for once and remembered, and again when that is too old', async () => {
    const before = internet.asked.length
    await authorized()
    expect(internet.asked.length - before).toBe(1)
    await authorized()
    expect(internet.asked.length - before).toBe(1)
    world.clock.advance(3600_001)
    await authorized()
    expect(internet.asked.length - before).toBe(2)
  })

  test.each([
    ['for years', 'max-age=315360000', 3600_001],
    ['not at all', 'no-store', 60_001],
    ['for no time', 'max-age=0', 60_001],
  ])('is kept within bounds of ours when its host says %s', async (_, header, milliseconds) => {
    internet.publish(ID, (__, response) => {
      response.setHeader('cache-control', header)
      response.end(JSON.stringify(document()))
    })
    const before = internet.asked.length
    await authorized()
    await authorized()
    expect(internet.asked.length - before).toBe(1)
    world.clock.advance(milliseconds)
    await authorized()
    expect(internet.asked.length - before).toBe(2)
  })

  test('goes on through an outage of its host for a day, and then not', async () => {
    await authorized()
    internet.reachable = false
    world.clock.advance(2 * 3600_000)
    expect((await authorized()).status).toBe(200)
    world.clock.advance(25 * 3600_000)
    expect((await page(ID)).text).toContain('cannot be fetched right now')
    internet.reachable = true
    world.clock.advance(5_001)
    expect((await authorized()).status).toBe(200)
  })

  test('that its host does not describe any more is refused, however good it was before', async () => {
    await authorized()
    internet.publish(ID, undefined)
    world.clock.advance(3600_001)
    expect((await page(ID)).text).toContain('Its host answers 404.')
    internet.publish(ID, (_, response) => response.writeHead(503).end())
    world.clock.advance(60_001)
    expect((await page(ID)).text).toContain('agents.document_unreachable')
  })

  test('at the token endpoint an outage is an outage: the agent is not told that it is nobody', async () => {
    const code = await hand.codeOf(alice, { client_id: ID, redirect_uri: REDIRECT })
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
      client_id: ID,
    }
    await world.restart()
    internet.reachable = false
    expect(await hand.token(form)).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    internet.reachable = true
    world.clock.advance(5_001)
    expect(await hand.token(form)).toMatchObject({ status: 200 })
  })

  test('a refusal is kept for a minute, and then the next try is a try', async () => {
    internet.publish(ID, undefined)
    expect((await page(ID)).text).toContain('agents.document_refused')
    internet.publish(ID, document())
    const before = internet.asked.length
    expect((await page(ID)).text).toContain('agents.document_refused')
    expect(internet.asked.length).toBe(before)
    world.clock.advance(60_001)
    expect((await authorized()).status).toBe(200)
  })

  test('a host is not asked without end for documents that it does not have', async () => {
    const before = internet.asked.length
    for (let n = 0; n < 40; n++) await page(`https://agents.example/none-${n}`)
    const asked = internet.asked.length - before
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThanOrEqual(45)
    expect((await page('https://agents.example/none-x')).text).toContain('agents.document_unreachable')
    // Another host’s agents are not held up by it.
    const other = 'https://other.example/client.json'
    internet.publish(other, document({ client_id: other }))
    expect((await authorized(other)).status).toBe(200)
  })

  test('one that was met before is found, also after a restart, however many ids of its host are invented', async () => {
    await authorized()
    await world.restart()
    for (let n = 0; n < 25; n++) await page(`https://agents.example/none-${n}`)
    expect((await page('https://agents.example/none-x')).text).toContain('agents.document_unreachable')
    expect((await authorized()).status).toBe(200)
  })

  test('whose keys cannot be had is not asked for them at every assertion that anybody sends, but a minute later', async () => {
    const jwks_uri = 'https://agents.example/jwks'
    const signing = {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
    }
    internet.publish(ID, document({ ...signing, jwks_uri }))
    internet.publish(jwks_uri, (_, response) => response.end('{'))
    const code = await hand.codeOf(alice, { client_id: ID, redirect_uri: REDIRECT })
    const redeemed = async () =>
      hand.redeem(code, { redirect_uri: REDIRECT, ...(await hand.proof({ id: ID })) })
    const before = internet.asked.length
    for (let n = 0; n < 30; n++) expect((await redeemed()).body).not.toHaveProperty('access_token')
    expect(internet.asked.slice(before).map(({ url }) => url)).toEqual([jwks_uri])
    world.clock.advance(60_001)
    await redeemed()
    expect(internet.asked.slice(before).filter(({ url }) => url === jwks_uri)).toHaveLength(2)
  })

  test('with other redirect URIs than before, the user is asked again', async () => {
    await authorized()
    const silent = await alice.follow(hand.authorizeUrl({ client_id: ID, redirect_uri: REDIRECT }))
    expect(silent.response).toBeUndefined()
    const moved = 'https://agents.example/moved'
    internet.publish(ID, document({ redirect_uris: [moved] }))
    world.clock.advance(3600_001)
    const stop = await hand.toConsent(alice, { client_id: ID, redirect_uri: moved })
    expect(stop.text).toContain('asks to use')
    const old = await alice.follow(hand.authorizeUrl({ client_id: ID, redirect_uri: REDIRECT }))
    expect(old.response?.status).toBe(400)
    expect(old.text).toContain('invalid_redirect_uri')
  })
})

describe('a document is refused, on a page and not to the agent, that', () => {
  const refusedWith = async (published: Parameters<Internet['publish']>[1], reason: string) => {
    internet.publish(ID, published)
    const { status, text, path } = await page(ID)
    expect([status, path]).toEqual([400, '/authorize'])
    expect(text).toContain('agents.document_refused')
    expect(text).toContain(reason)
  }

  test.each<[string, object, string]>([
    ['names another client', { client_id: `${ID}?x` }, 'Its client_id is not its address'],
    [
      'names itself in other letters',
      { client_id: ID.replace('example', 'EXAMPLE') },
      'Its client_id is not its address',
    ],
    ['names nobody', { client_id: undefined }, 'Its client_id is not its address'],
    ['holds a secret', { client_secret: 'x' }, 'It holds a secret'],
    ['says when a secret expires', { client_secret_expires_at: 0 }, 'It holds a secret'],
    ['wants a shared secret', { token_endpoint_auth_method: 'client_secret_basic' }, 'none, private_key_jwt'],
    [
      'signs with a shared secret',
      { token_endpoint_auth_method: 'client_secret_jwt' },
      'none, private_key_jwt',
    ],
    [
      'signs and has no keys',
      { token_endpoint_auth_method: 'private_key_jwt' },
      'exactly one of jwks and jwks_uri',
    ],
    ['has no redirect URI', { redirect_uris: undefined }, 'redirect_uris'],
    ['redirects to a script', { redirect_uris: ['javascript:alert(1)'] }, 'javascript'],
    ['redirects over http', { redirect_uris: ['http://agents.example/cb'] }, 'http is for 127.0.0.1'],
    ['has no code flow', { response_types: ['token'] }, 'response_types holds code'],
    ['has more than 5 KiB', { padding: 'x'.repeat(5200) }, 'more than 5 KiB'],
  ])('%s', async (_, changed, reason) => refusedWith(document(changed), reason))

  test.each<[string, string, string, string]>([
    ['is a page', 'text/html; charset=utf-8', JSON.stringify(document()), 'It is a web page'],
    ['is no JSON', 'application/json', '{', 'It is not JSON'],
    ['is a list', 'application/json', '[]', 'Its client_id is not its address'],
    [
      'says something twice',
      'application/json',
      `{"client_id":"x",${JSON.stringify(document()).slice(1)}`,
      'It is not JSON',
    ],
  ])('%s', async (_, type, body, reason) =>
    refusedWith((__, response) => response.writeHead(200, { 'content-type': type }).end(body), reason),
  )

  test('is somewhere else: a redirect is not followed', async () => {
    internet.publish('https://other.example/client.json', document())
    internet.publish(ID, (_, response) =>
      response.writeHead(302, { location: 'https://other.example/client.json' }).end(),
    )
    const before = internet.asked.length
    expect((await page(ID)).text).toContain('agents.document_unreachable')
    expect(internet.asked.slice(before).map(({ url }) => url)).not.toContain(
      'https://other.example/client.json',
    )
  })

  test.each(['application/json', 'application/oauth-client+json', 'text/plain', undefined])(
    'but not for its media type %s',
    async (type) => {
      internet.publish(ID, (_, response) => {
        if (type !== undefined) response.setHeader('content-type', type)
        response.end(JSON.stringify(document()))
      })
      expect((await authorized()).status).toBe(200)
    },
  )
})

describe('nobody is asked who an agent is', () => {
  test.each([
    ['at a host that is not listed', 'https://evil.example/client.json', 'agents.host_not_listed'],
    ['at a host below a listed one', 'https://x.agents.example/client.json', 'agents.host_not_listed'],
    [
      'at a host that ends like a listed one',
      'https://evilagents.example/client.json',
      'agents.host_not_listed',
    ],
    ['at another port', 'https://agents.example:8443/client.json', 'agents.host_not_listed'],
    ['without a path', 'https://agents.example', 'agents.document_id_malformed'],
    ['with the root as its path', 'https://agents.example/', 'agents.document_id_malformed'],
    ['with a query', 'https://agents.example/client.json?a=1', 'agents.document_id_malformed'],
    ['with an empty query', 'https://agents.example/client.json?', 'agents.document_id_malformed'],
    ['with a fragment', 'https://agents.example/client.json#a', 'agents.document_id_malformed'],
    ['with dots', 'https://agents.example/a/../client.json', 'agents.document_id_malformed'],
    ['with dots in disguise', 'https://agents.example/a/%2e%2e/client.json', 'agents.document_id_malformed'],
    ['with a user name', 'https://agents.example@evil.example/client.json', 'agents.document_id_malformed'],
    ['in capitals', 'HTTPS://agents.example/client.json', 'agents.document_id_malformed'],
    ['with a host in capitals', 'https://AGENTS.example/client.json', 'agents.document_id_malformed'],
    [
      'with the port that need not be said',
      'https://agents.example:443/client.json',
      'agents.document_id_malformed',
    ],
    ['at an address', 'https://127.0.0.1/client.json', 'agents.host_not_listed'],
    ['over http', 'http://agents.example/client.json', 'invalid_client'],
  ])('%s', async (_, id, code) => {
    const before = [internet.asked.length, internet.resolved.length]
    const { status, text } = await page(id)
    expect(status).toBe(400)
    expect(text).toContain(code)
    expect([internet.asked.length, internet.resolved.length]).toEqual(before)
  })
})
