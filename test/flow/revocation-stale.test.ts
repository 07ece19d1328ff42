import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { byHand, createPerson, EXCHANGE } from '../support/by-hand.ts'
import { playedTime } from '../support/played-time.ts'
import { rpc, send } from '../support/wire.ts'
import { NOTES_SECRET, openWorld, type World } from '../support/world.ts'

const echo = { name: 'echo', arguments: { text: 'x' } }

describe('a service that could not read the revocation feed for five seconds', () => {
  const time = playedTime()
  let world: World
  let behave: (response: ServerResponse) => void
  beforeAll(async () => {
    world = await openWorld({ ticker: time, upstream: (_request, response) => behave(response) })
  })
  beforeEach(() => time.wake())
  afterAll(() => world.close())

  const atUpstream = () => world.received.filter(({ party }) => party === 'notes').length
  const call = (token: string) => send(rpc({ url: world.mount('notes'), token, params: echo }))
  const signedIn = async () => (await world.signIn('alice', { server: 'notes' })).token() ?? ''
  const health = async (path: string) => {
    const response = await fetch(`${world.publicUrl}${path}`)
    return [response.status, await response.json()] as const
  }
  /** The reader may be on its way to its sleep: it is woken until it has read. */
  const ready = () =>
    expect
      .poll(
        async () => {
          time.wake()
          return (await health('/readyz'))[0]
        },
        { interval: 5 },
      )
      .toBe(200)
  const logged = () => world.logged.filter((line) => line.includes('"revocation.stale"'))

  test('accepts no token at the gateway, says why, and lets in again with the next reading', async () => {
    behave = (response) => response.writeHead(503).end()
    const token = await signedIn()
    expect((await call(token)).status).toBe(200)
    const before = atUpstream()
    time.pass(5001)
    const refused = await call(token)
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
    expect(JSON.parse(refused.text)).toMatchObject({
      error: {
        message: expect.stringContaining('What was revoked could not be read') as string,
        data: { code: 'revocation.stale' },
      },
    })
    expect(atUpstream()).toBe(before)
    time.wake()
    await expect.poll(async () => (await call(token)).status, { interval: 5 }).toBe(200)
  })

  test('gives no token: not for a code, and not in exchange', async () => {
    const hand = byHand(world)
    const code = await hand.codeOf(createPerson(world.publicUrl))
    const token = await signedIn()
    time.pass(5001)
    const why = {
      error: 'temporarily_unavailable',
      error_description: expect.stringContaining('What was revoked could not be read') as string,
    }
    expect(await hand.redeem(code)).toMatchObject({ status: 503, body: why })
    const exchange = {
      grant_type: EXCHANGE,
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'payroll',
      client_id: 'notes',
      client_secret: NOTES_SECRET,
    }
    expect(await hand.token(exchange)).toMatchObject({ status: 503, body: why })
    await ready()
    // The code was not spent.
    expect(await hand.redeem(code)).toMatchObject({ status: 200 })
  })

  test('is not ready, and says so; it lives all the same', async () => {
    expect(await health('/readyz')).toEqual([
      200,
      { ready: true, audit: 'writable', catalogue: 'current', revocation: 'current' },
    ])
    time.pass(5001)
    expect(await health('/readyz')).toEqual([
      503,
      { ready: false, audit: 'writable', catalogue: 'current', revocation: 'stale' },
    ])
    expect(await health('/livez')).toEqual([200, { live: true }])
    expect(logged().at(-1)).toContain('error')
    await ready()
    expect(logged().at(-1)).toContain('info')
  })

  test('ends the calls that are in flight', async () => {
    const reached = Promise.withResolvers<void>()
    const cut = Promise.withResolvers<void>()
    behave = (response) => {
      response.once('close', () => cut.resolve())
      reached.resolve()
    }
    const answer = call(await signedIn())
    await reached.promise
    time.pass(5001)
    const { status, text } = await answer
    expect([status, JSON.parse(text)]).toMatchObject([503, { error: { data: { code: 'revocation.stale' } } }])
    await cut.promise
  })
})
