import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formsOf } from '../../demo/src/walk/html-forms.ts'
import { byHand, createPerson, type Person, type Stop } from '../support/by-hand.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let hand: ReturnType<typeof byHand>
beforeAll(async () => {
  world = await openWorld()
  hand = byHand(world)
})
afterAll(() => world.close())

const findCustomer = { name: 'find_customer', arguments: { query: 'a' } }
const newPerson = () => createPerson(world.publicUrl)
const isConsent = ({ url, text }: Stop) =>
  url.pathname.startsWith('/interaction/') && text.includes('asks to use')
const allow = (url: URL | string, headers: Record<string, string>) =>
  fetch(url, {
    method: 'POST',
    body: new URLSearchParams({ decision: 'allow' }),
    headers: { origin: world.publicUrl, ...headers },
    redirect: 'manual',
  })

/** A person at a consent page that nobody answered yet. */
async function asked(username = 'alice', parameters: Parameters<typeof hand.toConsent>[1] = {}) {
  const person = newPerson()
  const stop = await hand.toConsent(person, { prompt: 'consent', ...parameters }, username)
  expect(isConsent(stop)).toBe(true)
  return { person, stop }
}

/** The page with one of its boxes unticked. */
function unticked(stop: Stop, scope: string): Stop {
  const box = new RegExp(`(name="scope:${scope.replace('.', '\\.')}"[^>]*?) checked`)
  expect(stop.body).toMatch(box)
  return { ...stop, body: stop.body.replace(box, '$1') }
}

/** What a grant holds, as operators see it. */
async function mountsOf(grant: string): Promise<unknown> {
  const { text } = await ask(world.service.socket, 'GET', '/grants')
  const { grants } = JSON.parse(text) as { grants: readonly { id: string; mounts: unknown }[] }
  return grants.find(({ id }) => id === grant)?.mounts
}

async function nothingGrantedBy(user: string): Promise<void> {
  const { text } = await ask(world.service.socket, 'GET', '/grants')
  const { grants } = JSON.parse(text) as { grants: readonly { id: string; username: string }[] }
  for (const { id, username } of grants)
    if (username === user) await ask(world.service.socket, 'POST', `/grants/${id}/revoke`)
}

/** Whether the person is still asked: nobody answered for them. */
async function stillAsked(person: Person, { url }: Stop): Promise<boolean> {
  return isConsent(await person.follow(url.href))
}

describe('the consent page', () => {
  test('says who asks, for whom, what for, what that reaches, until when and where the answer goes', async () => {
    const { stop } = await asked('alice', { scope: 'crm.read crm.write' })
    expect(stop.text).toContain('Let Test assistant act for you?')
    expect(stop.text).toContain('signed in as Alice Adams')
    expect(stop.text).toContain('Customers')
    expect(stop.text).toMatch(
      /Read your customers crm\.read and through it, at Payroll: Read your payslips payroll\.read/,
    )
    expect(stop.text).toContain('Change your customers crm.write')
    expect(stop.text).not.toContain('Pay somebody')
    expect(stop.text).toContain(new URL(world.urls.agent).host)
    expect(stop.text).toContain('For 30 days 7 days 1 day 1 hour Or until you take it back')
  })

  test('runs no script, loads nothing and is framed by nobody', async () => {
    const { stop } = await asked()
    const policy = stop.response?.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(stop.body).not.toMatch(/<script|<img|<link|<iframe|\son[a-z]+=|javascript:/i)
  })

  test('a hostile name is a harmless word', async () => {
    const world = await openWorld({
      amend: (text) =>
        text.replace('name: Test assistant', 'name: "<img src=x>\\u202Egnp.\\u2066\\u200B your bank"'),
    })
    const { body, text } = await byHand(world).toConsent(createPerson(world.publicUrl))
    expect(body).not.toContain('<img')
    expect(body).not.toMatch(/[\u202A-\u202E\u2066-\u2069\u200B]/)
    expect(text).toContain('Let <img src=x>gnp. your bank act for you?')
    await world.close()
  })

  test('a no goes back to the agent as access_denied, with iss and state, and gives nothing', async () => {
    const person = newPerson()
    const stop = await hand.toConsent(person, { scope: 'crm.write', prompt: 'consent' }, 'bob')
    const { url } = await person.submit(stop, { decision: 'deny' })
    expect(Object.fromEntries(url.searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The user did not agree.',
      iss: world.publicUrl,
      state: 'the-state',
    })
    expect(isConsent(await person.follow(hand.authorizeUrl({ scope: 'crm.write' })))).toBe(true)
  })

  test('an answer that is neither yes nor no is refused', async () => {
    const { person, stop } = await asked()
    const { response } = await person.submit(stop, { decision: 'maybe' })
    expect(response?.status).toBe(400)
  })
})

describe('nobody agrees for somebody else:', () => {
  test('another browser, signed in or not, has no part in it', async () => {
    const { person, stop } = await asked()
    const mallory = newPerson()
    await hand.codeOf(mallory, {}, 'bob')
    for (const cookie of ['', mallory.cookies(stop.url.href), mallory.cookies(`${world.publicUrl}/`)]) {
      expect((await allow(stop.url, { cookie })).status).toBe(404)
    }
    expect(await stillAsked(person, stop)).toBe(true)
  })

  test.each(['https://evil.example', 'null', 'http://127.0.0.1:1'])(
    'a page of %s cannot press the button',
    async (origin) => {
      const { person, stop } = await asked()
      const answer = await allow(stop.url, { cookie: person.cookies(stop.url.href), origin })
      expect(answer.status).toBe(403)
      expect(await stillAsked(person, stop)).toBe(true)
    },
  )

  test('the cookie of one interaction does not answer another', async () => {
    const { person, stop } = await asked('alice')
    const mallory = await asked('bob')
    const cookie = mallory.person.cookies(mallory.stop.url.href)
    expect((await allow(stop.url, { cookie })).status).toBe(404)
    expect(await stillAsked(person, stop)).toBe(true)
  })

  test('a consent page does not count for whoever signed in since', async () => {
    const { person, stop } = await asked('alice', { scope: 'crm.read crm.write' })
    const other = await person.follow(hand.authorizeUrl({ prompt: 'login' }))
    const bob = new URLSearchParams({ username: 'bob', password: 'bob-password' })
    const origin = world.publicUrl
    await person.send(other.url.href, { method: 'POST', body: bob, headers: { origin } })
    const { response, url } = await person.submit(stop, { decision: 'allow' })
    expect(response?.status).toBe(401)
    expect(url.searchParams.has('code')).toBe(false)
    expect((await person.follow(stop.url.href)).text).not.toContain('Alice')
  })

  test('a page counts for what it showed: where that has changed since, it is shown again and nothing is given', async () => {
    const scope = 'crm.read crm.write'
    const { person, stop } = await asked('bob', { scope })
    await world.restart((text) =>
      text.replace('{ crm.read: [payroll.read] }', '{ crm.read: [payroll.read], crm.write: [payroll.pay] }'),
    )
    const again = await person.submit(stop, { decision: 'allow' })
    expect(again.response?.status).toBe(409)
    expect(again.text).toContain('has changed since you opened this page')
    expect(again.text).toContain('Pay somebody')
    expect(await stillAsked(person, stop)).toBe(true)
    // Once it was shown, it counts.
    expect((await person.submit(again, { decision: 'allow' })).url.searchParams.has('code')).toBe(true)
    await world.restart()
  })

  test.each([
    ['other words', (text: string) => text.replace('Read your payslips', 'Read all payslips')],
    ['another name of the agent', (text: string) => text.replace('Test assistant', 'Best assistant')],
    ['another name of the server', (text: string) => text.replace('name: Customers', 'name: Clients')],
  ])('a page does not count for %s', async (_, change) => {
    const { person, stop } = await asked()
    await world.restart(change)
    expect((await person.submit(stop, { decision: 'allow' })).response?.status).toBe(409)
    await world.restart()
  })

  test('a page does not count for what was agreed to since, which it would prolong unseen', async () => {
    const person = newPerson()
    await nothingGrantedBy('bob')
    const open = await hand.toConsent(person, { prompt: 'consent' }, 'bob')
    await hand.codeOf(person, { scope: 'crm.write', prompt: 'consent' })
    const again = await person.submit(open, { decision: 'allow' })
    expect([again.response?.status, again.text.includes('You allowed more here before')]).toEqual([409, true])
    expect((await person.submit(again, { decision: 'allow' })).url.searchParams.has('code')).toBe(true)
  })

  test('a form of another page, of none, or made up does not count', async () => {
    const { person, stop } = await asked('alice', { scope: 'crm.read crm.write' })
    const narrower = /name="shown" value="([\w-]+)"/.exec((await asked()).stop.body)?.[1] ?? ''
    expect(narrower).not.toBe('')
    expect((await person.submit(stop, { decision: 'allow', shown: narrower })).response?.status).toBe(409)
    for (const shown of ['', 'made-up']) {
      expect((await person.submit(stop, { decision: 'allow', shown })).response?.status).toBe(400)
    }
    expect((await allow(stop.url, { cookie: person.cookies(stop.url.href) })).status).toBe(400)
    expect(await stillAsked(person, stop)).toBe(true)
  })

  test('an answer counts once', async () => {
    const { person, stop } = await asked()
    const cookie = person.cookies(stop.url.href)
    await person.submit(stop, { decision: 'allow' })
    expect((await allow(stop.url, { cookie })).status).toBe(404)
  })
})

describe('a person takes away what they do not want:', () => {
  const scope = 'crm.read crm.write'
  const claimsOf = async (code: string) => {
    const { body } = await hand.redeem(code, await proof())
    const token = String(body['access_token'])
    return { ...decodeJwt<{ scope: string; exp: number; dlg: { gid: string } }>(token), token, body }
  }
  const proof = () =>
    hand.proof({ claims: { iat: undefined, exp: Math.floor(world.clock.now() / 1000) + 60 } })
  const codeIn = ({ url }: Stop) => {
    expect(url.searchParams.has('code')).toBe(true)
    return url.searchParams.get('code') ?? ''
  }

  test('everything is ticked, and thirty days are proposed', async () => {
    const { stop } = await asked('alice', { scope })
    const [form] = formsOf(stop.body)
    expect(form?.fields).toMatchObject({
      'scope:crm.read': 'on',
      'scope:crm.write': 'on',
      lasts: String(30 * 24 * 3600),
    })
  })

  test('the token and the grant hold what was left, and nobody is asked in circles', async () => {
    const { person, stop } = await asked('alice', { scope })
    const claims = await claimsOf(
      codeIn(await person.submit(unticked(stop, 'crm.read'), { decision: 'allow' })),
    )
    expect([claims.scope, claims.body['scope']]).toEqual(['crm.write', 'crm.write'])
    expect(await mountsOf(claims.dlg.gid)).toMatchObject({ crm: { scopes: ['crm.write'], calls: {} } })
    expect(
      (await person.follow(hand.authorizeUrl({ scope: 'crm.write' }))).url.searchParams.has('code'),
    ).toBe(true)
  })

  test('what was taken away is asked for again when the agent wants it again', async () => {
    const { person, stop } = await asked('alice', { scope })
    await person.submit(unticked(stop, 'crm.read'), { decision: 'allow' })
    for (const wanted of ['crm.read', scope]) {
      expect(isConsent(await person.follow(hand.authorizeUrl({ scope: wanted })))).toBe(true)
    }
    const again = await person.follow(hand.authorizeUrl({ scope: 'crm.read' }))
    expect(again.text).toContain(
      'You allowed more here before, and it will end at the same time: Change your customers crm.write',
    )
    await person.submit(again, { decision: 'allow' })
    expect((await person.follow(hand.authorizeUrl({ scope }))).url.searchParams.has('code')).toBe(true)
  })

  test('what is taken away on a later page is taken from the tokens that are out, and from the next refresh', async () => {
    const person = newPerson()
    const { body } = await hand.redeem(await hand.codeOf(person, { scope, prompt: 'consent' }))
    const token = String(body['access_token'])
    const { dlg } = decodeJwt<{ dlg: { gid: string } }>(token)
    const call = () => send(rpc({ url: world.mount('crm'), token, params: findCustomer }))
    expect((await call()).status).toBe(200)
    const stop = await person.follow(hand.authorizeUrl({ scope, prompt: 'consent' }))
    await person.submit(unticked(stop, 'crm.read'), { decision: 'allow' })
    expect((await call()).status).toBe(403)
    expect(await mountsOf(dlg.gid)).toMatchObject({ crm: { scopes: ['crm.write'] } })
    expect((await hand.refresh(String(body['refresh_token']))).body['scope']).toBe('crm.write')
  })

  test('a box that the page did not show is refused: nothing is given', async () => {
    const { person, stop } = await asked('bob', { scope: 'crm.read' })
    for (const box of ['scope:crm.write', 'scope:notes.read', 'scope:__proto__', 'crm.write', 'openid']) {
      const { response, text } = await person.submit(stop, { decision: 'allow', [box]: 'on' })
      expect([response?.status, text.includes('did not show')]).toEqual([400, true])
    }
    expect((await person.submit(stop, { decision: 'allow', 'scope:crm.read': 'yes' })).response?.status).toBe(
      400,
    )
    expect(await stillAsked(person, stop)).toBe(true)
  })

  test('who takes everything away is told so, and gives nothing', async () => {
    const { person, stop } = await asked('alice', { scope })
    const none = unticked(unticked(stop, 'crm.read'), 'crm.write')
    const again = await person.submit(none, { decision: 'allow', lasts: '3600' })
    expect(again.response?.status).toBe(400)
    expect(again.text).toContain('Leave at least one, or do not allow it.')
    // The page is as they left it.
    const [form] = formsOf(again.body)
    expect(form?.fields).toEqual({ shown: expect.any(String) as string, lasts: '3600' })
    expect(await stillAsked(person, stop)).toBe(true)
    const { url } = await person.submit(none, { decision: 'deny' })
    expect(url.searchParams.get('error')).toBe('access_denied')
  })

  test.each(['', '0', '-3600', '3601', '31536000', '3600.0', '1e9', 'forever'])(
    'a time of %j, which the page does not offer, is refused',
    async (lasts) => {
      const { person, stop } = await asked()
      expect((await person.submit(stop, { decision: 'allow', lasts })).response?.status).toBe(400)
      expect(await stillAsked(person, stop)).toBe(true)
    },
  )

  test('an hour is an hour: its last token ends with it, and afterwards the person is asked again', async () => {
    const world = await openWorld()
    const hand = byHand(world)
    const person = createPerson(world.publicUrl)
    const proof = () =>
      hand.proof({ claims: { iat: undefined, exp: Math.floor(world.clock.now() / 1000) + 60 } })
    const notes = { resource: world.mount('notes'), scope: 'notes.read' }
    await hand.codeOf(person)
    await person.submit(await person.follow(hand.authorizeUrl(notes)), { decision: 'allow', lasts: '3600' })
    world.clock.advance(3600_000 - 100_000)
    const { url } = await person.follow(hand.authorizeUrl(notes))
    const { body } = await hand.redeem(url.searchParams.get('code') ?? '', {
      ...(await proof()),
      resource: notes.resource,
    })
    expect(Number(body['expires_in'])).toBeGreaterThan(80)
    expect(Number(body['expires_in'])).toBeLessThanOrEqual(100)
    world.clock.advance(100_000)
    expect(isConsent(await person.follow(hand.authorizeUrl(notes)))).toBe(true)
    // The other server's part was neither shortened by that, nor ended with it.
    expect((await person.follow(hand.authorizeUrl())).url.searchParams.has('code')).toBe(true)
    await world.close()
  })
})

describe('a consent lasts, for what it showed:', () => {
  test('who agreed is not asked again, for the same or for less', async () => {
    const person = newPerson()
    await hand.codeOf(person, { scope: 'crm.read crm.write', prompt: 'consent' })
    for (const scope of ['crm.read crm.write', 'crm.read']) {
      const { url } = await person.follow(hand.authorizeUrl({ scope }))
      expect(url.searchParams.has('code')).toBe(true)
    }
    const { url } = await person.follow(hand.authorizeUrl({ prompt: 'none' }))
    expect(url.searchParams.has('code')).toBe(true)
  })

  test('a token gets the scopes it was asked for, not all that the grant holds', async () => {
    const person = newPerson()
    await hand.codeOf(person, { scope: 'crm.read crm.write', prompt: 'consent' })
    const { body } = await hand.redeem(await hand.codeOf(person, { scope: 'crm.read' }))
    expect(decodeJwt(String(body['access_token']))['scope']).toBe('crm.read')
  })

  test('more scopes, another server and prompt=consent ask again', async () => {
    const world = await openWorld()
    const hand = byHand(world)
    const person = createPerson(world.publicUrl)
    await hand.codeOf(person)
    for (const parameters of [
      { scope: 'crm.read crm.write' },
      { resource: world.mount('notes'), scope: 'notes.read' },
      { prompt: 'consent' },
    ]) {
      expect(isConsent(await person.follow(hand.authorizeUrl(parameters)))).toBe(true)
    }
    await world.close()
  })

  test('a wider consent is the next version of the same grant', async () => {
    const person = newPerson()
    const grantOf = async (parameters: Parameters<typeof hand.codeOf>[1]) => {
      const { body } = await hand.redeem(await hand.codeOf(person, parameters, 'bob'))
      return decodeJwt<{ dlg: { gid: string } }>(String(body['access_token'])).dlg.gid
    }
    expect(await grantOf({ scope: 'crm.read', prompt: 'consent' })).toBe(
      await grantOf({ scope: 'crm.read crm.write', prompt: 'consent' }),
    )
  })

  test('a redirect URI that was not shown asks again, also where the agent has it registered now', async () => {
    const person = newPerson()
    const other = `${world.urls.agent}/other`
    await hand.codeOf(person, { prompt: 'consent' })
    await world.restart((text) =>
      text.replace(`redirect_uris: [${world.urls.agent}]`, `redirect_uris: [${world.urls.agent}, ${other}]`),
    )
    const again = await person.follow(hand.authorizeUrl({ redirect_uri: other }))
    expect(isConsent(again)).toBe(true)
    expect((await person.follow(hand.authorizeUrl())).url.searchParams.has('code')).toBe(true)
    // Both were shown then, and neither asks any more.
    await person.submit(again, { decision: 'allow' })
    for (const redirect_uri of [other, world.urls.agent]) {
      const { url } = await person.follow(hand.authorizeUrl({ redirect_uri }))
      expect([`${url.origin}${url.pathname}`, url.searchParams.has('code')]).toEqual([redirect_uri, true])
    }
    await world.restart()
  })

  test('another port of the same program of this machine does not ask again, another path does', async () => {
    const person = newPerson()
    await hand.codeOf(person, { prompt: 'consent' })
    const other = world.urls.agent.replace(new URL(world.urls.agent).port, '1')
    await world.restart((text) =>
      text.replace(`redirect_uris: [${world.urls.agent}]`, `redirect_uris: [${other}, ${other}/x]`),
    )
    const { url } = await person.follow(hand.authorizeUrl({ redirect_uri: other }))
    expect([url.port, url.searchParams.has('code')]).toEqual(['1', true])
    expect(isConsent(await person.follow(hand.authorizeUrl({ redirect_uri: `${other}/x` })))).toBe(true)
    await world.restart()
  })

  test('an edge added to the catalogue later is asked for before it is used, over a restart', async () => {
    const person = newPerson()
    await hand.codeOf(person, { prompt: 'consent' })
    await world.restart((text) =>
      text.replace('{ crm.read: [payroll.read] }', '{ crm.read: [payroll.read, payroll.pay] }'),
    )
    const again = await person.follow(hand.authorizeUrl())
    expect(isConsent(again)).toBe(true)
    expect(again.text).toContain('Pay somebody')
    await world.restart()
    expect((await person.follow(hand.authorizeUrl())).url.searchParams.has('code')).toBe(true)
  })
})
