import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formsOf, textOf } from '../../demo/src/walk/html-forms.ts'
import { byHand, createPerson, type Person, toolsFor } from '../support/by-hand.ts'
import { ask } from '../support/wire.ts'
import { openWorld, passwords, type World } from '../support/world.ts'

let world: World
let hand: ReturnType<typeof byHand>
beforeEach(async () => {
  world = await openWorld()
  hand = byHand(world)
})
afterEach(() => world.close())

const newPerson = () => createPerson(world.publicUrl)
const tokenOf = async (person: Person, parameters = {}, username = 'alice') => {
  const { body } = await hand.redeem(await hand.codeOf(person, parameters, username))
  return String(body['access_token'])
}
const works = (token: string) =>
  toolsFor(world.mount('crm'), token).then(
    () => true,
    () => false,
  )
const grantsPage = (person: Person) => person.follow(`${world.publicUrl}/grants`)
/** The button of a page that takes a grant back. */
const buttonOf = (body: string) => {
  const found = formsOf(body).find(({ action }) => action.endsWith('/revoke'))
  return { action: found?.action ?? '', page: found?.fields['page'] ?? '' }
}
const press = (
  person: Person,
  { action, page }: ReturnType<typeof buttonOf>,
  headers: Record<string, string> = {},
) =>
  person.send(new URL(action, world.publicUrl).href, {
    method: 'POST',
    body: new URLSearchParams({ page }),
    headers: { origin: world.publicUrl, ...headers },
  })
const revocations = async () => {
  const { text } = await ask(world.service.socket, 'GET', '/audit?limit=50')
  const { lines } = JSON.parse(text) as {
    lines: readonly { kind: string; username: string; reason: string }[]
  }
  return lines
    .filter(({ kind }) => kind === 'grant_revoked')
    .map(({ username, reason }) => `${username} ${reason}`)
}

describe('what you allowed', () => {
  test('is for who signed in: the page asks for it, and leads back', async () => {
    const person = newPerson()
    const stop = await grantsPage(person)
    expect(stop.url.pathname).toBe('/sign-in')
    const back = await person.submit(stop, { username: 'alice', password: passwords['alice'] ?? '' })
    expect([back.url.pathname, back.response?.status]).toEqual(['/grants', 200])
    expect(back.text).toContain('No agent may act for you.')
    expect(back.text).toContain('Signed in as Alice Adams')
  })

  test('says of each agent who named it, what it may do where and through it, since when, until when, last used', async () => {
    const person = newPerson()
    await tokenOf(person, { scope: 'crm.read crm.write' })
    const notes = { resource: world.mount('notes'), scope: 'notes.read' }
    await person.submit(await person.follow(hand.authorizeUrl(notes)), { decision: 'allow', lasts: '3600' })
    const { text } = await grantsPage(person)
    const time = String.raw`\d+ \w+ \d{4}, \d\d:\d\d UTC`
    expect(text).toMatch(
      new RegExp(
        `Test assistant Named by your administrator ` +
          `Customers until ${time} Read your customers and through it, at Payroll: Read your payslips Change your customers ` +
          `Notes until ${time} Read your notes and through it, at Payroll: Read your payslips ` +
          `Since ${time} Last used ${time} Take it back`,
      ),
    )
    const [crm = '', other = ''] = [...text.matchAll(/until (.*?) UTC/g)].map(([, at]) => at)
    expect(Date.parse(`${crm} UTC`) - Date.parse(`${other} UTC`)).toBe((30 * 24 - 1) * 3600_000)
  })

  test('shows nothing that reaches nobody any more: what the catalogue took out, what has ended', async () => {
    const person = newPerson()
    await hand.codeOf(person, { scope: 'crm.read crm.write' })
    const notes = { resource: world.mount('notes'), scope: 'notes.read' }
    await person.submit(await person.follow(hand.authorizeUrl(notes)), { decision: 'allow', lasts: '3600' })
    await world.restart((text) =>
      text.replace('calls: { payroll: { crm.read: [payroll.read] } }', 'calls: {}'),
    )
    expect((await grantsPage(person)).text).not.toMatch(/Customers.*Read your payslips.*Notes/)
    world.clock.advance(3600_000)
    const { text } = await grantsPage(person)
    expect([text.includes('Customers'), text.includes('Notes')]).toEqual([true, false])
    await world.restart()
  })

  test('runs no script, loads nothing, is framed by nobody and is kept by nobody', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    const { response, body } = await grantsPage(person)
    const policy = response?.headers.get('content-security-policy') ?? ''
    for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"])
      expect(policy).toContain(rule)
    expect(response?.headers.get('x-frame-options')).toBe('DENY')
    expect(response?.headers.get('cache-control')).toBe('no-store')
    expect(body).not.toMatch(/<script|<img|<link|<iframe|\son[a-z]+=|javascript:|\bstyle="/i)
  })
})

describe('taking it back', () => {
  test('stops the agent at once, for good, and is on record as the user’s own doing', async () => {
    const person = newPerson()
    const token = await tokenOf(person)
    const code = await hand.codeOf(person)
    expect(await works(token)).toBe(true)
    const answer = await press(person, buttonOf((await grantsPage(person)).body))
    expect(answer.status).toBe(303)
    expect(await works(token)).toBe(false)
    expect((await hand.redeem(code)).body['error']).toBe('invalid_grant')
    const after = await person.follow(new URL(answer.headers.get('location') ?? '', world.publicUrl).href)
    expect(after.text).toContain('Test assistant cannot act for you any more')
    expect(after.text).toContain('No agent may act for you.')
    expect(await revocations()).toEqual(['alice by user'])
    expect((await person.follow(hand.authorizeUrl())).text).toContain('asks to use')
  })

  test('leaves what others allowed the same agent alone', async () => {
    const [alice, bob] = [newPerson(), newPerson()]
    const tokens = [await tokenOf(alice), await tokenOf(bob, {}, 'bob')]
    await press(alice, buttonOf((await grantsPage(alice)).body))
    expect(await Promise.all(tokens.map(works))).toEqual([false, true])
  })

  test('of somebody else, of nobody, and a second time are one answer, which tells nothing', async () => {
    const [alice, bob] = [newPerson(), newPerson()]
    await hand.codeOf(alice)
    const token = await tokenOf(bob, {}, 'bob')
    const his = buttonOf((await grantsPage(bob)).body)
    const hers = buttonOf((await grantsPage(alice)).body)
    const nobodys = { ...hers, action: '/grants/AAAAAAAAAAAAAAAAAAAAAA/revoke' }
    const answers = [
      await press(alice, { ...hers, action: his.action }),
      await press(alice, nobodys),
      (await press(alice, hers), await press(alice, hers)),
    ]
    const pages = await Promise.all(answers.map(async (answer) => textOf(await answer.text())))
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
    expect(new Set(pages).size).toBe(1)
    expect(pages[0]).not.toMatch(/bob|assistant/i)
    expect(await works(token)).toBe(true)
  })

  test.each(['https://evil.example', 'null', 'http://127.0.0.1:1'])(
    'is not done by a page of %s',
    async (origin) => {
      const person = newPerson()
      const token = await tokenOf(person)
      const answer = await press(person, buttonOf((await grantsPage(person)).body), { origin })
      expect(answer.status).toBe(403)
      expect(await works(token)).toBe(true)
    },
  )

  test('is not done by a form that says no origin, that is none of ours, or of another sign-in', async () => {
    const [alice, bob] = [newPerson(), newPerson()]
    const token = await tokenOf(alice)
    await hand.codeOf(bob, {}, 'bob')
    const hers = buttonOf((await grantsPage(alice)).body)
    const his = buttonOf((await grantsPage(bob)).body)
    const target = new URL(hers.action, world.publicUrl).href
    const body = new URLSearchParams({ page: hers.page })
    expect((await alice.send(target, { method: 'POST', body })).status).toBe(403)
    for (const [page, status] of [
      ['', 400],
      ['made-up', 400],
      [new URL((await grantsPage(newPerson())).url).searchParams.get('to') ?? '', 400],
      [his.page, 409],
    ] as const)
      expect((await press(alice, { ...hers, page })).status).toBe(status)
    expect((await alice.send(target)).status).toBe(404)
    expect(await works(token)).toBe(true)
    // The same button, pressed on her own page, works.
    expect((await press(alice, hers)).status).toBe(303)
  })

  test('needs a sign-in that has not ended', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    const button = buttonOf((await grantsPage(person)).body)
    expect((await press(newPerson(), button)).status).toBe(401)
    world.clock.advance(12 * 3600_000 + 1000)
    expect((await press(person, button)).status).toBe(401)
    expect(await revocations()).toEqual([])
  })

  test('a made-up address says nothing in the page’s name', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    const { text } = await person.follow(`${world.publicUrl}/grants?stopped=Your+bank`)
    expect(text).not.toMatch(/Your bank|any more/)
  })
})
