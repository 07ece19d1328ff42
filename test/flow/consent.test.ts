import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, type Person, type Stop } from '../support/by-hand.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let hand: ReturnType<typeof byHand>
beforeAll(async () => {
  world = await openWorld()
  hand = byHand(world)
})
afterAll(() => world.close())

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
    expect(stop.text).toMatch(/\d{4}-\d\d-\d\d, or until you take it back/)
  })

  test('runs no script, loads nothing and is framed by nobody', async () => {
    const { stop } = await asked()
    const policy = stop.response?.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(stop.body).not.toMatch(/<script|<img|<link|<iframe|\son[a-z]+=|javascript:/i)
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
