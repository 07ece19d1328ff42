import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ASSERTION_TYPE, officialClient, signAssertion } from '../support/by-hand.ts'
import {
  type Bench,
  type BenchOptions,
  type Claims,
  CRM_URL,
  ISSUER,
  LEDGER,
  MOUNT,
  openBench,
  PAYROLL,
  tokenTwo,
} from '../support/exchange-bench.ts'
import { ask } from '../support/wire.ts'
import { type Amend, openWorld, type World } from '../support/world.ts'

const ALICE = 'alice@corp.example'
const linked = { alice: { corp: ALICE, other: 'a-1' } }

async function fresh(options: BenchOptions): Promise<Bench> {
  const bench = await openBench(options)
  onTestFinished(() => bench.close())
  return bench
}

describe('a token for an API that knows its users by their id at corp', () => {
  const corp = { asks: { payroll: { subject: 'corp' } }, linked }
  const issued = async (options: BenchOptions = corp) => {
    const bench = await fresh(options)
    const { body } = await bench.exchange(await bench.sign())
    return { bench, body, token: String(body['access_token']) }
  }

  test('has that id for `sub` and ours beside it, names the same person as before, and ends its chain', async () => {
    const { bench, token } = await issued()
    const claims = decodeJwt(token)
    expect(claims).toEqual({
      ...tokenTwo,
      aud: PAYROLL,
      sub: ALICE,
      client_id: 'crm',
      scope: 'payroll.read',
      jti: claims.jti,
      iat: claims.iat,
      exp: claims.exp,
      act: { iss: ISSUER, sub: 'crm', act: tokenTwo.act },
      dlg: { gid: bench.grant.id, hop: 3, rem: 0, anc: ['family-1', 'jti-1', 'jti-2'], sub: 'u1' },
    })
    expect(await bench.verify(token, PAYROLL)).toMatchObject({ subject: ALICE, account: 'u1' })
  })

  test('has the id at the provider that this API names, and no other’s', async () => {
    const { token } = await issued({ ...corp, asks: { payroll: { subject: 'other' } } })
    expect(decodeJwt(token).sub).toBe('a-1')
  })

  test('is given to that API alone: another one knows the user by our id', async () => {
    const { token } = await issued({ ...corp, asks: { ledger: { subject: 'corp' } } })
    expect(decodeJwt(token)).toMatchObject({ sub: 'u1', dlg: { rem: 5 } })
    expect(decodeJwt(token)['dlg']).not.toHaveProperty('sub')
  })

  test('is on record under our id, and the id at corp is nowhere in the log', async () => {
    const { bench } = await issued()
    const line = (await bench.lines()).at(-1)
    expect(line).toMatchObject({ user: 'u1', username: 'alice', api: 'payroll', outcome: 'issued' })
    expect(JSON.stringify(line)).not.toContain(ALICE)
  })

  test.each<readonly [string, Claims]>([
    ['for another user', { sub: 'bob@corp.example' }],
    ['with a delegation', { dlg: JSON.stringify({ sub: 'u2' }) }],
    ['for another provider', { subject: 'other', linked: 'other' }],
  ])('takes no word of it from the request: %s', async (_, form) => {
    const bench = await fresh(corp)
    const { body } = await bench.exchange(await bench.sign(), form as Record<string, string>)
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ sub: ALICE, dlg: { sub: 'u1' } })
  })

  test('is for who is linked there: another link does not help, nor does a name that every object has', async () => {
    for (const [subject, links] of [
      ['corp', { alice: { other: 'a-1' }, bob: { corp: ALICE } }],
      ['constructor', { alice: { corp: ALICE } }],
    ] as const) {
      const { body } = await issued({ asks: { payroll: { subject } }, linked: links })
      expect(body).toMatchObject({
        error: 'interaction_required',
        interaction_uri: `${ISSUER}/connect/${subject}`,
      })
    }
  })

  test.each(['crm', MOUNT, 'assistant'])(
    'is never signed where the user’s id is an actor’s: %s',
    async (id) => {
      const bench = await fresh({ ...corp, linked: { alice: { corp: id } } })
      const { status, body } = await bench.exchange(await bench.sign())
      expect([status, body['error']]).toEqual([500, 'server_error'])
      expect(bench.happened).toEqual(['recorded'])
      expect((await bench.lines()).at(-1)?.reason).toBe('broker.misconfigured')
    },
  )

  test('is not signed when the user is revoked while it is put on record', async () => {
    const bench = await fresh(corp)
    const subject = await bench.sign()
    bench.journal.onceRecorded = () => bench.revocation.revoke('user', 'u1')
    const { status, body } = await bench.exchange(subject)
    expect([status, body['error'], body['access_token']]).toEqual([400, 'invalid_request', undefined])
  })

  const delegation = (bench: Bench, change: object) => ({
    gid: bench.grant.id,
    hop: 2,
    anc: ['family-1', 'jti-1'],
    sub: 'u1',
    ...change,
  })

  test.each<readonly [string, Claims, object]>([
    ['as it was given', { sub: ALICE }, { rem: 0 }],
    ['with depth left', { sub: ALICE }, { rem: 6 }],
    ['with our own id in both places', { sub: 'u1' }, { rem: 6 }],
    ['with another user’s account in `dlg`', { sub: 'u1' }, { rem: 6, sub: 'u2' }],
  ])('is exchanged by nobody, also where it is for a server: %s', async (_, claims, change) => {
    const bench = await fresh({ ...corp, asks: {} })
    const dlg = delegation(bench, change)
    const reply = await bench.exchange(await bench.sign({ ...claims, aud: CRM_URL, dlg }))
    expect([reply.status, reply.body['error']]).toEqual([400, 'invalid_request'])
    const line = (await bench.lines()).at(-1)
    expect(line).toMatchObject({ reason: 'broker.subject_token_refused.depth', user: dlg.sub })
    expect(bench.happened).toEqual(['recorded'])
  })

  test.each([
    ['the id at corp', { iss: ISSUER, sub: ALICE }],
    ['our own id', { iss: ISSUER, sub: 'u1' }],
  ])('is not verified with the user as an actor, by %s', async (_, act) => {
    const bench = await fresh(corp)
    const dlg = delegation(bench, { hop: 1, rem: 0 })
    const forged = await bench.sign({ aud: LEDGER, sub: ALICE, act, dlg })
    await expect(bench.verify(forged, LEDGER)).rejects.toMatchObject({ code: 'subject' })
  })
})

describe('in a company with such an API', () => {
  const amend: Amend = (text) =>
    text
      .replace('alice: { ', `alice: { linked: { corp: ${ALICE} }, `)
      .replace('    name: Payroll\n', '    name: Payroll\n    subject: corp\n')
  let world: World
  beforeAll(async () => {
    world = await openWorld({ amend })
  })
  afterAll(() => world.close())

  const commissionOf = async (username: string) => {
    const login = await world.signIn(username, { scopes: ['crm.read'] })
    const client = await officialClient(world.mount('crm'), login.token() ?? '')
    const result = await client.callTool({ name: 'my_commission', arguments: {} })
    await client.close()
    return result
  }
  const introspected = async (token: string) => {
    const id = 'payroll'
    const assertion = await signAssertion({ issuer: world.publicUrl, id, key: world.payrollKey })
    const form = { token, client_assertion_type: ASSERTION_TYPE, client_assertion: assertion }
    const answer = await fetch(`${world.publicUrl}/introspect`, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    return answer.json()
  }
  const statusAtPayroll = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${world.urls.payroll}/commission`, { headers })).status
  }

  test('who is not linked is told where to go, in the words of the tool, and the API hears nothing', async () => {
    const before = world.received.length
    const { isError, content } = await commissionOf('bob')
    expect(isError).toBe(true)
    expect(JSON.stringify(content)).toContain(`${world.publicUrl}/connect/corp`)
    const heard = world.received.slice(before).filter(({ party }) => party === 'payroll')
    expect(heard).toEqual([])
  })

  test('the API verifies the token, introspection says what it says, and what ends our account ends it', async () => {
    expect((await commissionOf('alice')).isError).toBeFalsy()
    const token = world.lastToken('payroll')
    const { sub, dlg } = decodeJwt<{ readonly dlg: { readonly sub?: string } }>(token)
    expect(sub).toBe(ALICE)
    expect(dlg.sub).toBe(decodeJwt(world.lastToken('crm')).sub)
    expect(await statusAtPayroll(token)).toBe(200)
    const answer = await fetch(`${world.urls.payroll}/commission`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await answer.json()).toMatchObject({ saw: { user: { id: dlg.sub, subject: ALICE } } })
    expect(await introspected(token)).toMatchObject({
      active: true,
      sub: ALICE,
      dlg,
      sub_id: { sub: 'alice' },
    })

    await ask(world.service.socket, 'POST', '/users/alice/sign-out')
    expect(await introspected(token)).toEqual({ active: false })
    await expect.poll(() => statusAtPayroll(token)).toBe(401)
  })
})
