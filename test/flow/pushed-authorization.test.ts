import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, byHand, createPerson, type Form, type Person } from '../support/by-hand.ts'
import { byOther, openWorld, twoAgents, type World } from '../support/world.ts'

describe('a pushed authorization request', () => {
  let world: World
  let hand: ReturnType<typeof byHand>
  let alice: Person
  beforeAll(async () => {
    world = await openWorld({ amend: twoAgents })
    hand = byHand(world)
    alice = createPerson(world.publicUrl)
    await hand.codeOf(alice)
  })
  afterAll(() => world.close())

  const pushed = async (parameters: Form = {}): Promise<string> => {
    const { status, body } = await hand.push(parameters)
    expect(status).toBe(201)
    return String(body['request_uri'])
  }
  const urlOf = (request_uri: string, more: Readonly<Record<string, string>> = {}) =>
    `${world.publicUrl}/authorize?${new URLSearchParams({ client_id: 'assistant', request_uri, ...more }).toString()}`
  const errorOf = ({ body }: Answer) => body['error']

  test('is answered with a request_uri for a minute, which leads to a code', async () => {
    const { status, body } = await hand.push()
    expect(status).toBe(201)
    expect(Object.keys(body).toSorted()).toEqual(['expires_in', 'request_uri'])
    expect(body['expires_in']).toBe(60)
    expect(body['request_uri']).toMatch(/^urn:ietf:params:oauth:request_uri:[\w-]{43,}$/)
    const { url } = await alice.follow(urlOf(String(body['request_uri'])))
    expect([...url.searchParams.keys()].toSorted()).toEqual(['code', 'iss', 'state'])
    expect(url.searchParams.get('state')).toBe('the-state')
    expect((await hand.redeem(url.searchParams.get('code') ?? '')).status).toBe(200)
  })

  test('without a scope asks for all that the mount has, as any other', async () => {
    const person = createPerson(world.publicUrl)
    const stop = await person.follow(urlOf(await pushed({ scope: undefined })))
    const consent = await person.submit(stop, { username: 'bob', password: 'bob-password' })
    expect(consent.text).toContain('Change your customers crm.write')
  })

  describe('is refused, and kept by nobody:', () => {
    test.each<[string, number, string, Form]>([
      [
        'no client authentication',
        401,
        'invalid_client',
        { client_assertion: undefined, client_assertion_type: undefined },
      ],
      ['the key of nobody', 401, 'invalid_client', { client_assertion: 'e30.e30.x' }],
      ['a request_uri in it', 400, 'invalid_request', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }],
      ['a request object', 400, 'request_not_supported', { request: 'e30.e30.' }],
      [
        'no PKCE challenge',
        400,
        'invalid_request',
        { code_challenge: undefined, code_challenge_method: undefined },
      ],
      ['a plain challenge', 400, 'invalid_request', { code_challenge_method: 'plain' }],
      [
        'a redirect URI that is not registered',
        400,
        'invalid_request',
        { redirect_uri: 'https://evil.example/' },
      ],
      ['a resource nobody knows', 400, 'invalid_target', { resource: 'https://elsewhere.example/mcp' }],
      ['no resource', 400, 'invalid_target', { resource: undefined }],
      ['another response type', 400, 'invalid_request', { response_type: 'token' }],
      ['the response mode fragment', 400, 'invalid_request', { response_mode: 'fragment' }],
      ['another agent’s name', 400, 'invalid_request', { client_id: 'other' }],
    ])('%s', async (_, status, error, parameters) => {
      const refused = await hand.push(parameters)
      expect([refused.status, errorOf(refused)]).toEqual([status, error])
      expect(refused.body).not.toHaveProperty('request_uri')
    })

    test.each([
      ['the PAR endpoint', (issuer: string) => `${issuer}/par`],
      ['the token endpoint', (issuer: string) => `${issuer}/token`],
      ['two audiences', (issuer: string) => [issuer, 'https://evil.example']],
    ])('an assertion for %s', async (_, aud) => {
      const proof = await hand.proof({ claims: { aud: aud(world.publicUrl) } })
      expect(errorOf(await hand.push(proof))).toBe('invalid_client')
    })

    test('an assertion that the token endpoint has seen', async () => {
      const proof = await hand.proof()
      await hand.redeem('x', proof)
      expect(errorOf(await hand.push(proof))).toBe('invalid_client')
    })

    test('a state of more than 1 KiB, parameters of more than 4 KiB', async () => {
      expect((await hand.push({ state: 's'.repeat(1024) })).status).toBe(201)
      expect((await hand.push({ state: 's'.repeat(1025) })).status).toBe(413)
      expect((await hand.push({ extra: 'n'.repeat(3000) })).status).toBe(201)
      expect((await hand.push({ extra: 'n'.repeat(4000) })).status).toBe(413)
      expect((await hand.push({ extra: 'n'.repeat(60_000) })).status).toBe(413)
    })

    test('parameters in the query', async () => {
      const body = new URLSearchParams((await hand.proof()) as Record<string, string>)
      const query = new URL(hand.authorizeUrl()).search
      const answer = await fetch(`${world.publicUrl}/par${query}`, { method: 'POST', body })
      expect(answer.status).toBe(400)
    })

    test('GET', async () => {
      expect((await fetch(`${world.publicUrl}/par`)).status).toBe(404)
    })
  })

  describe('at the authorization endpoint', () => {
    const refused = async (url: string) => {
      const { url: at, response, body } = await alice.follow(url)
      expect(at.origin).toBe(world.publicUrl)
      expect(response?.status).toBe(400)
      expect(body).not.toContain('code=')
    }

    test('is all there is: what stands beside it in the query is not read', async () => {
      const beside = {
        redirect_uri: 'https://evil.example/',
        state: 'another',
        scope: 'crm.write',
        code_challenge: 'another',
        resource: world.mount('notes'),
        prompt: 'login',
      }
      const { url } = await alice.follow(urlOf(await pushed(), beside))
      expect(`${url.origin}${url.pathname}`).toBe(world.urls.agent)
      expect(url.searchParams.get('state')).toBe('the-state')
      const { body } = await hand.redeem(url.searchParams.get('code') ?? '')
      expect(decodeJwt(String(body['access_token']))).toMatchObject({
        aud: world.mount('crm'),
        scope: 'crm.read',
      })
    })

    test('is nothing to another agent, and is not used up by it', async () => {
      const uri = await pushed()
      await refused(urlOf(uri, { client_id: 'other' }))
      expect((await alice.follow(urlOf(uri))).url.searchParams.has('code')).toBe(true)
      const theirs = await hand.push({ ...byOther })
      expect(theirs.status).toBe(201)
      await refused(urlOf(String(theirs.body['request_uri'])))
    })

    test('is used once', async () => {
      const uri = await pushed()
      expect((await alice.follow(urlOf(uri))).url.searchParams.has('code')).toBe(true)
      await refused(urlOf(uri))
    })

    test('that nobody pushed is none', async () => {
      await refused(urlOf('urn:ietf:params:oauth:request_uri:nobody'))
      await refused(urlOf(`${await pushed()}x`))
    })

    test('used fifty times at once becomes one code', async () => {
      const uri = await pushed()
      const answers = await Promise.all(Array.from({ length: 50 }, () => alice.send(urlOf(uri))))
      const codes = answers.filter((answer) => answer.headers.get('location')?.includes('code='))
      expect(codes).toHaveLength(1)
    })
  })

  test('of clients that prove nothing is limited in number, and of those that do it is not', async () => {
    const anybody = () =>
      fetch(`${world.publicUrl}/par`, { method: 'POST', body: new URLSearchParams({ client_id: 'anybody' }) })
    const answers = await Promise.all(Array.from({ length: 150 }, anybody))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(20)
    expect(refused[0]?.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(await refused[0]?.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect((await hand.push()).status).toBe(201)
  })
})

describe('a pushed authorization request in time', () => {
  let world: World
  let hand: ReturnType<typeof byHand>
  beforeAll(async () => {
    world = await openWorld()
    hand = byHand(world)
  })
  afterAll(() => world.close())
  const push = async (parameters: Form = {}) => {
    const exp = Math.floor(world.clock.now() / 1000) + 60
    const { body } = await hand.push({
      ...(await hand.proof({ claims: { iat: undefined, exp } })),
      ...parameters,
    })
    const query = new URLSearchParams({ client_id: 'assistant', request_uri: String(body['request_uri']) })
    return `${world.publicUrl}/authorize?${query.toString()}`
  }

  test('is worth nothing after a minute', async () => {
    const person = createPerson(world.publicUrl)
    await hand.codeOf(person)
    const [one, two] = [await push(), await push()]
    world.clock.advance(59_000)
    expect((await person.follow(one)).url.searchParams.has('code')).toBe(true)
    world.clock.advance(1000)
    expect((await person.follow(two)).response?.status).toBe(400)
  })

  test('that led two people to their pages becomes one code, however long they stay there', async () => {
    const url = await push({ prompt: 'consent' })
    const people = [createPerson(world.publicUrl), createPerson(world.publicUrl)]
    const stops = []
    for (const [nth, person] of people.entries()) {
      const username = ['alice', 'bob'][nth] ?? ''
      stops.push(
        await person.submit(await person.follow(url), { username, password: `${username}-password` }),
      )
    }
    world.clock.advance(10 * 60_000)
    const ends = []
    for (const [nth, person] of people.entries())
      ends.push(await person.submit(stops[nth] as (typeof stops)[0], { decision: 'allow' }))
    const answers = ends.map(({ url }) => url.searchParams)
    expect(answers.map((answer) => answer.has('code'))).toEqual([true, false])
    expect(answers[1]?.get('error')).toBe('invalid_request_uri')
    expect(answers[1]?.get('iss')).toBe(world.publicUrl)
  })
})
