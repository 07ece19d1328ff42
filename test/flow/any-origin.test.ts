import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, type Form, VERIFIER } from '../support/by-hand.ts'
import { withRegistration } from '../support/registering.ts'
import { openWorld, type World } from '../support/world.ts'

const ORIGIN = 'https://inspector.example'

describe('agents that run in a web page', () => {
  let world: World
  let hand: ReturnType<typeof byHand>
  beforeAll(async () => {
    world = await openWorld({ amend: withRegistration('{ dynamic: true }') })
    hand = byHand(world)
  })
  afterAll(() => world.close())
  const preflight = (path: string, method: string, headers = 'content-type, mcp-protocol-version') =>
    fetch(`${world.publicUrl}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': method,
        'access-control-request-headers': headers,
      },
    })

  test.each([
    ['/.well-known/oauth-authorization-server', 'GET'],
    ['/.well-known/openid-configuration', 'GET'],
    ['/jwks', 'GET'],
    ['/token', 'POST'],
    ['/par', 'POST'],
    ['/.well-known/oauth-protected-resource/crm/mcp', 'GET'],
  ])('may call %s from any origin, without cookies', async (path, method) => {
    const asked = await preflight(path, method)
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-origin')).toBe('*')
    expect(asked.headers.get('access-control-allow-methods')).toBe(method)
    expect(asked.headers.get('access-control-allow-headers')?.split(', ')).toEqual(
      expect.arrayContaining(['authorization', 'content-type', 'mcp-protocol-version']),
    )
    const answer = await fetch(`${world.publicUrl}${path}`, { method, headers: { origin: ORIGIN } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    for (const headers of [asked.headers, answer.headers])
      expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('register themselves there and manage that, without cookies', async () => {
    const asked = await preflight('/register', 'POST')
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    const made = await fetch(`${world.publicUrl}/register`, {
      method: 'POST',
      headers: { origin: ORIGIN, 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [`${ORIGIN}/cb`], token_endpoint_auth_method: 'none' }),
    })
    expect(made.status).toBe(201)
    const { client_id, registration_access_token: token } = (await made.json()) as Record<string, string>
    const path = `/register/${client_id}`
    const managed = await preflight(path, 'DELETE', 'authorization')
    expect(managed.headers.get('access-control-allow-methods')).toBe('POST, GET, PUT, DELETE')
    const read = await fetch(`${world.publicUrl}${path}`, {
      headers: { origin: ORIGIN, authorization: `Bearer ${token}` },
    })
    expect(read.status).toBe(200)
    const refused = await fetch(`${world.publicUrl}${path}`, { headers: { origin: ORIGIN } })
    expect(refused.status).toBe(401)
    for (const { headers } of [asked, made, managed, read, refused]) {
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-allow-credentials')).toBeNull()
    }
  })

  test('redeem a code and refresh there', async () => {
    const code = await hand.codeOf(createPerson(world.publicUrl))
    const first = await hand.redeem(code, {}, { origin: ORIGIN })
    expect(first.status).toBe(200)
    expect((await hand.refresh(first.body['refresh_token'], {}, { origin: ORIGIN })).status).toBe(200)
  })

  test('read why they are refused', async () => {
    const form: Form = { grant_type: 'authorization_code', code: 'x', code_verifier: VERIFIER }
    const body = new URLSearchParams(form as Record<string, string>)
    const answer = await fetch(`${world.publicUrl}/token`, {
      method: 'POST',
      body,
      headers: { origin: ORIGIN },
    })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  test.each(['/authorize', '/sign-in', '/interaction/x', '/revocations', '/crm/mcp'])(
    'may not call %s',
    async (path) => {
      for (const answer of [
        await preflight(path, 'GET'),
        await fetch(`${world.publicUrl}${path}`, { headers: { origin: ORIGIN }, redirect: 'manual' }),
        await fetch(hand.authorizeUrl(), { headers: { origin: ORIGIN }, redirect: 'manual' }),
      ]) {
        const names = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))
        expect(names).toEqual([])
      }
    },
  )
})
