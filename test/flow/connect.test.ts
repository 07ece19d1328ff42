import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPerson, type Person } from '../support/by-hand.ts'
import { type Amend, openWorld, passwords, type World } from '../support/world.ts'

const linked: Amend = (text) =>
  text.replace('alice: { ', `alice: { linked: { corp: '<b>alice</b>@corp.example', other: a1 }, `)

let world: World
beforeEach(async () => {
  world = await openWorld({ amend: linked })
})
afterEach(() => world.close())

/** The page, by a person who signs in on the way when asked. */
async function connectPage(
  provider: string,
  username: string,
  person: Person = createPerson(world.publicUrl),
) {
  const stop = await person.follow(`${world.publicUrl}/connect/${provider}`)
  if (stop.url.pathname !== '/sign-in') return stop
  return person.submit(stop, { username, password: passwords[username] ?? '' })
}

describe('the page of a provider', () => {
  test('is for who signed in: it asks for it, leads back, and says as whom they are linked there', async () => {
    const { url, response, text } = await connectPage('corp', 'alice')
    expect([url.pathname, response?.status]).toEqual(['/connect/corp', 200])
    expect(text).toContain('by their account at corp know you as: <b>alice</b>@corp.example ')
    expect(text).toContain('Signed in as Alice Adams')
    expect(text).not.toContain('a1')
  })

  test('shows an id as text, whatever it is', async () => {
    expect((await connectPage('corp', 'alice')).body).not.toContain('<b>')
  })

  test('tells who is not linked what that means and whom to ask, and nothing of those who are', async () => {
    const { text } = await connectPage('corp', 'bob')
    expect(text).toContain('You are not linked. Services that know people by their account at corp cannot')
    expect(text).toContain('Ask the administrator of this Tetrapod to link you')
    expect(text).not.toContain('alice')
  })

  test.each(['nobody', 'constructor', 'CORP', 'corp%2F', '%3Cb%3E', 'corp/more', ''])(
    'is missing where no provider has the name (%j), for everybody alike',
    async (provider) => {
      for (const username of ['alice', 'nobody']) {
        const { response, body } = await connectPage(provider, username)
        expect(response?.status).toBe(404)
        expect(body).not.toContain('<b>')
      }
    },
  )
})
