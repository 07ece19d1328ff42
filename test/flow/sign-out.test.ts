import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formsOf, textOf } from '../../demo/src/walk/html-forms.ts'
import { byHand, createPerson, officialClient, type Person, toolsFor } from '../support/by-hand.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { NOTES_SECRET, openWorld, type World } from '../support/world.ts'

const FIND = { name: 'find_customer', arguments: { query: 'a' } }

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

/** Calls with a token, and asks the CRM itself, which follows the feed, with what it was sent. */
async function called(token: string) {
  const client = await officialClient(world.mount('crm'), token)
  await client.callTool(FIND)
  await client.close()
  const two = world.lastToken('crm')
  return async () => (await send(rpc({ url: world.urls.crm, token: two, params: FIND }))).status
}

/** The sign-out button as a page of ours shows it: the ticket that comes with it. */
async function ticketOf(person: Person): Promise<string> {
  const { body } = await person.follow(hand.authorizeUrl({ prompt: 'consent' }))
  const button = formsOf(body).find(({ action }) => action === '/sign-out')
  expect(button?.method).toBe('post')
  return button?.fields['session'] ?? ''
}
const signOut = (person: Person, session: string, headers: Record<string, string> = {}) =>
  person.send(`${world.publicUrl}/sign-out`, {
    method: 'POST',
    body: new URLSearchParams({ session }),
    headers: { origin: world.publicUrl, ...headers },
  })
const events = async (kind: string) => {
  const { text } = await ask(world.service.socket, 'GET', '/audit?limit=50')
  const { lines } = JSON.parse(text) as {
    lines: readonly { kind: string; username: string; reason: string }[]
  }
  return lines.filter((line) => line.kind === kind).map(({ username, reason }) => `${username} ${reason}`)
}
/** What the feed says, to the server `notes`. */
const feed = async () => {
  const authorization = `Basic ${Buffer.from(`notes:${NOTES_SECRET}`).toString('base64')}`
  const answer = await fetch(`${world.publicUrl}/revocations?after=0&wait=0`, { headers: { authorization } })
  const { entries } = (await answer.json()) as { entries: readonly { kind: string; id_hash: string }[] }
  return entries.map(({ kind, id_hash }) => [kind, id_hash])
}
const hash = (id: string) => createHash('sha256').update(id).digest('base64url')

describe('signing out', () => {
  test('ends tokens and codes of this sign-in at once; what was allowed is kept', async () => {
    const person = newPerson()
    const token = await tokenOf(person)
    const code = await hand.codeOf(person)
    const { sid } = decodeJwt<{ sid: string }>(token)
    expect(await works(token)).toBe(true)
    const answer = await signOut(person, await ticketOf(person))
    expect([answer.status, textOf(await answer.text())]).toEqual([
      200,
      expect.stringContaining('You are signed out') as string,
    ])
    expect(await works(token)).toBe(false)
    expect((await hand.redeem(code)).body['error']).toBe('invalid_grant')
    expect(await feed()).toEqual([['session', hash(sid)]])
    expect(await events('sign_out')).toEqual(['alice by user'])
    // Nobody is asked for what they allowed before.
    expect((await hand.callback(person)).searchParams.has('code')).toBe(true)
  })

  test('ends them at a server that verifies by itself, too', async () => {
    const person = newPerson()
    const atCrm = await called(await tokenOf(person))
    expect(await atCrm()).toBe(200)
    await signOut(person, await ticketOf(person))
    await expect.poll(atCrm).toBe(401)
  })

  test('makes the browser and the service forget the session, and the library’s own counts for nothing', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    const cookie = person.cookies(`${world.publicUrl}/`)
    const answer = await signOut(person, await ticketOf(person))
    const port = new URL(world.publicUrl).port
    expect(answer.headers.getSetCookie()).toEqual([
      `tetrapod_session_${port}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`,
    ])
    for (const headers of [{}, { cookie }]) {
      const { url } = await person.follow(hand.authorizeUrl({ prompt: 'none' }))
      expect(url.searchParams.get('error')).toBe('login_required')
      const response = await fetch(hand.authorizeUrl({ prompt: 'none' }), { headers, redirect: 'manual' })
      expect(response.headers.get('location')).toContain('error=login_required')
    }
    expect((await person.follow(hand.authorizeUrl())).url.pathname).toBe('/sign-in')
  })

  test('leaves other browsers of the same person, and other people, alone', async () => {
    const [here, there, bob] = [newPerson(), newPerson(), newPerson()]
    const tokens = [await tokenOf(here), await tokenOf(there), await tokenOf(bob, {}, 'bob')]
    await signOut(here, await ticketOf(here))
    expect(await Promise.all(tokens.map(works))).toEqual([false, true, true])
    expect((await there.follow(hand.authorizeUrl())).url.searchParams.has('code')).toBe(true)
  })

  test('an answer to a consent page from before it is refused, and gives nothing', async () => {
    const person = newPerson()
    const stop = await hand.toConsent(person)
    await signOut(person, await ticketOf(person))
    expect((await person.submit(stop, { decision: 'allow' })).response?.status).toBe(401)
    expect(await events('grant_given')).toEqual([])
  })

  test('a second time changes nothing and says the same', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    const ticket = await ticketOf(person)
    await signOut(person, ticket)
    expect((await signOut(person, ticket)).status).toBe(200)
    expect(await events('sign_out')).toHaveLength(1)
  })
})

describe('nobody is signed out by somebody else:', () => {
  test.each(['https://evil.example', 'null', 'http://127.0.0.1:1'])('by a page of %s', async (origin) => {
    const person = newPerson()
    const token = await tokenOf(person)
    const answer = await signOut(person, await ticketOf(person), { origin })
    expect(answer.status).toBe(403)
    expect(await works(token)).toBe(true)
  })

  test('by a form that says no origin, none of ours, or that was made up', async () => {
    const person = newPerson()
    const token = await tokenOf(person)
    const ticket = await ticketOf(person)
    const bob = newPerson()
    await hand.codeOf(bob, {}, 'bob')
    const without = await person.send(`${world.publicUrl}/sign-out`, {
      method: 'POST',
      body: new URLSearchParams({ session: ticket }),
    })
    expect(without.status).toBe(403)
    for (const [forged, status] of [
      ['', 400],
      ['made-up', 400],
      [await ticketOf(bob), 409],
    ] as const)
      expect((await signOut(person, forged)).status).toBe(status)
    expect(await works(token)).toBe(true)
  })

  test('by an address: it takes a form', async () => {
    const person = newPerson()
    const token = await tokenOf(person)
    expect((await person.send(`${world.publicUrl}/sign-out`)).status).toBe(404)
    expect(await works(token)).toBe(true)
  })
})

describe('a session that is over without signing out ends nothing:', () => {
  test('when its cookie expires', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    world.clock.advance(12 * 3600_000 + 1000)
    expect((await person.follow(hand.authorizeUrl())).url.pathname).toBe('/sign-in')
    expect(await feed()).toEqual([])
  })

  test('when the same browser signs in again', async () => {
    const person = newPerson()
    const token = await tokenOf(person)
    const code = await hand.codeOf(person)
    await hand.codeOf(person, { prompt: 'login' })
    expect(await works(token)).toBe(true)
    expect((await hand.redeem(code)).status).toBe(200)
    expect(await feed()).toEqual([])
  })
})

describe('an operator signs a user out', () => {
  const signOutUser = (username: string) => ask(world.service.socket, 'POST', `/users/${username}/sign-out`)

  test('of every browser: codes are dead, every page asks them to sign in, the feed and the record say so', async () => {
    const [here, there, bob] = [newPerson(), newPerson(), newPerson()]
    const codes = [await hand.codeOf(here), await hand.codeOf(there), await hand.codeOf(bob, {}, 'bob')]
    const { sub = '' } = decodeJwt(await tokenOf(here))
    expect((await signOutUser('alice')).status).toBe(204)
    const answers = await Promise.all(codes.map((code) => hand.redeem(code)))
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 200])
    for (const person of [here, there])
      expect((await person.follow(hand.authorizeUrl())).url.pathname).toBe('/sign-in')
    expect((await bob.follow(hand.authorizeUrl())).url.searchParams.has('code')).toBe(true)
    expect(await feed()).toEqual([['user', hash(sub)]])
    expect(await events('sign_out')).toEqual(['alice by operator'])
  })

  test('whose tokens from before are refused, at the gateway and at a server that verifies by itself', async () => {
    const [token, bobs] = [await tokenOf(newPerson()), await tokenOf(newPerson(), {}, 'bob')]
    const [atCrm, bobAtCrm] = [await called(token), await called(bobs)]
    expect([await atCrm(), await bobAtCrm()]).toEqual([200, 200])
    await signOutUser('alice')
    expect([await works(token), await works(bobs)]).toEqual([false, true])
    await expect.poll(atCrm).toBe(401)
    expect(await bobAtCrm()).toBe(200)
  })

  test('who can sign in again at once, and is not asked for what they allowed', async () => {
    const person = newPerson()
    await hand.codeOf(person)
    await signOutUser('alice')
    const code = await hand.codeOf(person)
    expect((await hand.redeem(code)).status).toBe(200)
  })

  test('whom nobody knows: it is said', async () => {
    const { status, text } = await signOutUser('nobody')
    expect([status, text]).toEqual([404, expect.stringContaining('users.unknown') as string])
  })
})
