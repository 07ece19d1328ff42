import { createAgent, generateClientKey, memoryStore } from '@tetrapod/agent-sdk'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from '../../demo/src/walk/scripted-browser.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld({ amend: (text) => `${text}\nregistration: { dynamic: true }\n` })
})
afterAll(() => world.close())

describe('an agent has no client id', () => {
  /** Watches what the agent registers. */
  const registering = async () => {
    const key = await generateClientKey()
    const sent: Record<string, unknown>[] = []
    const agent = createAgent({
      redirectUri: world.urls.agent,
      name: 'A new agent',
      key,
      store: memoryStore(),
      fetch: async (input, init) => {
        const request = new Request(input, init)
        if (new URL(request.url).pathname === '/register') {
          sent.push((await request.clone().json()) as Record<string, unknown>)
        }
        return fetch(input, init)
      },
    })
    return { agent, key, sent }
  }

  test('and registers itself, with its metadata and its key: from nothing but a URL to a token', async () => {
    const { agent, key, sent } = await registering()
    const { url, state } = await agent.begin(world.mount('crm'), { scopes: ['crm.read'] })
    const browser = createBrowser()
    const back = await world.agree(browser, await browser.open(url), 'alice')
    const login = await agent.finish(back.url, state)
    expect(sent).toEqual([
      expect.objectContaining({
        client_name: 'A new agent',
        redirect_uris: [world.urls.agent],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [expect.objectContaining({ kid: key.kid })] },
      }),
    ])
    const clientId = new URL(url).searchParams.get('client_id')
    expect(decodeJwt(login.token() ?? '')).toMatchObject({
      client_id: clientId,
      aud: world.mount('crm'),
      act: { iss: world.publicUrl, sub: clientId },
    })
    expect([...login.scopes]).toContain('crm.read')
  })

  test('once: it is the same client at the next server', async () => {
    const { agent, sent } = await registering()
    const ids: (string | null)[] = []
    for (const server of ['crm', 'notes'] as const) {
      const { url } = await agent.begin(world.mount(server))
      ids.push(new URL(url).searchParams.get('client_id'))
    }
    expect(sent).toHaveLength(1)
    expect(ids[1]).toBe(ids[0])
  })
})
