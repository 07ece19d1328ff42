import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAgent } from './agent.ts'
import { generateClientKey, publicJwks } from './client-key.ts'
import { browse, listening, type StandIn, standIn, stopped } from './test/stand-in.ts'

const key = await generateClientKey()
const client = { id: 'assistant', key }
let there: StandIn
let redirectUri: string

beforeAll(async () => {
  there = await standIn({ id: client.id, jwks: publicJwks(key) })
})
afterAll(() => there[Symbol.asyncDispose]())
beforeEach(async () => {
  there.differ({})
  const server = createServer()
  redirectUri = `${await listening(server)}/callback`
  await stopped(server)
})

/** Opens the URL as a browser does, and keeps what it was shown. */
const browser = (before: (callbackUrl: string) => unknown = () => {}) => {
  const shown: string[] = []
  const done = Promise.withResolvers<void>()
  const open = async (url: string) => {
    const callbackUrl = await browse(url)
    await before(callbackUrl)
    const response = await fetch(callbackUrl)
    shown.push(`${response.status} ${await response.text()}`)
    done.resolve()
  }
  return { open, shown, done: done.promise }
}

/** A request whose target is not a path (RFC 9112 §3.2.2), which fetch cannot send. */
async function statusOf(origin: string, target: string): Promise<number | undefined> {
  const { hostname, port } = new URL(origin)
  const [response] = (await once(get({ hostname, port, path: target }), 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

describe('the login of a command line agent', () => {
  test('takes one call, and tells the browser that it is over', async () => {
    const { open, shown, done } = browser()
    const login = await createAgent({ client, redirectUri }).login(there.mcpUrl, { open })
    expect(login.token()).toBeDefined()
    await done
    expect(shown).toEqual([expect.stringContaining('200 You are logged in.')])
  })

  test('frees the port', async () => {
    await createAgent({ client, redirectUri }).login(there.mcpUrl, browser())
    await expect(fetch(redirectUri)).rejects.toThrow('fetch failed')
  })

  test('goes on when something else knocks: another path, another state, nonsense', async () => {
    const statuses: (number | undefined)[] = []
    const { open } = browser(async (callbackUrl) => {
      const { origin } = new URL(callbackUrl)
      const knocks = ['/favicon.ico', '/callback?code=x&state=y', '/callback?error=access_denied', '//', '/%']
      for (const path of knocks) statuses.push((await fetch(`${origin}${path}`)).status)
      statuses.push((await fetch(callbackUrl, { method: 'POST' })).status)
      statuses.push(await statusOf(origin, 'http://evil.example/'))
    })
    const login = await createAgent({ client, redirectUri }).login(there.mcpUrl, { open })
    expect(login.token()).toBeDefined()
    expect(statuses).toEqual([404, 404, 404, 404, 404, 404, 404])
  })

  test('that fails says so here, and only that it failed in the browser', async () => {
    there.differ({
      callback: (it) => {
        it.delete('code')
        it.set('error', 'access_denied')
        it.set('error_description', 'call +1 555 now')
      },
    })
    const { open, shown, done } = browser()
    const login = createAgent({ client, redirectUri }).login(there.mcpUrl, { open })
    await expect(login).rejects.toMatchObject({ code: 'callback.denied' })
    await done
    expect(shown).toEqual([expect.stringContaining('400 The login did not succeed.')])
    expect(shown.join()).not.toContain('555')
  })

  test('ends when it is told to, and frees the port', async () => {
    const abort = new AbortController()
    const login = createAgent({ client, redirectUri }).login(there.mcpUrl, {
      open: () => abort.abort(),
      signal: abort.signal,
    })
    await expect(login).rejects.toMatchObject({ code: 'callback.abandoned' })
    await expect(fetch(redirectUri)).rejects.toThrow('fetch failed')
  })

  test('ends at once when it had been told to before', async () => {
    const login = createAgent({ client, redirectUri }).login(there.mcpUrl, {
      open: () => new Promise(() => {}),
      signal: AbortSignal.abort(),
    })
    await expect(login).rejects.toMatchObject({ code: 'callback.abandoned' })
  })

  test('ends when the browser cannot be opened', async () => {
    const login = createAgent({ client, redirectUri }).login(there.mcpUrl, {
      open: () => Promise.reject(new Error('no browser')),
    })
    await expect(login).rejects.toThrow('no browser')
  })

  test('does not wait for a browser that stays open', async () => {
    const { open } = browser()
    const login = await createAgent({ client, redirectUri }).login(there.mcpUrl, {
      open: async (url) => {
        await open(url)
        await new Promise(() => {})
      },
    })
    expect(login.token()).toBeDefined()
  })

  test('names the port when it is taken', async () => {
    const server = createServer()
    const origin = await listening(server)
    const agent = createAgent({ client, redirectUri: `${origin}/callback` })
    await expect(agent.login(there.mcpUrl, browser())).rejects.toMatchObject({
      code: 'callback.listen_failed',
    })
    await stopped(server)
  })

  test('is for a redirect URI on this machine', async () => {
    const agent = createAgent({ client, redirectUri: 'https://agent.example/callback' })
    await expect(agent.login(there.mcpUrl, browser())).rejects.toMatchObject({
      code: 'agent.redirect_refused',
    })
  })
})
