import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Answer, Person } from '../support/by-hand.ts'
import { type Logins, openLogins } from '../support/logins.ts'
import { ask } from '../support/wire.ts'
import { byOther, twoAgents } from '../support/world.ts'

const DAY = 24 * 3600_000
/** Nobody is named: users, agents and servers may go. */
const policies = '\n  - permit: { servers: [crm] }'

const errorOf = ({ body }: Answer) => body['error']
const claimsOf = ({ body }: Answer) =>
  decodeJwt<{ dlg: { gid: string; anc: string[] }; jti: string; txn: string }>(String(body['access_token']))
const newest = (lines: readonly Record<string, unknown>[], kind: string) =>
  lines.findLast((line) => line['kind'] === kind)

describe('a login', () => {
  let at: Logins
  let alice: Person
  beforeEach(async () => {
    at = await openLogins({ policies })
    alice = at.person()
  })
  afterEach(() => at.world.close())
  /** Uses the newest token every thirteen days. */
  const kept = async (first: Answer, days: number) => {
    let answer = first
    for (let day = 0; day < days; day += 13) {
      at.world.clock.advance(Math.min(13, days - day) * DAY)
      answer = await at.refresh(answer)
      expect(answer.status).toBe(200)
    }
    return answer
  }

  test('that rests for fourteen days is over, and not a moment before', async () => {
    const [one, two] = [await at.login(alice), await at.login(alice)]
    at.world.clock.advance(14 * DAY - 60_000)
    expect((await at.refresh(one)).status).toBe(200)
    at.world.clock.advance(60_000)
    expect(errorOf(await at.refresh(two))).toBe('invalid_grant')
    expect(at.world.logged.findLast((line) => line.includes('refresh refused'))).toContain(
      'oauth.refresh_token_expired',
    )
  })

  test('ends with its grant, and no token lives longer', async () => {
    const last = await kept(await at.login(alice), 29.5)
    at.world.clock.advance(DAY / 2 - 100_000)
    const short = await at.refresh(last)
    expect(short.body['expires_in']).toBeLessThanOrEqual(100)
    const { exp = 0, iat = 0 } = claimsOf(short)
    expect(exp - iat).toBe(short.body['expires_in'])
    at.world.clock.advance(100_000)
    expect(errorOf(await at.refresh(short))).toBe('invalid_grant')
  })

  test('goes on with a grant that a wider consent prolonged', async () => {
    const before = await kept(await at.login(alice), 26)
    at.world.clock.advance(3 * DAY)
    await at.login(alice, { scope: 'crm.write' })
    at.world.clock.advance(5 * DAY)
    const after = await at.refresh(before)
    expect(after.body['scope']).toBe('crm.read')
    expect((await kept(after, 20)).status).toBe(200)
  })

  test('is over when its grant had run out, and does not come back with a newer consent', async () => {
    const before = await kept(await at.login(alice, { scope: 'crm.read crm.write' }), 26)
    expect(before.body['scope']).toBe('crm.read crm.write')
    at.world.clock.advance(5 * DAY)
    const newer = await at.login(alice, { scope: 'crm.read' })
    expect(errorOf(await at.refresh(before))).toBe('invalid_grant')
    expect((await at.refresh(newer)).body['scope']).toBe('crm.read')
  })

  test('is over when a newer consent is for another server alone', async () => {
    const before = await kept(await at.login(alice), 26)
    at.world.clock.advance(5 * DAY)
    await at.login(alice, { resource: at.world.mount('notes'), scope: 'notes.read' })
    expect(errorOf(await at.refresh(before))).toBe('invalid_grant')
  })

  test('that goes on for a month ends with a token used in its first days', async () => {
    const first = await at.login(alice)
    const last = await kept(first, 26)
    expect(errorOf(await at.refresh(first))).toBe('invalid_grant')
    expect(errorOf(await at.refresh(last))).toBe('invalid_grant')
  })

  test('ends with the revocation of its grant, and a new grant does not bring it back', async () => {
    const [one, two] = [await at.login(alice), await at.login(alice)]
    const { gid } = claimsOf(one).dlg
    expect((await ask(at.world.service.socket, 'POST', `/grants/${gid}/revoke`)).status).toBe(204)
    for (const each of [one, two]) expect(errorOf(await at.refresh(each))).toBe('invalid_grant')
    await at.login(alice)
    expect(errorOf(await at.refresh(one))).toBe('invalid_grant')
  })

  test.each([
    ['its user', 'invalid_grant', (text: string) => text.replace(/\n {2}bob: .*/, '')],
    ['its agent', 'invalid_client', (text: string) => text.replace('\n  assistant:', '\n  another:')],
    ['its server', 'invalid_grant', (text: string) => text.replace('\n  notes:', '\n  elsewhere:')],
  ])(
    'gives nothing once %s left the configuration, and does not come back with it',
    async (_, error, without) => {
      const notes = { resource: at.world.mount('notes'), scope: 'notes.read' }
      const bob = await at.login(at.person(), notes, 'bob')
      await at.world.restart(without)
      expect(errorOf(await at.refresh(bob))).toBe(error)
      await at.world.restart((text) => text)
      at.world.clock.advance(11_000)
      expect(errorOf(await at.refresh(bob))).toBe('invalid_grant')
      expect((await at.refresh(await at.login(at.person(), notes, 'bob'))).status).toBe(200)
    },
  )
})

describe('on record', () => {
  let at: Logins
  let alice: Person
  beforeAll(async () => {
    at = await openLogins({ amend: twoAgents })
    alice = at.person()
  })
  afterAll(() => at.world.close())

  test('is every token 1, by what it was given for', async () => {
    const first = await at.login(alice)
    const recorded = newest(await at.lines(), 'token_issued')
    const { dlg, txn } = claimsOf(first)
    expect(recorded).toMatchObject({
      username: 'alice',
      agent: 'assistant',
      server: 'crm',
      scopes: ['crm.read'],
      grant: dlg.gid,
      txn,
      outcome: 'issued',
      reason: 'by code',
    })
    const next = await at.refresh(first)
    expect(newest(await at.lines(), 'token_issued')).toMatchObject({
      txn: claimsOf(next).txn,
      reason: 'by refresh',
    })
  })

  test.each<[string, (first: Answer) => Promise<unknown>]>([
    [
      'oauth.refresh_token_reused',
      async (first) => {
        await at.refresh(first)
        at.world.clock.advance(10_000)
        return at.refresh(first)
      },
    ],
    [
      'oauth.login_ended',
      async (first) => {
        await ask(at.world.service.socket, 'POST', `/grants/${claimsOf(first).dlg.gid}/revoke`)
        return at.refresh(first)
      },
    ],
    ['oauth.refresh_token_unknown', () => at.hand.refresh('x', {})],
    ['oauth.refresh_token_of_another', (first) => at.refresh(first, byOther)],
    ['invalid_scope', (first) => at.refresh(first, { scope: 'admin' })],
    ['invalid_target', (first) => at.refresh(first, { resource: at.world.mount('notes') })],
  ])('and in the log is why a refresh was refused: %s, and never the token', async (reason, refused) => {
    const first = await at.login(alice)
    await refused(first)
    expect(newest(await at.lines(), 'refresh_refused')).toMatchObject({ outcome: 'denied', reason })
    const logged = at.world.logged.filter((line) => line.includes('refresh refused'))
    expect(logged.at(-1)).toContain(reason)
    const token = String(first.body['refresh_token'])
    for (const part of token.split('.').slice(1)) expect(at.world.logged.join('\n')).not.toContain(part)
  })

  test('is nothing of who did not prove to be a client, and the log says it', async () => {
    const first = await at.login(alice)
    const before = await at.lines()
    for (const lie of [{ client_assertion: 'e30.e30.x' }, { ...byOther, client_secret: 'wrong' }]) {
      expect(errorOf(await at.refresh(first, lie))).toBe('invalid_client')
      expect(await at.lines()).toEqual(before)
      expect(at.world.logged.at(-1)).toMatch(/refresh refused.*invalid_client/)
    }
  })
})
