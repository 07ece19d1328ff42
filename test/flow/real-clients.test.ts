import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ASSERTION_TYPE, byHand, createPerson, toolsFor } from '../support/by-hand.ts'
import { type Internet, openInternet } from '../support/internet.ts'
import { chatGpt, type RealClient, registering, withDocument } from '../support/real-clients.ts'
import { journey, register, withRegistration } from '../support/registering.ts'
import { openWorld, type World } from '../support/world.ts'

const policies = `
  - permit: { servers: [crm] }
  - permit: { agents: [dynamic], servers: [crm] }`

let internet: Internet
let world: World
let hand: ReturnType<typeof byHand>
beforeAll(async () => {
  internet = await openInternet(['claude.ai', 'chatgpt.com', 'vscode.dev'])
  for (const { id, metadata } of [...withDocument, chatGpt]) internet.publish(id, metadata)
  world = await openWorld({
    policies,
    network: internet.network,
    amend: withRegistration('{ dynamic: true }'),
  })
  hand = byHand(world)
})
afterAll(async () => {
  await world.close()
  internet.close()
})

/** What the client does once it has an id: a person agrees, and the token works. */
async function connects(id: string, client: Pick<RealClient, 'redirectUri' | 'scopes'>, proof = {}) {
  const scope = ['crm.read', ...(client.scopes ?? [])].join(' ')
  const { body, back, consent } = await journey({
    hand,
    person: createPerson(world.publicUrl),
    id,
    redirectUri: client.redirectUri,
    authorize: { scope, resource: world.mount('crm') },
    proof,
  })
  expect(body).not.toHaveProperty('error')
  expect(back.href.startsWith(client.redirectUri)).toBe(true)
  expect(back.searchParams.get('iss')).toBe(world.publicUrl)
  const token = String(body['access_token'])
  expect(decodeJwt(token)).toMatchObject({ client_id: id, scope: 'crm.read' })
  expect(await toolsFor(world.mount('crm'), token)).toContain('find_customer')
  return consent
}

describe('a client with a metadata document', () => {
  test('takes that way: both members that clients look for are there', async () => {
    const metadata = await (await fetch(`${world.publicUrl}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).toMatchObject({
      client_id_metadata_document_supported: true,
      token_endpoint_auth_methods_supported: expect.arrayContaining(['none', 'private_key_jwt']),
      authorization_response_iss_parameter_supported: true,
      registration_endpoint: `${world.publicUrl}/register`,
    })
  })

  test.each(withDocument.map((client) => [client.name, client] as const))(
    '%s connects',
    async (_, client) => {
      const { text } = await connects(client.id, client)
      expect(text).toContain(`It comes from ${new URL(client.id).host}`)
    },
  )

  test('ChatGPT connects, signing with a key that its host publishes', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    internet.publish(chatGpt.metadata.jwks_uri, {
      keys: [{ ...(await exportJWK(publicKey)), kid: 'cimd-1', use: 'sig', alg: 'RS256' }],
    })
    const assertion = (audience: string) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'RS256', kid: 'cimd-1' })
        .setIssuer(chatGpt.id)
        .setSubject(chatGpt.id)
        .setAudience(audience)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime('2m')
        .sign(privateKey)
    for (const audience of [`${world.publicUrl}/token`, world.publicUrl]) {
      const proof = { client_assertion_type: ASSERTION_TYPE, client_assertion: await assertion(audience) }
      await connects(chatGpt.id, chatGpt, proof)
    }
  })

  test('Claude Code connects by 127.0.0.1 as well, on any port', async () => {
    const [, client] = withDocument
    for (const redirectUri of ['http://127.0.0.1:1025/callback', 'http://localhost:65535/callback'])
      await connects(client?.id ?? '', { redirectUri })
  })
})

describe('a client that registers itself', () => {
  test.each(registering.map((client) => [client.name, client] as const))('%s connects', async (_, client) => {
    const { status, body } = await register(world, client.metadata)
    expect([status, body['error_description']]).toEqual([201, undefined])
    expect(body['redirect_uris']).toEqual(client.metadata.redirect_uris)
    const secret = body['client_secret']
    await connects(
      String(body['client_id']),
      client,
      typeof secret === 'string' ? { client_secret: secret } : {},
    )
  })

  test.each([
    ['Cursor', 'http://localhost:8787/callback'],
    ['Cursor', 'https://www.cursor.com/agents/mcp/oauth/callback'],
    ['Visual Studio Code', 'https://vscode.dev/redirect'],
    ['Visual Studio Code', 'http://127.0.0.1:33418/'],
  ])('%s connects by %s, the other address that it has', async (name, redirectUri) => {
    const client = registering.find((one) => one.name === name)
    const { body } = await register(world, client?.metadata)
    await connects(String(body['client_id']), { redirectUri })
  })

  test('MCP Inspector asks from a page in the browser', async () => {
    const origin = 'http://localhost:6274'
    const preflight = await fetch(`${world.publicUrl}/register`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    const client = registering.find(({ name }) => name === 'MCP Inspector')
    const { body, headers } = await register(world, client?.metadata)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    const form = { grant_type: 'authorization_code', code: 'x', client_id: String(body['client_id']) }
    const asked = await fetch(`${world.publicUrl}/token`, {
      method: 'POST',
      headers: { origin },
      body: new URLSearchParams(form),
    })
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([400, '*'])
  })
})
