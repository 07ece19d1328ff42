import { ISSUED_BEFORE_MARGIN_MS } from '@tetrapod/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  byHand,
  createPerson,
  type Form,
  officialClient,
  type Person,
  toolsFor,
  VERIFIER,
} from '../support/by-hand.ts'
import { type Internet, openInternet } from '../support/internet.ts'
import { journey, register, withRegistration } from '../support/registering.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

const DOCUMENT = 'https://agents.example/client.json'
const REDIRECT = 'https://agents.example/callback'
const FIND = { name: 'find_customer', arguments: { query: 'a' } }
const policies = `
  - permit: { servers: [crm] }
  - permit: { agents: [dynamic], servers: [crm] }`

let internet: Internet
let world: World
let hand: ReturnType<typeof byHand>
let alice: Person
beforeAll(async () => {
  internet = await openInternet(['agents.example'])
  internet.publish(DOCUMENT, { client_id: DOCUMENT, client_name: 'Document', redirect_uris: [REDIRECT] })
  world = await openWorld({
    policies,
    network: internet.network,
    amend: withRegistration('{ dynamic: true, metadataDocuments: [agents.example] }'),
  })
  hand = byHand(world)
})
afterAll(async () => {
  await world.close()
  internet.close()
})
beforeEach(() => {
  alice = createPerson(world.publicUrl)
})

const change = (id: string, to: 'disable' | 'enable') =>
  ask(world.service.socket, 'POST', `/agents/${encodeURIComponent(id)}/${to}`)

/** As if it were stopped that long ago: what is issued from now on came after that. Tokens are dated in whole seconds. */
async function disableMarginAgo(id: string) {
  world.clock.advance(-ISSUED_BEFORE_MARGIN_MS)
  const answer = await change(id, 'disable')
  world.clock.advance(ISSUED_BEFORE_MARGIN_MS + 1000)
  return answer
}

/** One agent of every kind, and how it proves itself. */
const kinds: Readonly<
  Record<string, () => Promise<{ id: string; redirectUri: string; proof: () => Promise<Form> }>>
> = {
  'that the catalogue names': async () => ({
    id: 'assistant',
    redirectUri: world.urls.agent,
    proof: () => hand.proof(),
  }),
  'with a document': async () => ({ id: DOCUMENT, redirectUri: REDIRECT, proof: async () => ({}) }),
  'that registered itself': async () => {
    const { body } = await register(world, { redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' })
    return { id: String(body['client_id']), redirectUri: REDIRECT, proof: async () => ({}) }
  },
}

describe.each(Object.entries(kinds))('an agent %s', (_, make) => {
  test('that an operator stops gets nothing until it may go on: no code, no token, no call, no permission', async () => {
    const { id, redirectUri, proof } = await make()
    const { body } = await journey({ hand, person: alice, id, redirectUri, proof: await proof() })
    const token = String(body['access_token'])
    expect(await toolsFor(world.mount('crm'), token)).toContain('find_customer')
    const code = await hand.codeOf(createPerson(world.publicUrl), {
      client_id: id,
      redirect_uri: redirectUri,
    })
    const redeemed = async () =>
      hand.token({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: VERIFIER,
        client_id: id,
        ...(await proof()),
      })

    expect((await disableMarginAgo(id)).status).toBe(204)
    expect(await redeemed()).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    await expect(toolsFor(world.mount('crm'), token)).rejects.toThrow()
    const stop = await alice.follow(hand.authorizeUrl({ client_id: id, redirect_uri: redirectUri }))
    expect(stop.response?.status).toBe(400)
    expect(stop.text).toContain('An operator has stopped this agent')
    await world.restart()
    expect(await redeemed()).toMatchObject({ status: 401 })

    expect((await change(id, 'enable')).status).toBe(204)
    const again = await journey({ hand, person: alice, id, redirectUri, proof: await proof() })
    expect(await toolsFor(world.mount('crm'), String(again.body['access_token']))).toContain('find_customer')
  })

  test('that may go on finds nothing of before: its refresh tokens, codes and tokens stay dead, a new login works', async () => {
    const { id, redirectUri, proof } = await make()
    const login = async () => journey({ hand, person: alice, id, redirectUri, proof: await proof() })
    const { body } = await login()
    const call = async (token: string) => {
      const client = await officialClient(world.mount('crm'), token)
      await client.callTool(FIND)
      await client.close()
    }
    await call(String(body['access_token']))
    const two = world.lastToken('crm')
    const atCrm = async () => (await send(rpc({ url: world.urls.crm, token: two, params: FIND }))).status
    expect(await atCrm()).toBe(200)
    const parameters = { client_id: id, redirect_uri: redirectUri }
    const code = await hand.codeOf(alice, parameters)
    const refreshed = async (from: unknown) =>
      hand.token({
        grant_type: 'refresh_token',
        refresh_token: String(from),
        client_id: id,
        ...(await proof()),
      })

    await disableMarginAgo(id)
    await change(id, 'enable')
    expect((await refreshed(body['refresh_token'])).body['error']).toBe('invalid_grant')
    const redeemed = await hand.token({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: VERIFIER,
      client_id: id,
      ...(await proof()),
    })
    expect(redeemed.body['error']).toBe('invalid_grant')
    await expect(call(String(body['access_token']))).rejects.toThrow()
    await expect.poll(atCrm).toBe(401)

    const again = await login()
    await call(String(again.body['access_token']))
    expect((await refreshed(again.body['refresh_token'])).status).toBe(200)
    await expect(call(String(body['access_token']))).rejects.toThrow()
    expect(await atCrm()).toBe(401)
  })

  test('that an operator stops while a page is open gets no permission by it', async () => {
    const { id, redirectUri } = await make()
    const person = createPerson(world.publicUrl)
    const consent = await hand.toConsent(person, {
      client_id: id,
      redirect_uri: redirectUri,
      prompt: 'consent',
    })
    expect(consent.text).toContain('asks to use')
    await change(id, 'disable')
    const after = await person.submit(consent, { decision: 'allow' })
    expect(after.response?.status).toBeGreaterThanOrEqual(400)
    expect(after.url.searchParams.get('code')).toBeNull()
    await change(id, 'enable')
  })

  test('that an operator stops is a line of the feed, hashed, and of the audit log', async () => {
    const { id } = await make()
    await change(id, 'disable')
    await change(id, 'enable')
    const { lines } = JSON.parse((await ask(world.service.socket, 'GET', '/audit?limit=2')).text) as {
      lines: readonly { kind: string; agent: string; reason: string }[]
    }
    expect(lines.map(({ kind, agent, reason }) => [kind, agent, reason])).toEqual([
      ['agent_changed', id, 'disabled by operator'],
      ['agent_changed', id, 'enabled by operator'],
    ])
  })
})

test('what an operator calls by no agent’s name is unknown', async () => {
  for (const to of ['disable', 'enable'] as const) {
    for (const id of ['nobody', 'dyn_nobody', 'https://evil.example/client.json', 'crm'])
      expect(await change(id, to)).toMatchObject({
        status: 404,
        text: expect.stringContaining('agents.unknown') as string,
      })
  }
})

test('agents are listed, whoever named them, without secrets', async () => {
  const { body } = await register(world, { client_name: 'Listed', redirect_uris: [REDIRECT] })
  const { text } = await ask(world.service.socket, 'GET', '/agents')
  const { agents } = JSON.parse(text) as { agents: readonly { id: string; kind: string; name: string }[] }
  expect(agents).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: 'assistant', kind: 'catalogue', name: 'Test assistant' }),
      expect.objectContaining({ id: DOCUMENT, kind: 'document', name: 'Document' }),
      expect.objectContaining({ id: body['client_id'], kind: 'registered', name: 'Listed' }),
    ]),
  )
  expect(text).not.toContain('sha256:')
  expect(text).not.toContain(String(body['client_secret']))
})
