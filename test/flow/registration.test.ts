import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, type Person, toolsFor, VERIFIER } from '../support/by-hand.ts'
import { journey, register, withRegistration } from '../support/registering.ts'
import { openWorld, type World } from '../support/world.ts'

const REDIRECT = 'http://127.0.0.1:4555/callback'
const wanted = { client_name: 'Stranger', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' }
const policies = `
  - permit: { servers: [notes] }
  - permit: { agents: [dynamic, assistant], servers: [crm] }
  - forbid: { servers: [crm], tools: [delete_customer] }`

describe('an agent that registers itself', () => {
  let world: World
  let hand: ReturnType<typeof byHand>
  let alice: Person
  beforeAll(async () => {
    world = await openWorld({ policies, amend: withRegistration('{ dynamic: true }') })
    hand = byHand(world)
    alice = createPerson(world.publicUrl)
  })
  afterAll(() => world.close())

  const registered = async (body: object = wanted) => {
    const answer = await register(world, body)
    expect([answer.status, answer.body['error_description']]).toEqual([201, undefined])
    return {
      ...answer,
      id: String(answer.body['client_id']),
      token: String(answer.body['registration_access_token']),
    }
  }

  test('gets an id, permission of a user, and a token that says who it is', async () => {
    const { id, body } = await registered()
    expect(id).toMatch(/^dyn_[\w-]{22}$/)
    expect(body).toMatchObject({
      client_name: 'Stranger',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      registration_client_uri: `${world.publicUrl}/register/${id}`,
    })
    const { status, body: token, consent } = await journey({ hand, person: alice, id, redirectUri: REDIRECT })
    expect(consent.text).toContain('Nobody has checked this name')
    expect([status, token['error_description']]).toEqual([200, undefined])
    const claims = decodeJwt(String(token['access_token']))
    expect(claims).toMatchObject({ client_id: id, act: { sub: id }, aud: world.mount('crm') })
    expect(await toolsFor(world.mount('crm'), String(token['access_token']))).toContain('find_customer')
  })

  test('that dies with a restart is asked to register again; one that registered is known after it', async () => {
    const { id } = await registered()
    await world.restart()
    const { status } = await journey({
      hand,
      person: createPerson(world.publicUrl),
      id,
      redirectUri: REDIRECT,
    })
    expect(status).toBe(200)
  })

  test('a secret is shown once, and proves the agent afterwards; a wrong one does not spend the code', async () => {
    const { id, body, token } = await registered({ ...wanted, token_endpoint_auth_method: undefined })
    const secret = String(body['client_secret'])
    expect(body).toMatchObject({
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret_expires_at: 0,
    })
    const read = await register(world, undefined, {
      method: 'GET',
      url: String(body['registration_client_uri']),
      token,
    })
    expect(read.status).toBe(200)
    expect(read.body).not.toHaveProperty('client_secret')

    const code = await hand.codeOf(createPerson(world.publicUrl), { client_id: id, redirect_uri: REDIRECT })
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    }
    const basic = (it: string) => ({
      authorization: `Basic ${Buffer.from(`${id}:${it}`).toString('base64')}`,
    })
    expect(await hand.token(form, basic('wrong'))).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    })
    expect(await hand.token({ ...form, client_id: id })).toMatchObject({ status: 401 })
    expect(await hand.token({ ...form, client_id: id, client_secret: secret })).toMatchObject({ status: 200 })
  })
})
