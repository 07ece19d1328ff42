import { afterAll, beforeAll, expect, test } from 'vitest'
import { byHand, createPerson, type Form } from '../support/by-hand.ts'
import { journey, register, withRegistration } from '../support/registering.ts'
import { ask } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

const REDIRECT = 'https://agents.example/callback'
const policies = `
  - permit: { servers: [crm] }
  - permit: { agents: [dynamic], servers: [crm] }`

let world: World
let hand: ReturnType<typeof byHand>
beforeAll(async () => {
  world = await openWorld({ policies, amend: withRegistration('{ dynamic: true }') })
  hand = byHand(world)
})
afterAll(() => world.close())

async function agent(method: 'none' | 'client_secret_post') {
  const said = { redirect_uris: [REDIRECT], token_endpoint_auth_method: method }
  const { body } = await register(world, said)
  const id = String(body['client_id'])
  const secret = body['client_secret']
  const proof: Form = { client_id: id, ...(typeof secret === 'string' ? { client_secret: secret } : {}) }
  const person = createPerson(world.publicUrl)
  const login = await journey({ hand, person, id, redirectUri: REDIRECT, proof })
  const refreshed = (token: unknown) =>
    hand.token({ ...proof, grant_type: 'refresh_token', refresh_token: String(token) })
  return {
    id,
    proof,
    token: String(login.body['refresh_token']),
    refreshed,
    access: login.body['access_token'],
  }
}
async function asked(path: string, form: Form) {
  const given = Object.entries(form).filter(
    (field): field is [string, string] => typeof field[1] === 'string',
  )
  const body = new URLSearchParams(given)
  const answer = await fetch(`${world.publicUrl}${path}`, { method: 'POST', body })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const INVALID = { status: 401, body: { error: 'invalid_client' } }

test.each(['none', 'client_secret_post'] as const)(
  'an agent that registered itself takes back its own token, and nobody does it for it: %s',
  async (method) => {
    const [mine, other] = [await agent(method), await agent('none')]
    expect(await asked('/revoke', { ...other.proof, token: mine.token })).toMatchObject({ status: 400 })
    const wrong = { client_id: mine.id, client_secret: 'wrong' }
    expect(await asked('/revoke', { ...wrong, token: mine.token })).toMatchObject(INVALID)
    const assertion = await hand.proof({ id: mine.id })
    expect(await asked('/revoke', { ...assertion, token: mine.token })).toMatchObject(INVALID)
    const next = await mine.refreshed(mine.token)
    expect(next.status).toBe(200)
    expect(
      (await asked('/revoke', { ...mine.proof, token: String(next.body['refresh_token']) })).status,
    ).toBe(200)
    expect((await mine.refreshed(next.body['refresh_token'])).body['error']).toBe('invalid_grant')
  },
)

test('an agent is told of its own refresh token, and of another’s nothing', async () => {
  const [mine, other] = [await agent('client_secret_post'), await agent('client_secret_post')]
  const own = await asked('/introspect', { ...mine.proof, token: mine.token })
  expect(own).toMatchObject({ status: 200, body: { active: true, client_id: mine.id } })
  expect(await asked('/introspect', { ...other.proof, token: mine.token })).toEqual({
    status: 200,
    body: { active: false },
  })
  expect((await mine.refreshed(mine.token)).status).toBe(200)
})

test('who has a secret is not let in without it, and a public agent asks nothing of /introspect', async () => {
  const [secret, open] = [await agent('client_secret_post'), await agent('none')]
  expect(await asked('/revoke', { client_id: secret.id, token: secret.token })).toMatchObject(INVALID)
  expect(await asked('/revoke', { client_id: 'assistant', token: 'x' })).toMatchObject(INVALID)
  for (const token of [open.token, String(open.access)])
    expect(await asked('/introspect', { ...open.proof, token })).toMatchObject(INVALID)
  expect((await asked('/introspect', { ...secret.proof, token: secret.token })).body['active']).toBe(true)
})

test('an agent that an operator stopped is nobody at /revoke and /introspect', async () => {
  const { id, proof, token } = await agent('client_secret_post')
  await ask(world.service.socket, 'POST', `/agents/${id}/disable`)
  await ask(world.service.socket, 'POST', '/agents/assistant/disable')
  for (const path of ['/revoke', '/introspect']) {
    expect(await asked(path, { ...proof, token })).toMatchObject(INVALID)
    expect(await asked(path, { ...(await hand.proof()), token })).toMatchObject(INVALID)
  }
})
