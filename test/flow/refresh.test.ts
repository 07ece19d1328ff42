import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Form, type Person, toolsFor } from '../support/by-hand.ts'
import { type Logins, openLogins } from '../support/logins.ts'
import { findPostgres, type FreshSchema, freshSchema } from '../support/postgres.ts'
import { race } from '../support/race.ts'
import { rpc, send } from '../support/wire.ts'
import { byOther, twoAgents, type World } from '../support/world.ts'

const claimsOf = ({ body }: Answer) =>
  decodeJwt<{ dlg: { gid: string; anc: string[] }; txn: string; scope: string }>(String(body['access_token']))
const errorOf = ({ body }: Answer) => body['error']

describe('a refresh token', () => {
  let at: Logins
  let world: World
  let alice: Person
  beforeAll(async () => {
    at = await openLogins({ amend: twoAgents })
    world = at.world
    alice = at.person()
  })
  afterAll(() => world.close())
  /** The servers keep their own time: what they say of a token of another day is not the question. */
  const accepted = async ({ body }: Answer) => {
    const call = rpc({ url: world.mount('crm'), token: String(body['access_token']), method: 'tools/list' })
    return (await send(call)).status !== 401
  }
  const working = async (answer: Answer) => {
    expect(answer.status).toBe(200)
    expect(await accepted(answer)).toBe(true)
  }

  test.each([undefined, 'crm.read', 'crm.read offline_access'])(
    'is given with every code, asked for or not (scope %s), and gives a token that the gateway accepts',
    async (scope) => {
      const first = await at.login(alice, { scope, prompt: 'consent' })
      expect(Object.keys(first.body).toSorted()).toEqual(
        'access_token expires_in refresh_token scope token_type'.split(' '),
      )
      expect(first.body['scope']).not.toContain('offline_access')
      const next = await at.refresh(first)
      expect(next.body['expires_in']).toBe(300)
      expect(await toolsFor(world.mount('crm'), String(next.body['access_token']))).not.toEqual([])
      expect(Object.keys(next.body)).toEqual(Object.keys(first.body))
      await working(next)
      await working(await at.refresh(next))
    },
  )

  test('is another one after every use', async () => {
    let answer = await at.login(alice)
    const seen = new Set([answer.body['refresh_token']])
    for (let use = 1; use < 5; use++) {
      answer = await at.refresh(answer)
      expect(seen.add(answer.body['refresh_token']).size).toBe(use + 1)
    }
  })

  test('gives tokens that say of the login what the first one said, each a transaction of its own', async () => {
    const first = await at.login(alice)
    const next = await at.refresh(first)
    const [before, after] = [claimsOf(first), claimsOf(next)]
    expect(Object.keys(after).toSorted()).toEqual(Object.keys(before).toSorted())
    const fresh = ['jti', 'iat', 'exp', 'txn']
    for (const name of Object.keys(before)) {
      if (fresh.includes(name)) continue
      expect({ [name]: after[name] }).toEqual({ [name]: before[name] })
    }
    expect(after.jti).not.toBe(before.jti)
    expect(after.txn).not.toBe(before.txn)
    expect(after.dlg.anc).toHaveLength(1)
  })

  test('gives an ID token of the same sign-in where the login asked for one, and none where it did not', async () => {
    const first = await at.login(alice, { scope: 'openid crm.read', nonce: 'the-nonce' })
    const next = await at.refresh(first)
    const [before, after] = [first, next].map(({ body }) => decodeJwt(String(body['id_token'])))
    for (const name of ['iss', 'sub', 'aud', 'auth_time', 'acr'])
      expect({ [name]: after?.[name] }).toEqual({ [name]: before?.[name] })
    expect((await at.refresh(await at.login(alice))).body).not.toHaveProperty('id_token')
  })

  test('survives a restart', async () => {
    const first = await at.login(alice)
    await world.restart()
    await working(await at.refresh(first))
  })

  describe('is refused, and costs nothing:', () => {
    test.each<[string, string, Form]>([
      ['the key of nobody', 'invalid_client', { client_assertion: 'e30.e30.x' }],
      [
        'no client authentication',
        'invalid_client',
        { client_assertion: undefined, client_assertion_type: undefined, client_id: 'assistant' },
      ],
      ['another agent', 'invalid_grant', byOther],
      ['a wider scope', 'invalid_scope', { scope: 'crm.read crm.write' }],
      ['a scope of another server', 'invalid_scope', { scope: 'notes.read' }],
    ])('%s', async (_, error, parameters) => {
      const first = await at.login(alice)
      const refused = await at.refresh(first, parameters)
      expect(errorOf(refused)).toBe(error)
      expect(refused.body).not.toHaveProperty('access_token')
      // Later than any window: it was not used.
      world.clock.advance(11_000)
      await working(await at.refresh(first))
    })

    test.each([
      ['another server', () => world.mount('notes')],
      ['the server behind the mount', () => world.urls.crm],
      ['an API', () => world.urls.payroll],
      ['two', () => [world.mount('crm'), world.mount('notes')]],
    ])('a resource that is %s', async (_, resource) => {
      const first = await at.login(alice)
      const refused = await at.refresh(first, { resource: resource() })
      expect(refused.status).toBe(400)
      expect(['invalid_target', 'invalid_request']).toContain(errorOf(refused))
      world.clock.advance(11_000)
      await working(await at.refresh(first))
    })

    test.each(['', 'x', 'a.b.c', '..', 'é.é.é'])('%o, which is none', async (refresh_token) => {
      const refused = await at.hand.refresh(refresh_token, await at.proof())
      expect(refused.status).toBe(400)
    })

    test('one that was changed in any place', async () => {
      const first = await at.login(alice)
      const token = String(first.body['refresh_token'])
      for (const place of [0, token.indexOf('.') + 3, token.length - 3]) {
        const changed = `${token.slice(0, place)}${token[place] === 'A' ? 'B' : 'A'}${token.slice(place + 1)}`
        expect(errorOf(await at.hand.refresh(changed, await at.proof()))).toBe('invalid_grant')
      }
      await working(await at.refresh(first))
    })
  })

  test('takes the resource that the login is for', async () => {
    const first = await at.login(alice)
    await working(await at.refresh(first, { resource: world.mount('crm') }))
  })

  test('gives fewer scopes when fewer are asked for, and all of them the next time', async () => {
    const first = await at.login(alice, { scope: 'crm.read crm.write' })
    expect(first.body['scope']).toBe('crm.read crm.write')
    const narrowed = await at.refresh(first, { scope: 'crm.read' })
    expect(narrowed.body['scope']).toBe('crm.read')
    expect(claimsOf(narrowed).scope).toBe('crm.read')
    expect((await at.refresh(narrowed)).body['scope']).toBe('crm.read crm.write')
  })

  test('is refreshed by an agent that names `offline_access` each time', async () => {
    const first = await at.login(alice, { scope: 'crm.read offline_access' })
    await working(await at.refresh(first, { scope: 'crm.read offline_access' }))
  })

  describe('that was used', () => {
    test('is answered with the same next one for ten seconds, and only to its own client', async () => {
      const first = await at.login(alice)
      const next = await at.refresh(first)
      world.clock.advance(8000)
      expect((await at.refresh(first)).body['refresh_token']).toBe(next.body['refresh_token'])
      expect(errorOf(await at.refresh(first, byOther))).toBe('invalid_grant')
      await working(await at.refresh(next))
    })

    test('ends its login after that, the newest tokens included, and nothing else', async () => {
      const other = await at.login(alice)
      const first = await at.login(alice)
      const next = await at.refresh(first)
      world.clock.advance(10_000)
      expect(errorOf(await at.refresh(first))).toBe('invalid_grant')
      expect(errorOf(await at.refresh(next))).toBe('invalid_grant')
      expect(await accepted(next)).toBe(false)
      await working(await at.refresh(other))
      // The grant lives: the next login needs no page.
      expect((await alice.follow(at.hand.authorizeUrl())).url.searchParams.has('code')).toBe(true)
    })

    test('ends nothing when another agent shows it', async () => {
      const first = await at.login(alice)
      const next = await at.refresh(first)
      world.clock.advance(11_000)
      expect(errorOf(await at.refresh(first, byOther))).toBe('invalid_grant')
      await working(await at.refresh(next))
    })
  })
})

const server = findPostgres()
describe.each(server === undefined ? ['SQLite'] : ['SQLite', 'PostgreSQL'])(
  'a refresh token on %s',
  (database) => {
    let at: Logins
    let schema: FreshSchema | undefined
    beforeAll(async () => {
      schema = database === 'SQLite' ? undefined : await freshSchema(server ?? '')
      at = await openLogins({ database: schema?.url })
    })
    afterAll(async () => {
      await at.world.close()
      await schema?.drop()
    })

    test('used fifty times at once leads to one next one, which works', async () => {
      const first = await at.login(at.person())
      const endpoints = [`${at.world.publicUrl}/token`]
      for (let round = 0, last = first; round < 3; round++) {
        const answers = await race(endpoints, 50, async () => ({
          grant_type: 'refresh_token',
          refresh_token: String(last.body['refresh_token']),
          ...(await at.proof()),
        }))
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
        expect(new Set(answers.map(({ body }) => body['refresh_token'])).size).toBe(1)
        expect(new Set(answers.map((answer) => claimsOf(answer).jti)).size).toBe(50)
        last = answers[0] as Answer
      }
    })

    test('used by fifty at once, long after it was used before, gives nobody anything and ends the login', async () => {
      const first = await at.login(at.person())
      const next = await at.refresh(first)
      at.world.clock.advance(10_000)
      const answers = await race([`${at.world.publicUrl}/token`], 50, async () => ({
        grant_type: 'refresh_token',
        refresh_token: String(first.body['refresh_token']),
        ...(await at.proof()),
      }))
      expect(new Set(answers.map(errorOf))).toEqual(new Set(['invalid_grant']))
      expect(errorOf(await at.refresh(next))).toBe('invalid_grant')
    })
  },
)
