import { decodeJwt, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVerifier } from '../server-sdk/src/verifier.ts'
import { forgeries } from './forgeries.ts'
import { exchangeCall, notesExchange } from './forgeries/exchange.ts'
import {
  crmCall,
  type Forgery,
  gatewayCall,
  type Honest,
  openHonest,
  payrollCall,
  type Refused,
  type Target,
} from './forgeries/forgery.ts'
import { crmCallWith, honestTransaction, transactionExchange } from './forgeries/transaction.ts'
import { type Reply, send, type Sent } from './support/wire.ts'
import { openWorld, twoAgents, type World } from './support/world.ts'

/** What every token that does not hold is answered with, whatever is wrong with it. */
const tokenRefused: Readonly<Record<Target, Refused>> = {
  gateway: { status: 401, error: 'gateway.token_refused' },
  'server-sdk': { status: 401, error: 'invalid_token' },
  'token-endpoint': { status: 400, error: 'invalid_request' },
}
const clientRefused: Refused = { status: 401, error: 'invalid_client' }

let world: World
let honest: Honest
beforeAll(async () => {
  world = await openWorld({ amend: twoAgents })
  honest = await openHonest(world)
})
afterAll(() => world.close())

/** Calls that arrived behind the party that was addressed. */
function effects({ url: addressed }: Sent): number {
  return world.received.filter(
    ({ party, url }) => !url.startsWith('/.well-known/') && !addressed.startsWith(world.urls[party]),
  ).length
}

function errorOf({ text }: Reply): readonly unknown[] {
  const { error } = JSON.parse(text) as { error?: string | { code: number; data?: { code?: string } } }
  return typeof error === 'object' ? [error.code, error.data?.code] : [error]
}

/** All of an answer that could tell one forgery from another. */
function shape({ status, headers, text }: Reply) {
  const { date: _date, ...rest } = headers
  return { status, headers: rest, text }
}

async function issued(reply: Reply) {
  const { access_token: token } = JSON.parse(reply.text) as { access_token: string }
  const { jti: _jti, iat: _iat, exp: _exp, ...lasting } = decodeJwt(token)
  return lasting
}

describe('what the forgeries are made from holds', () => {
  test('honest calls and exchanges succeed, and ours is the key that signs', async () => {
    const { tokens, forge } = honest
    for (const sent of [
      gatewayCall(honest, tokens.one),
      gatewayCall(honest, await forge.sign(decodeJwt(tokens.one))),
      crmCall(honest, tokens.two),
      payrollCall(honest, tokens.three),
      await exchangeCall(honest),
      await notesExchange(honest),
      await crmCallWith(honest, await honestTransaction(honest)),
      await transactionExchange(honest, await honestTransaction(honest)),
    ]) {
      const reply = await send(sent)
      expect({ ...reply, error: errorOf(reply) }).toMatchObject({ status: 200, error: [undefined] })
    }
  })

  test('each has a name of its own', () => {
    expect(new Set(forgeries.map(({ name }) => name)).size).toBe(forgeries.length)
    // Tried at several places, a check is still one.
    const checks = new Set(forgeries.map(({ name }) => name.slice(name.indexOf(': ') + 2)))
    expect(checks.size).toBeGreaterThanOrEqual(500)
  })
})

describe.each<Target>(['gateway', 'server-sdk', 'token-endpoint'])('at the %s', (target) => {
  const here = forgeries.filter((forgery) => forgery.target === target)
  const answers = new Map<string, ReturnType<typeof shape>>()

  test.each(
    here.filter(({ kind }) => kind !== 'ignored').map((forgery) => [forgery.name, forgery.rule, forgery]),
  )('%s (%s): refused, and nobody behind it hears of it', async (name, _rule, forgery) => {
    const sent = await forgery.request(honest)
    const before = effects(sent)
    const reply = await send(sent)
    const { status, error } = refusedOf(forgery)
    expect(reply.status).toBe(status)
    expect(errorOf(reply)).toContain(error)
    expect(reply.text).not.toContain('"access_token"')
    expect(effects(sent)).toBe(before)
    const place = forgery.kind === 'request' ? forgery.alike : name.split(':')[0]
    if (place === undefined) return
    const first = answers.get(place) ?? shape(reply)
    answers.set(place, first)
    expect(shape(reply), 'it is told apart from the others').toEqual(first)
  })
})

describe('the rule that a token forgery is named after is the one that refuses it', () => {
  const named = forgeries.flatMap((forgery) =>
    forgery.kind === 'token' && forgery.bearer !== undefined ? [{ ...forgery, bearer: forgery.bearer }] : [],
  )
  test.each(named.map((forgery) => [forgery.name, forgery.rule, forgery] as const))(
    '%s: %s',
    async (_name, rule, { bearer }) => {
      const { publicJwk, kid } = honest.forge
      const key = await importJWK(publicJwk, 'ES256')
      if (!('type' in key)) throw new Error('not a public key')
      const keys = (asked: string) => (asked === kid ? key : undefined)
      const { token, audience } = await bearer(honest)
      const verifier = createVerifier({ issuer: world.publicUrl, keys, clock: world.clock })
      await expect(verifier.verify(token, audience)).rejects.toMatchObject({ name: 'Refusal', code: rule })
    },
  )
})

describe('what only a verified lineage may say', () => {
  const ignored = forgeries.filter(({ kind }) => kind === 'ignored')
  test.each(ignored.map((forgery) => [forgery.name, forgery] as const))(
    '%s is not read: the token is what it would have been',
    async (_name, forgery) => {
      const expected = await issued(await send(await exchangeCall(honest)))
      expect(await issued(await send(await forgery.request(honest)))).toEqual(expected)
    },
  )
})

function refusedOf(forgery: Forgery): Refused {
  if (forgery.kind === 'request') return forgery.refused
  return forgery.kind === 'client' ? clientRefused : tokenRefused[forgery.target]
}
