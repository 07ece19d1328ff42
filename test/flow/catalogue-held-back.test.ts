import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EXCHANGE, officialClient, signAssertion } from '../support/by-hand.ts'
import { playedTime } from '../support/played-time.ts'
import { rpc, type Sent } from '../support/wire.ts'
import { type Amend, openWorld, type World } from '../support/world.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const withoutEdge: Amend = (text) =>
  text.replace('calls: { payroll: { crm.read: [payroll.read] } }', 'calls: {}')
const withForbid: Amend = (text) => text.replace('policies:\n', 'policies:\n  - forbid: { servers: [crm] }\n')

describe('a request whose body is kept back until after an edit', () => {
  const time = playedTime()
  let world: World
  beforeEach(async () => {
    world = await openWorld({ ticker: time })
  })
  afterEach(() => world.close())

  /** Token 1 of Alice, and the token 2 of a call with it. */
  async function called() {
    const one = (await world.signIn('alice')).token() ?? ''
    const client = await officialClient(world.mount('crm'), one)
    await client.callTool({ name: 'my_commission', arguments: {} })
    await client.close()
    return { one, two: world.lastToken('crm') }
  }

  async function exchange(two: string): Promise<Sent> {
    const form = new URLSearchParams({
      grant_type: EXCHANGE,
      subject_token: two,
      subject_token_type: ACCESS_TOKEN,
      audience: 'payroll',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await signAssertion({ issuer: world.publicUrl, id: 'crm', key: world.crmKey }),
    })
    return {
      url: `${world.publicUrl}/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    }
  }
  /** Keys are fetched whenever somebody needs them. */
  const heard = () => world.received.filter(({ url }) => !url.startsWith('/.well-known/')).length
  const call = (token: string) =>
    rpc({ url: world.mount('crm'), token, params: { name: 'find_customer', arguments: { query: 'a' } } })

  test.each([
    ['is given no token over an edge that is gone', exchange, withoutEdge, 'two'],
    ['calls no tool that is forbidden now', call, withForbid, 'one'],
  ] as const)('%s', async (_, ask, amend, which) => {
    const tokens = await called()
    const held = await heldBack(await ask(tokens[which]))
    const before = heard()
    await world.edit(amend)
    time.pass(3001)
    expect(await held.finish()).toMatchObject({
      status: 503,
      text: expect.stringContaining('configuration was changed while this request was on its way') as string,
    })
    expect(heard()).toBe(before)
  })

  test('is served as it began, where no more than a moment goes by', async () => {
    const { one } = await called()
    const held = await heldBack(call(one))
    await world.edit(withForbid)
    time.pass(2999)
    expect(await held.finish()).toMatchObject({ status: 200 })
  })
})

/** Sends the head and waits until it has arrived. `finish` sends the body. */
async function heldBack({ method = 'POST', url, headers = {}, body = '' }: Sent) {
  const sent = request(url, {
    method,
    agent: false,
    headers: { ...headers, expect: '100-continue', 'content-length': Buffer.byteLength(body) },
  })
  const answered = new Promise<{ readonly status: number | undefined; readonly text: string }>(
    (resolve, reject) => {
      sent.on('error', reject)
      sent.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode, text }))
      })
    },
  )
  await new Promise((resolve) => sent.once('continue', resolve).flushHeaders())
  return {
    finish() {
      sent.end(body)
      return answered
    },
  }
}
