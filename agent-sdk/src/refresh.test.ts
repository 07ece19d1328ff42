import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAgent } from './agent.ts'
import { generateClientKey } from './client-key.ts'
import { LoginRequired } from './journey-failed.ts'
import { agreeable, openServer, type OpenServer } from './test/open-server.ts'
import { json } from './test/stand-in.ts'
import { memoryStore, type TokenStore } from './token-store.ts'

const key = await generateClientKey()
let there: OpenServer
let now: number
let store: TokenStore
let asked: number

beforeEach(async () => {
  there = await openServer()
  now = Date.now()
  there.manners.now = () => now
  store = memoryStore()
  asked = 0
})
afterEach(() => there[Symbol.asyncDispose]())

/** A process of this agent: all of them share the store. */
const start = (own: TokenStore = store) =>
  createAgent({
    redirectUri: 'http://127.0.0.1/callback',
    key,
    store: own,
    clock: { now: () => now },
    open: (url) => {
      asked++
      return agreeable(url)
    },
  })
const call = (login: { fetch: typeof fetch }) =>
  login.fetch(there.mcpUrl, { method: 'POST', body: JSON.stringify({ method: 'tools/list' }) })
const refreshes = () => there.forms.filter((form) => form.get('grant_type') === 'refresh_token')
const later = (seconds: number) => {
  now += seconds * 1000
}

describe('a token is renewed', () => {
  test('before it expires, and the request carries the new one', async () => {
    const login = await start().login(there.mcpUrl)
    const first = login.token()
    later(269)
    await call(login)
    expect(refreshes()).toHaveLength(0)
    later(2)
    expect((await call(login)).status).toBe(200)
    expect(refreshes()).toHaveLength(1)
    expect(login.token()).not.toBe(first)
    expect(there.calls.at(-1)).toBe(`tools/list ${login.token()}`)
    expect(login.expiresAt).toBe(Math.floor(now / 1000) + 300)
  })

  test('for the same resource, by the same proof', async () => {
    const login = await start().login(there.mcpUrl)
    later(280)
    await call(login)
    const [form] = refreshes()
    expect(form?.get('resource')).toBe(there.mcpUrl)
    expect(form?.get('client_assertion')).toBeTruthy()
    expect(form?.has('scope')).toBe(false)
  })

  test('once, however many ask at the same time', async () => {
    const agent = start()
    const [one, two] = await Promise.all([agent.login(there.mcpUrl), agent.login(there.mcpUrl)])
    expect(asked).toBe(1)
    later(280)
    const fetched = agent.fetch(there.mcpUrl)
    const calls = [...Array(10)].flatMap(() => [call(one), call(two), call({ fetch: fetched })])
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(refreshes()).toHaveLength(1)
    expect(there.reused).toEqual([])
  })

  test('once more when the server no longer takes it, also when it has not expired', async () => {
    const login = await start().login(there.mcpUrl)
    there.endAccessTokens()
    expect((await call(login)).status).toBe(200)
    expect(refreshes()).toHaveLength(1)
  })

  test('for the official client, as its auth provider', async () => {
    const { authProvider, token } = await start().login(there.mcpUrl)
    const first = token()
    await authProvider.onUnauthorized()
    expect(await authProvider.token()).not.toBe(first)
    later(300)
    expect(await authProvider.token()).toBe(token())
    expect(refreshes()).toHaveLength(2)
  })

  test('and is stored before it is used: a process that ends there loses nothing', async () => {
    const saved: string[] = []
    const watched: TokenStore = {
      ...store,
      save: async (key, value) => {
        saved.push(`${there.calls.length} ${key.resource ?? 'registration'}`)
        await store.save(key, value)
      },
    }
    const login = await start(watched).login(there.mcpUrl)
    later(280)
    const before = there.calls.length
    await call(login)
    expect(saved.at(-1)).toBe(`${before} ${there.mcpUrl}`)
    const next = await start().resume(there.mcpUrl)
    expect(next?.token()).toBe(login.token())
    later(280)
    await expect(next && call(next)).resolves.toMatchObject({ status: 200 })
  })

  test('and not used when it cannot be stored; it is stored at the next attempt, and nothing is refreshed twice', async () => {
    let full = false
    const failing: TokenStore = {
      ...store,
      save: (key, value) => (full ? Promise.reject(new Error('disk full')) : store.save(key, value)),
    }
    const login = await start(failing).login(there.mcpUrl)
    later(301)
    full = true
    const calls = there.calls.length
    await expect(call(login)).rejects.toThrow('disk full')
    expect(there.calls).toHaveLength(calls)
    full = false
    expect((await call(login)).status).toBe(200)
    expect(refreshes()).toHaveLength(1)
    expect(there.reused).toEqual([])
  })

  test('without a new refresh token keeps the old one', async () => {
    const login = await start().login(there.mcpUrl)
    for (const refresh_token of [undefined, null, '']) {
      there.manners.refreshed = { refresh_token }
      there.manners.token = (form, response) => {
        if (form.get('grant_type') !== 'refresh_token') return false
        json(response, 200, { access_token: 'again', token_type: 'Bearer', expires_in: 300, refresh_token })
        return true
      }
      later(280)
      await login.authProvider.token()
    }
    const sent = refreshes().map((form) => form.get('refresh_token'))
    expect(sent).toHaveLength(3)
    expect(new Set(sent).size).toBe(1)
  })

  test('from what is not yet expired even when the renewal fails for now', async () => {
    const login = await start().login(there.mcpUrl)
    there.manners.token = (_, response) => {
      json(response, 503, { error: 'temporarily_unavailable' })
      return true
    }
    later(280)
    expect((await call(login)).status).toBe(200)
    later(30)
    await expect(call(login)).rejects.toMatchObject({ code: 'network.unreachable' })
    delete there.manners.token
    expect((await call(login)).status).toBe(200)
  })
})

describe('several processes that share a store', () => {
  test('use what another has renewed, and refresh nothing twice', async () => {
    const one = await start().login(there.mcpUrl)
    const other = await start().resume(there.mcpUrl)
    later(280)
    await call(one)
    expect(other && (await call(other)).status).toBe(200)
    expect(refreshes()).toHaveLength(1)
    expect(other?.token()).toBe(one.token())
  })

  test('survive a race: who is refused takes what the other has stored', async () => {
    const one = await start().login(there.mcpUrl)
    const other = await start().resume(there.mcpUrl)
    later(280)
    // The other process renews while this one's request is on its way, and the server knows the token as used.
    there.manners.token = (form, response) => {
      if (form.get('grant_type') !== 'refresh_token' || other === undefined) return false
      delete there.manners.token
      void call(other).then(() => json(response, 400, { error: 'invalid_grant' }))
      return true
    }
    expect((await call(one)).status).toBe(200)
    expect(one.token()).toBe(other?.token())
    expect((await start().resume(there.mcpUrl))?.token()).toBe(one.token())
  })
})

describe('a login is over', () => {
  test('when the refresh token is refused: it is forgotten, and the user logs in again', async () => {
    const agent = start()
    const login = await agent.login(there.mcpUrl)
    there.manners.token = (_, response) => {
      json(response, 400, { error: 'invalid_grant' })
      return true
    }
    later(301)
    await expect(call(login)).rejects.toEqual(new LoginRequired(there.mcpUrl))
    expect(await start().resume(there.mcpUrl)).toBeUndefined()
    delete there.manners.token
    expect((await call({ fetch: agent.fetch(there.mcpUrl) })).status).toBe(200)
    expect(asked).toBe(2)
  })

  test('when the server no longer knows the agent, which then registers anew', async () => {
    const agent = start()
    const login = await agent.login(there.mcpUrl)
    there.forgetClients()
    later(301)
    await expect(call(login)).rejects.toBeInstanceOf(LoginRequired)
    await expect(agent.login(there.mcpUrl)).resolves.toBeDefined()
    expect(there.registrations).toHaveLength(2)
  })

  test('when a token that was just renewed is not taken either: no browser is opened from a login', async () => {
    const login = await start().login(there.mcpUrl)
    there.manners.refuseTokens = true
    await expect(call(login)).rejects.toBeInstanceOf(LoginRequired)
    expect(refreshes()).toHaveLength(1)
    expect(asked).toBe(1)
  })
})

describe('whose login it is', () => {
  const browse = async (url: string) =>
    (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
  const loginOf = async (agent: ReturnType<typeof start>, user?: string) => {
    const { url, state } = await agent.begin(there.mcpUrl, user === undefined ? {} : { user })
    return agent.finish(await browse(url), state)
  }

  test('is told by the application: each user has their own, also after a restart', async () => {
    const agent = start()
    const [ada, bob] = [await loginOf(agent, 'ada'), await loginOf(agent, 'bob')]
    const next = start()
    expect((await next.resume(there.mcpUrl, { user: 'ada' }))?.token()).toBe(ada.token())
    expect((await next.resume(there.mcpUrl, { user: 'bob' }))?.token()).toBe(bob.token())
    expect(await next.resume(there.mcpUrl, { user: 'eve' })).toBeUndefined()
    expect(await next.resume(there.mcpUrl)).toBeUndefined()
  })

  test('is never guessed: without a user a login is kept in itself, and renews its own token alone', async () => {
    const agent = start()
    const [ada, bob] = [await loginOf(agent), await loginOf(agent)]
    expect(await agent.resume(there.mcpUrl)).toBeUndefined()
    const before = [ada.token(), bob.token()]
    later(280)
    await Promise.all([call(ada), call(bob)])
    const after = [ada.token(), bob.token()]
    expect(new Set([...before, ...after]).size).toBe(4)
    expect(there.reused).toEqual([])
  })
})
