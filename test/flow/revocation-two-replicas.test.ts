import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, officialClient } from '../support/by-hand.ts'
import { findPostgres, freshSchema, type FreshSchema } from '../support/postgres.ts'
import { race } from '../support/race.ts'
import { createReplicas, type Replica } from '../support/replicas.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

const find = { name: 'find_customer', arguments: { query: 'a' } }
const echo = { name: 'echo', arguments: { text: 'x' } }

describe.runIf(findPostgres() !== undefined)('two replicas: what is revoked at one of them', () => {
  const replicas = createReplicas(2)
  let schema: FreshSchema
  let world: World
  let reached: PromiseWithResolvers<void>
  beforeAll(async () => {
    schema = await freshSchema(findPostgres() ?? '')
    world = await openWorld({ database: schema.url, run: replicas.run, upstream: () => reached.resolve() })
  }, 60_000)
  afterAll(async () => {
    await world.close()
    await schema.drop()
  }, 60_000)

  const at = (replica: number) => replicas.all[replica] as Replica
  const revoke = (replica: number, token: string) => {
    const { gid } = decodeJwt<{ readonly dlg: { readonly gid: string } }>(token).dlg
    return ask(at(replica).socket, 'POST', `/grants/${gid}/revoke`)
  }
  /** At one replica, without the proxy. */
  const call = async (replica: number, server: 'crm' | 'notes', token: string) => {
    const { host } = new URL(world.publicUrl)
    const url = `http://127.0.0.1:${at(replica).port}/${server}/mcp`
    const params = server === 'crm' ? find : echo
    return (await send(rpc({ url, token, params, headers: { host } }))).status
  }

  test.each([
    [0, 1],
    [1, 0],
  ])('stops calls at both within the second, and at the CRM: revoked at %i', async (here, there) => {
    const token = (await world.signIn('alice')).token() ?? ''
    const client = await officialClient(world.mount('crm'), token)
    await client.callTool(find)
    await client.close()
    const two = world.lastToken('crm')
    expect([await call(here, 'crm', token), await call(there, 'crm', token)]).toEqual([200, 200])
    expect((await revoke(here, token)).status).toBe(204)
    expect(await call(here, 'crm', token)).toBe(401)
    await expect.poll(() => call(there, 'crm', token), { interval: 5, timeout: 1000 }).toBe(401)
    const atCrm = async () => (await send(rpc({ url: world.urls.crm, token: two, params: find }))).status
    await expect.poll(atCrm, { interval: 5, timeout: 1000 }).toBe(401)
  })

  test('ends the call that is in flight at the other one', async () => {
    reached = Promise.withResolvers()
    const token = (await world.signIn('alice', { server: 'notes' })).token() ?? ''
    const answer = call(1, 'notes', token)
    await reached.promise
    await revoke(0, token)
    expect(await answer).toBe(401)
  })

  test('a refresh token that is used fifty times at once, at both, leads to one next one, which works', async () => {
    const hand = byHand(world)
    const first = await hand.redeem(await hand.codeOf(createPerson(world.publicUrl)))
    // The proxy takes turns.
    const answers = await race([`${world.publicUrl}/token`], 50, async () => ({
      grant_type: 'refresh_token',
      refresh_token: String(first.body['refresh_token']),
      ...(await hand.proof()),
    }))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(({ body }) => body['refresh_token'])).size).toBe(1)
    expect((await hand.refresh(answers[0]?.body['refresh_token'])).status).toBe(200)
  })

  test('a user who is signed out at one is nobody’s at the other: neither tokens nor refreshes', async () => {
    const hand = byHand(world)
    const { body } = await hand.redeem(await hand.codeOf(createPerson(world.publicUrl), {}, 'bob'))
    const token = String(body['access_token'])
    expect(await call(1, 'crm', token)).toBe(200)
    expect((await ask(at(0).socket, 'POST', '/users/bob/sign-out')).status).toBe(204)
    await expect.poll(() => call(1, 'crm', token), { interval: 5, timeout: 1000 }).toBe(401)
    // Twice, so that either one is asked.
    for (let turn = 0; turn < 2; turn++)
      expect((await hand.refresh(body['refresh_token'])).body['error']).toBe('invalid_grant')
  })

  test('an agent that is stopped at one is stopped at the other, and may go on at both', async () => {
    const token = (await world.signIn('alice')).token() ?? ''
    const change = (to: string) => ask(at(0).socket, 'POST', `/agents/assistant/${to}`)
    const authorized = async () => {
      const url = `http://127.0.0.1:${at(1).port}/authorize?client_id=assistant`
      return (await send({ method: 'GET', url, headers: { host: new URL(world.publicUrl).host } })).text
    }
    expect(await call(1, 'crm', token)).toBe(200)
    expect((await change('disable')).status).toBe(204)
    await expect.poll(() => call(1, 'crm', token), { interval: 5, timeout: 1000 }).toBe(401)
    await expect.poll(authorized, { interval: 20, timeout: 1000 }).toContain('has stopped this agent')
    expect((await change('enable')).status).toBe(204)
    await expect.poll(authorized, { interval: 20, timeout: 1000 }).not.toContain('has stopped this agent')
  })
})
