import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, type Person, type Stop } from '../support/by-hand.ts'
import { hireTeam, type Team, usual } from '../support/team.ts'
import { ask } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

let team: Team
let world: World
let hand: ReturnType<typeof byHand>
beforeAll(async () => {
  team = await hireTeam(['researcher', 'fetcher', 'intruder'])
  world = await openWorld({ amend: team.hired() })
  hand = byHand(world)
})
afterAll(async () => {
  await world.close()
  await team[Symbol.asyncDispose]()
})

const newPerson = () => createPerson(world.publicUrl)
const asked = (person: Person, parameters = {}) =>
  hand.toConsent(person, { prompt: 'consent', ...parameters })
const isAsked = async (person: Person, parameters = {}) =>
  (await hand.toConsent(person, parameters)).text.includes('asks to use')

/** The page with a box unticked. */
function without(stop: Stop, agent: string): Stop {
  const box = new RegExp(`(name="agent:${agent}"[^>]*?) checked`)
  expect(stop.body).toMatch(box)
  return { ...stop, body: stop.body.replace(box, '$1') }
}

/** What the one live grant says of hand-overs, by server. */
async function delegates(): Promise<Readonly<Record<string, unknown>>> {
  const { text } = await ask(world.service.socket, 'GET', '/grants')
  const { grants } = JSON.parse(text) as {
    grants: readonly {
      revokedAt?: number
      mounts: Readonly<Record<string, { readonly delegates: unknown }>>
    }[]
  }
  const live = grants.find(({ revokedAt }) => revokedAt === undefined)
  return Object.fromEntries(
    Object.entries(live?.mounts ?? {}).map(([server, part]) => [server, part.delegates]),
  )
}

describe('the consent page of an agent that hands to others', () => {
  test('names them, and whom they hand to themselves', async () => {
    const { text, body } = await asked(newPerson())
    expect(text).toContain(
      'It may hand part of this to The researcher researcher and The researcher may hand part of that to The fetcher For',
    )
    expect(body).not.toContain('agent:fetcher')
    expect(text).not.toContain('intruder')
  })

  test('gives what was shown, for the server it is about', async () => {
    const person = newPerson()
    await person.submit(await asked(person), { decision: 'allow' })
    expect(await delegates()).toEqual({ crm: { assistant: ['researcher'], researcher: ['fetcher'] } })
    expect(await isAsked(person)).toBe(false)
    expect(await isAsked(person, { resource: world.mount('notes'), scope: 'notes.read' })).toBe(true)
  })

  test('lets the user refuse it, also later: nothing is handed on, and the next login asks again', async () => {
    const person = newPerson()
    await person.submit(await asked(person), { decision: 'allow' })
    const back = await person.submit(without(await asked(person), 'researcher'), { decision: 'allow' })
    expect(back.url.searchParams.has('code')).toBe(true)
    expect(await delegates()).toEqual({ crm: {} })
    expect(await isAsked(person)).toBe(true)
  })

  test('refuses a sub-agent that it did not offer: nothing is given', async () => {
    const person = newPerson()
    await person.submit(without(await asked(person), 'researcher'), { decision: 'allow' })
    for (const name of ['agent:intruder', 'agent:fetcher', 'agent:assistant']) {
      const { response } = await person.submit(await asked(person), { decision: 'allow', [name]: 'on' })
      expect(response?.status).toBe(400)
    }
    expect(await delegates()).toEqual({ crm: {} })
  })

  test('says at /grants who may hand to whom, as far as the catalogue still has it', async () => {
    const person = newPerson()
    const grantsPage = async () => (await person.follow(`${world.publicUrl}/grants`)).text
    await person.submit(await asked(person), { decision: 'allow' })
    expect(await grantsPage()).toContain(
      'Part of it may be handed on: Test assistant to The researcher The researcher to The fetcher Since',
    )
    await world.restart(team.hired({ researcher: ['fetcher'] }))
    expect(await grantsPage()).not.toContain('handed on')
    await world.restart()
    await person.submit(without(await asked(person), 'researcher'), { decision: 'allow' })
    expect(await grantsPage()).not.toContain('handed on')
  })
})

describe('who may be handed to is what the user saw:', () => {
  test('a sub-agent of the catalogue since then is asked for at the next login, the sub-agent of one too', async () => {
    const person = newPerson()
    await person.submit(await asked(person), { decision: 'allow' })
    for (const more of [{ assistant: ['researcher', 'intruder'] }, { fetcher: ['intruder'] }]) {
      await world.restart(team.hired({ ...usual, ...more }))
      expect(await isAsked(person)).toBe(true)
      expect(await delegates()).toEqual({ crm: usual })
      await world.restart()
      expect(await isAsked(person)).toBe(false)
    }
  })

  test('one that the catalogue has no more is not asked for', async () => {
    const person = newPerson()
    await person.submit(await asked(person), { decision: 'allow' })
    await world.restart(team.hired({ assistant: ['researcher'] }))
    expect(await isAsked(person)).toBe(false)
    await world.restart()
  })

  test('a page from before the catalogue had another one does not count, and is shown again', async () => {
    for (const change of [
      { ...usual, assistant: ['researcher', 'intruder'] },
      { ...usual, fetcher: ['intruder'] },
    ]) {
      const person = newPerson()
      const stop = await asked(person)
      const before = await delegates()
      await world.restart(team.hired(change))
      const again = await person.submit(stop, { decision: 'allow' })
      expect([again.response?.status, again.text.includes('has changed since')]).toEqual([409, true])
      expect(await delegates()).toEqual(before)
      await world.restart()
    }
  })
})

describe('an agent that no user sees', () => {
  const researcher = { client_id: 'researcher' }

  test('begins no code flow: whoever tries reads so on a page of ours', async () => {
    for (const redirect_uri of [world.urls.agent, undefined]) {
      const request = hand.authorizeUrl({ ...researcher, redirect_uri })
      const { url, response, text } = await newPerson().follow(request)
      expect([url.pathname, response?.status]).toEqual(['/authorize', 400])
      expect(text).toMatch(/The answer would go astray|This request cannot go on/)
    }
    expect(world.logged.filter((line) => line.startsWith('error'))).toEqual([])
  })

  test('pushes no request, and redeems nothing', async () => {
    const proof = await hand.proof({ id: 'researcher', key: team.keys['researcher'] ?? {} })
    const pushed = await hand.push({ ...researcher, ...proof })
    expect([pushed.status, pushed.body['error']]).toEqual([400, 'invalid_request'])
    const again = await hand.proof({ id: 'researcher', key: team.keys['researcher'] ?? {} })
    const redeemed = await hand.redeem(await hand.codeOf(newPerson(), { prompt: 'consent' }), again)
    expect([redeemed.status, redeemed.body['error']]).toEqual([400, 'invalid_request'])
  })
})
