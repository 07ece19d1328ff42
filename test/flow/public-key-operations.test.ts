import { systemClock } from '@tetrapod/protocol'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { clientAuthentication } from '../../server-sdk/src/client.ts'
import { byHand, EXCHANGE } from '../support/by-hand.ts'
import { rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

const find = { name: 'find_customer', arguments: { query: 'a' } }
const commission = { name: 'my_commission', arguments: {} }

let world: World
let one: string
beforeAll(async () => {
  world = await openWorld()
  one = (await world.signIn('alice')).token() ?? ''
})
afterAll(() => world.close())

const call = async (params: object) =>
  (await send(rpc({ url: world.mount('crm'), token: one, params: { ...params } }))).status

/** An exchange by crm, its assertion signed beforehand. */
async function prepared() {
  const { crmKey: key, publicUrl } = world
  const proof = await clientAuthentication({ id: 'crm', key }, publicUrl, systemClock)
  const request = {
    grant_type: EXCHANGE,
    subject_token: world.lastToken('crm'),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'payroll',
    ...proof,
  }
  return async () => (await byHand(world).token(request)).status
}

/** How often each of them happened in this process, in which every party runs. */
async function counted(work: () => Promise<unknown>) {
  const spies = (['sign', 'verify', 'importKey'] as const).map((name) => vi.spyOn(crypto.subtle, name))
  try {
    const result = await work()
    const [sign, verify, importKey] = spies.map(({ mock }) => mock.calls.length)
    return { result, sign, verify, importKey }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

test('an exchange costs one signature and the verification of its assertion; the subject token’s is remembered', async () => {
  await call(commission)
  expect(await (await prepared())()).toBe(200)
  const again = await prepared()
  expect(await counted(again)).toEqual({ result: 200, sign: 1, verify: 1, importKey: 0 })
})

test('an exchange with a token that was never seen costs one verification more', async () => {
  await call(find)
  one = (await world.signIn('alice')).token() ?? ''
  await call(find)
  const first = await prepared()
  expect(await counted(first)).toEqual({ result: 200, sign: 1, verify: 2, importKey: 0 })
})

test('a call like the one before it costs nothing of the kind, at the gateway, the server and the API', async () => {
  await call(commission)
  expect(await counted(() => call(commission))).toEqual({ result: 200, sign: 0, verify: 0, importKey: 0 })
  expect(await counted(() => call(find))).toEqual({ result: 200, sign: 0, verify: 0, importKey: 0 })
})

test('the counter counts: a login signs and verifies', async () => {
  const { sign = 0, verify = 0 } = await counted(() => world.signIn('alice'))
  expect([sign > 0, verify > 0]).toEqual([true, true])
})
