import { decodeJwt } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type Bench,
  type BenchOptions,
  type Claims,
  openBench,
  START_SECONDS,
} from '../support/exchange-bench.ts'

const ACR = 'urn:tetrapod:acr:password'
const JWT = expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/)
const SENTENCE = expect.stringMatching(/^[A-Z].+\.$/)
const byCorp: BenchOptions = { asks: { payroll: { subject: 'corp' } } }
const asking = (maxAgeSeconds?: number, acrValues?: readonly string[]): BenchOptions => ({
  asks: { payroll: { authentication: { maxAgeSeconds, acrValues } } },
})

async function fresh(options?: BenchOptions): Promise<Bench> {
  const bench = await openBench(options)
  onTestFinished(() => bench.close())
  return bench
}

/** What makes the honest exchange come to this, and the whole answer. */
interface Row {
  readonly outcome: string
  readonly world?: BenchOptions
  readonly claims?: Claims
  readonly form?: Readonly<Record<string, string>>
  readonly before?: (bench: Bench) => void
  readonly status: number
  readonly body: object
  /** In the audit record; undefined where none can be written, or nothing is refused. */
  readonly reason?: string
  readonly retryAfter?: string
}

const rows: readonly Row[] = [
  {
    outcome: 'issued',
    status: 200,
    body: {
      access_token: JWT,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'payroll.read',
    },
  },
  {
    outcome: 'login_required',
    world: byCorp,
    status: 400,
    body: {
      error: 'interaction_required',
      error_description: SENTENCE,
      interaction_uri: 'https://gw.example/connect/corp',
    },
    reason: 'broker.login_required',
  },
  {
    outcome: 'consent_required',
    form: { scope: 'payroll.tax' },
    status: 400,
    body: { error: 'consent_required', error_description: SENTENCE, scope: 'crm.read' },
    reason: 'broker.consent_required',
  },
  {
    outcome: 'step_up',
    world: asking(69, [ACR, 'phr']),
    status: 400,
    body: {
      error: 'insufficient_user_authentication',
      error_description: SENTENCE,
      acr_values: `${ACR} phr`,
      max_age: 69,
    },
    reason: 'broker.step_up',
  },
  {
    outcome: 'denied, by the policy',
    world: { rules: [] },
    status: 400,
    body: { error: 'access_denied', error_description: SENTENCE },
    reason: 'broker.policy_denied',
  },
  {
    outcome: 'denied, since no scope leads there',
    form: { scope: 'payroll.admin' },
    status: 400,
    body: { error: 'access_denied', error_description: SENTENCE },
    reason: 'broker.scope_unreachable',
  },
  {
    outcome: 'misconfigured',
    world: { ...byCorp, linked: { alice: { corp: 'crm' } } },
    status: 500,
    body: { error: 'server_error', error_description: SENTENCE, reference: expect.any(String) },
    reason: 'broker.misconfigured',
  },
  {
    outcome: 'unavailable',
    before: ({ journal }) => (journal.full = true),
    status: 503,
    body: { error: 'temporarily_unavailable', error_description: SENTENCE, reference: expect.any(String) },
    retryAfter: '5',
  },
]

describe('each outcome has one public answer, on record, and a token in one of them alone:', () => {
  test.each(rows)('$outcome', async (row) => {
    const bench = await fresh(row.world)
    row.before?.(bench)
    const reply = await bench.exchange(await bench.sign(row.claims), row.form)
    expect([reply.status, reply.body]).toEqual([row.status, row.body])
    expect(reply.headers.get('retry-after')).toBe(row.retryAfter ?? null)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    if (row.outcome === 'issued') return expect(bench.happened).toEqual(['recorded', 'minted'])
    expect(bench.happened).toEqual(row.reason === undefined ? [] : ['recorded'])
    if (row.reason === undefined) return
    const line = (await bench.lines()).at(-1)
    expect(line).toMatchObject({
      kind: 'exchange',
      reason: row.reason,
      decision: 'deny',
      user: 'u1',
      scopes: [],
    })
  })
})

describe('the first step that refuses answers:', () => {
  const demanding: BenchOptions = {
    asks: { payroll: { subject: 'corp', authentication: { maxAgeSeconds: 60, acrValues: undefined } } },
  }

  test.each<readonly [string, Parameters<typeof asked>[0], string]>([
    ['too little life before the sign-in', { claims: { exp: START_SECONDS + 9 } }, 'invalid_request'],
    ['the policy before the sign-in', { world: { ...demanding, rules: [] } }, 'access_denied'],
    ['a wrong scope before the sign-in', { form: { scope: 'crm.read' } }, 'invalid_scope'],
    ['consent before the sign-in', { form: { scope: 'payroll.tax' } }, 'consent_required'],
    ['the sign-in before the missing link', {}, 'insufficient_user_authentication'],
    ['the missing link at last', { claims: { auth_time: START_SECONDS } }, 'interaction_required'],
  ])('%s', async (_, row, error) => {
    expect((await asked({ world: demanding, ...row })).body).toMatchObject({ error })
  })

  async function asked({ world, claims, form }: Pick<Row, 'world' | 'claims' | 'form'>) {
    const bench = await fresh(world)
    return bench.exchange(await bench.sign(claims), form)
  }
})

describe('an API that asks how the user signed in (RFC 9470)', () => {
  const exchanged = async (options: BenchOptions, form: Row['form'] = {}) => {
    const bench = await fresh(options)
    return bench.exchange(await bench.sign(), form)
  }

  test.each<readonly [string, BenchOptions, number]>([
    ['as it was', asking(3600, ['phr', ACR]), 300],
    ['in this way, whenever', asking(undefined, [ACR]), 300],
    ['long ago enough', asking(3600), 300],
    ['so recently that the token ends with it', asking(70), 10],
    ['and not much more recently', asking(359), 299],
  ])('gets a token when they signed in %s', async (_, options, expiresIn) => {
    const { status, body } = await exchanged(options)
    expect([status, body['expires_in']]).toEqual([200, expiresIn])
    const claims = decodeJwt(String(body['access_token']))
    expect(claims).toMatchObject({
      exp: START_SECONDS + expiresIn,
      auth_time: START_SECONDS - 60,
      acr: ACR,
      sub: 'u1',
    })
  })

  test.each<readonly [string, BenchOptions, object]>([
    ['too long ago', asking(69), { max_age: 69 }],
    ['in another way', asking(undefined, ['phr', 'phrh']), { acr_values: 'phr phrh' }],
    ['in a way that is only called alike', asking(undefined, [`${ACR}2`, ACR.toUpperCase()]), {}],
    ['in time, but in another way', asking(3600, ['phr']), { acr_values: 'phr', max_age: 3600 }],
    ['in this way, but too long ago', asking(61, [ACR]), { acr_values: ACR, max_age: 61 }],
  ])('gets none when they signed in %s', async (_, options, asked) => {
    const { status, body } = await exchanged(options)
    expect(status).toBe(400)
    expect(body).toMatchObject({ error: 'insufficient_user_authentication', ...asked })
    expect(body).not.toHaveProperty('access_token')
  })

  test('says nothing of what it does not ask', async () => {
    expect((await exchanged(asking(61))).body).not.toHaveProperty('acr_values')
    expect((await exchanged(asking(undefined, ['phr']))).body).not.toHaveProperty('max_age')
  })

  test('believes the token alone, whatever the request says', async () => {
    const said = { acr: 'phr', acr_values: 'phr', auth_time: String(START_SECONDS), max_age: '3600' }
    expect((await exchanged(asking(61, ['phr']), said)).status).toBe(400)
  })

  test('asks for itself alone', async () => {
    const ofLedger = asking(61).asks?.['payroll']
    expect((await exchanged({ asks: { ledger: ofLedger ?? {} } })).status).toBe(200)
  })
})
