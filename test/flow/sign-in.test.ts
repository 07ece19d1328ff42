import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, type Stop } from '../support/by-hand.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let hand: ReturnType<typeof byHand>
beforeAll(async () => {
  world = await openWorld()
  hand = byHand(world)
})
afterAll(() => world.close())

const alice = { username: 'alice', password: 'alice-password' }
const newPerson = () => createPerson(world.publicUrl)
const toSignIn = (person = newPerson()): Promise<Stop> => person.follow(hand.authorizeUrl())
const post = (url: string | URL, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: { origin: world.publicUrl, ...headers },
    redirect: 'manual',
  })
/** Of the agent, by the clock of the service. */
const proof = () => hand.proof({ claims: { iat: undefined, exp: Math.floor(world.clock.now() / 1000) + 60 } })
const sessionOf = (response: Response) =>
  response.headers.getSetCookie().find((it) => it.startsWith('tetrapod_session'))

describe('the sign-in page', () => {
  test('runs no script, loads nothing, is framed by nobody and is kept by nobody', async () => {
    const { response, body } = await toSignIn()
    const policy = response?.headers.get('content-security-policy') ?? ''
    for (const rule of [
      "default-src 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      expect(policy).toContain(rule)
    expect(policy).not.toMatch(/script-src|unsafe|\*|https?:/)
    expect(response?.headers.get('x-frame-options')).toBe('DENY')
    expect(response?.headers.get('cache-control')).toBe('no-store')
    expect(body).not.toMatch(/<script|<img|<link|<iframe|\son[a-z]+=|javascript:|\bstyle="/i)
  })

  test('writes what the agent hints at into the form as text, and cuts what is too long', async () => {
    const hinted = await newPerson().follow(hand.authorizeUrl({ login_hint: '"><b id=x>' }))
    expect(hinted.body).not.toContain('<b id=x>')
    const long = await newPerson().follow(hand.authorizeUrl({ login_hint: 'x'.repeat(2000) }))
    expect(long.response?.status).toBe(200)
  })

  test('answers a wrong password and an unknown name with the same page, which names neither as wrong', async () => {
    const { url } = await toSignIn()
    const page = async (username: string) => {
      const answer = await post(url, { username, password: 'wrong' })
      expect(answer.status).toBe(401)
      expect(sessionOf(answer)).toBeUndefined()
      return (await answer.text()).replaceAll(username, 'NAME')
    }
    expect(await page('alice')).toBe(await page('nobody'))
  })

  test.each([
    ['no password', { username: 'alice' }],
    ['a field more', { ...alice, admin: 'true' }],
    ['a huge password', { username: 'alice', password: 'x'.repeat(2000) }],
    ['a user name longer than any', { username: 'x'.repeat(65), password: 'alice-password' }],
  ])('refuses a form with %s', async (_, fields) => {
    const answer = await post((await toSignIn()).url, fields)
    expect(answer.status).toBe(400)
    expect(sessionOf(answer)).toBeUndefined()
  })

  test('takes a user name of 64 characters, whatever they are', async () => {
    const answer = await post((await toSignIn()).url, { username: '🦎'.repeat(64), password: 'x' })
    expect(answer.status).toBe(401)
  })

  test('refuses a form in which a field is there twice', async () => {
    const answer = await fetch((await toSignIn()).url, {
      method: 'POST',
      body: 'username=alice&password=wrong&password=alice-password',
      headers: { origin: world.publicUrl, 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(answer.status).toBe(400)
  })

  test.each([
    ['another site', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['a page without an origin', { origin: 'null' }],
  ])('refuses a form from %s: nobody is signed in as somebody else by it', async (_, headers) => {
    const answer = await post((await toSignIn()).url, alice, headers)
    expect(answer.status).toBe(403)
    expect(sessionOf(answer)).toBeUndefined()
  })

  test('refuses a form that says no origin', async () => {
    const { url } = await toSignIn()
    const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(alice) })
    expect(answer.status).toBe(403)
  })
})

describe('where a sign-in leads', () => {
  const bent = (url: URL, bend: (ticket: string) => string) => {
    const to = new URL(url)
    to.searchParams.set('to', bend(url.searchParams.get('to') ?? ''))
    return to
  }

  test.each([
    ['no ticket', () => ''],
    ['an address instead of a ticket', () => 'https://evil.example/'],
    ['a path of ours instead of a ticket', () => '/authorize'],
    ['a changed ticket', (it: string) => `${it.slice(0, -4)}AAAA`],
    ['a shortened ticket', (it: string) => it.slice(0, 40)],
  ])('%s leads nowhere and signs nobody in', async (_, bend) => {
    const url = bent((await toSignIn()).url, bend)
    for (const answer of [await fetch(url), await post(url, alice)]) {
      expect(answer.status).toBe(400)
      expect(sessionOf(answer)).toBeUndefined()
      expect(await answer.text()).not.toMatch(/evil\.example|http-equiv="refresh"/)
    }
  })

  test('a ticket that says something else (that somebody signed in) is none', async () => {
    const { url } = await toSignIn()
    const answer = await (await post(url, alice)).text()
    const proof = /signed-in=([\w-]+)/.exec(answer)?.[1] ?? ''
    expect(proof).not.toBe('')
    expect(
      (
        await post(
          bent(url, () => proof),
          alice,
        )
      ).status,
    ).toBe(400)
  })

  test('a second destination beside the ticket changes nothing', async () => {
    const { url } = await toSignIn()
    const answer = await post(`${url.href}&to=https://evil.example/&next=https://evil.example/`, alice)
    expect(await answer.text()).not.toContain('evil.example')
  })
})

describe('the session cookie', () => {
  test('is for this host alone, unread by scripts, sent by no other site’s form', async () => {
    const cookie = sessionOf(await post((await toSignIn()).url, alice)) ?? ''
    const port = new URL(world.publicUrl).port
    const [pair, ...attributes] = cookie.split('; ')
    expect(pair).toMatch(new RegExp(`^tetrapod_session_${port}=[\\w-]{43}$`))
    expect(attributes.toSorted()).toEqual(['HttpOnly', 'Max-Age=43200', 'Path=/', 'SameSite=Lax'])
  })

  test('is a new one at every sign-in, whatever the browser brought along', async () => {
    const { url } = await toSignIn()
    const name = `tetrapod_session_${new URL(world.publicUrl).port}`
    const fixed = `${name}=${'A'.repeat(43)}`
    const cookies = await Promise.all(
      [1, 2].map(async () => sessionOf(await post(url, alice, { cookie: fixed }))?.split(';')[0]),
    )
    expect(new Set([...cookies, fixed]).size).toBe(3)
  })

  test('is worth nothing once the browser that has it signs in again', async () => {
    const person = newPerson()
    await person.submit(await toSignIn(person), alice)
    expect((await toSignIn(person)).url.pathname).not.toBe('/sign-in')
    await post((await toSignIn()).url, alice, { cookie: person.cookies(world.publicUrl) })
    expect((await toSignIn(person)).url.pathname).toBe('/sign-in')
  })

  test('is no sign-in when somebody made it up', async () => {
    const { status, headers } = await fetch(hand.authorizeUrl(), {
      headers: { cookie: `tetrapod_session_${new URL(world.publicUrl).port}=${'A'.repeat(43)}` },
      redirect: 'manual',
    })
    expect(status).toBe(303)
    expect(headers.get('location')).toMatch(/^\/interaction\//)
  })

  test('ends after twelve hours', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    world.clock.advance(12 * 3600_000 + 1000)
    expect((await person.follow(hand.authorizeUrl())).url.pathname).toBe('/sign-in')
  })
})

describe('a user whom the configuration no longer has', () => {
  const without = (text: string) => text.replace(/^ {2}alice:.*\n/m, '')

  test('is asked to sign in, also on the way to consent, and somebody else can', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    const stop = await hand.toConsent(person, { prompt: 'consent' })
    await world.restart(without)
    for (const url of [hand.authorizeUrl(), stop.url.href]) {
      const asked = await person.follow(url)
      expect([asked.response?.status, asked.url.pathname]).toEqual([200, '/sign-in'])
    }
    expect((await person.submit(stop, { decision: 'allow' })).response?.status).toBe(401)
    const agreed = await hand.callback(person, { prompt: 'consent' }, 'bob')
    expect(agreed.searchParams.has('code')).toBe(true)
    await world.restart()
  })

  test('gets no token for a code from before', async () => {
    const person = newPerson()
    const code = await hand.codeOf(person)
    await world.restart(without)
    expect((await hand.redeem(code, await proof())).body['error']).toBe('invalid_grant')
    await world.restart()
  })
})

describe('who guesses passwords', () => {
  test.each(['bob', 'nobody'])('of %s has to wait after five, and is told how long', async (username) => {
    const { url } = await toSignIn()
    const tries: Response[] = []
    for (let i = 0; i < 6; i++) tries.push(await post(url, { username, password: 'wrong' }))
    expect(tries.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429])
    const [last] = tries.slice(-1)
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(last?.headers.get('content-type')).toContain('text/html')
    expect(await last?.text()).toContain('too many wrong passwords for this user name')
    const right = { username, password: `${username}-password` }
    expect((await post(url, right)).status).toBe(429)
    world.clock.advance(2000)
    expect((await post(url, right)).status).toBe(username === 'bob' ? 200 : 401)
  })

  test('is in the log once, without the name', () => {
    const warnings = world.logged.filter((line) => line.includes('wrong passwords in a row'))
    expect(warnings).toHaveLength(2)
    expect(warnings.join('\n')).not.toMatch(/bob|nobody/)
  })

  test('of many names at once keeps two threads busy and lets sixteen wait, no more', async () => {
    const { url } = await toSignIn()
    const tries = await Promise.all(
      Array.from({ length: 60 }, (_, i) => post(url, { username: `nobody-${i}`, password: 'wrong' })),
    )
    const busy = tries.filter(({ status }) => status === 429)
    expect(busy.length).toBeGreaterThan(0)
    expect(tries.filter(({ status }) => status === 401).length).toBeGreaterThanOrEqual(18)
    expect(busy[0]?.headers.get('retry-after')).toBe('2')
    expect(await busy[0]?.text()).toContain('Too many people are signing in')
  })
})

describe('another person in the same browser', () => {
  const userOf = async (code: string) => {
    const { body } = await hand.redeem(code, await proof())
    const [, claims = ''] = String(body['access_token']).split('.')
    const { sub_id } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub_id: { sub: string } }
    return sub_id.sub
  }

  test('who signs in gets a token for themselves and never for the one before', async () => {
    const person = newPerson()
    expect(await userOf(await hand.codeOf(person, {}, 'alice'))).toBe('alice')
    expect(await userOf(await hand.codeOf(person, { prompt: 'login' }, 'bob'))).toBe('bob')
    expect(await userOf(await hand.codeOf(person, {}, 'nobody: no page asks'))).toBe('bob')
  })

  test('the library’s own session of the one before counts for nothing once another person signed in', async () => {
    const person = newPerson()
    const { url } = await toSignIn(person)
    await hand.codeOf(person, {}, 'alice')
    const bob = new URLSearchParams({ username: 'bob', password: 'bob-password' })
    await person.send(url.href, { method: 'POST', body: bob, headers: { origin: world.publicUrl } })
    expect(await userOf(await hand.codeOf(person, {}, 'nobody: no page asks'))).toBe('bob')
  })

  test('prompt=login is not content with a session from before, however young', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    expect((await person.follow(hand.authorizeUrl({ prompt: 'login' }))).url.pathname).toBe('/sign-in')
  })

  test('max_age=0 asks for a sign-in of its own too', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    const asked = hand.authorizeUrl({ max_age: '0', scope: 'openid crm.read' })
    expect((await person.follow(asked)).url.pathname).toBe('/sign-in')
  })
})
