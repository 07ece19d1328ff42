import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Bench,
  type BenchOptions,
  type Claims,
  CRM_URL,
  ISSUER,
  LEDGER,
  NOTES_URL,
  openBench,
  START_SECONDS,
  tokenTwo,
} from '../support/exchange-bench.ts'

/** One step of the exchange, what goes wrong at it, and how that is answered. */
interface Step {
  readonly name: string
  readonly claims?: (bench: Bench) => Claims
  readonly form?: Readonly<Record<string, string | readonly string[]>>
  readonly forged?: true
  /** Where no rule permits anything. */
  readonly forbidden?: true
  readonly status?: number
  readonly error: string
  /** In the audit record; undefined where no client is known yet. */
  readonly reason?: string
}

const because = (rule: string) => ({
  error: 'invalid_request',
  reason: `broker.subject_token_refused.${rule}`,
})
const dlg = ({ grant }: Bench, hop: number) => ({
  dlg: { gid: grant.id, hop, rem: 5, anc: ['family-1', 'jti-1'] },
})

/**
 * In the order in which they are asked, each wrong in a way that leaves the others as they were. A token that is bound to a key
 * is refused as a token, an actor token by the shape of the request.
 */
const steps: readonly Step[] = [
  { name: 'the form', form: { x: ['1', '2'] }, error: 'invalid_request' },
  { name: 'the client', form: { client_secret: 'guess' }, status: 401, error: 'invalid_client' },
  {
    name: 'whether it may exchange',
    form: { client_id: 'intruder' },
    error: 'unauthorized_client',
    reason: 'broker.client_not_allowed',
  },
  {
    name: 'the shape of the request',
    form: { actor_token: 'x' },
    error: 'invalid_request',
    reason: 'broker.request_malformed',
  },
  {
    name: 'the target',
    form: { resource: LEDGER },
    error: 'invalid_target',
    reason: 'broker.target_unknown',
  },
  { name: 'the subject token', forged: true, ...because('signature') },
  { name: 'who presents it', claims: () => ({ aud: NOTES_URL }), ...because('audience') },
  {
    name: 'who may act on it',
    claims: () => ({ may_act: { iss: ISSUER, sub: 'notes' } }),
    ...because('may_act'),
  },
  {
    name: 'the chain',
    claims: (bench) => ({ act: { iss: ISSUER, sub: 'crm', act: tokenTwo.act }, ...dlg(bench, 3) }),
    ...because('loop'),
  },
  { name: 'the grant', claims: () => ({ sub: 'u2' }), ...because('grant') },
  { name: 'the policy', forbidden: true, error: 'access_denied', reason: 'broker.policy_denied' },
  {
    name: 'the scope',
    form: { scope: 'payroll.everything' },
    error: 'invalid_scope',
    reason: 'broker.scope_invalid',
  },
  { name: 'the time left', claims: () => ({ exp: START_SECONDS + 9 }), ...because('expired') },
  {
    name: 'how the user signed in',
    claims: () => ({ auth_time: START_SECONDS - 3600 }),
    error: 'insufficient_user_authentication',
    reason: 'broker.step_up',
  },
]

const pairs = steps.flatMap((first, i) => steps.slice(i + 1).map((second) => ({ first, second })))

const open = ready()

describe('an exchange in which two steps fail is answered for the first of them:', () => {
  test.each(steps)('$name alone', (only) => expectAnswer(only))

  test.each(pairs)('$first.name before $second.name', ({ first, second }) => expectAnswer(first, second))

  test('and where none does, with a token', async () => {
    const { permitting } = open()
    expect((await permitting.exchange(await permitting.sign())).status).toBe(200)
  })
})

/** Everything is wrong that these say; the answer and the record are those of the first. */
async function expectAnswer(first: Step, second?: Step): Promise<void> {
  const wrong = second === undefined ? [first] : [first, second]
  const { permitting, forbidding } = open()
  const bench = wrong.some(({ forbidden }) => forbidden) ? forbidding : permitting
  const claims = wrong.map((step) => step.claims?.(bench) ?? {})
  const honest = await bench.sign(Object.assign({ aud: CRM_URL }, ...claims) as Claims)
  const token = wrong.some(({ forged }) => forged) ? `${honest.slice(0, -4)}AAAA` : honest
  bench.happened.length = 0
  const form = Object.assign({}, ...wrong.map((step) => step.form ?? {})) as Step['form']
  const { status, body } = await bench.exchange(token, form)
  expect([status, body['error']]).toEqual([first.status ?? 400, first.error])
  expect(bench.happened).toEqual(first.reason === undefined ? [] : ['recorded'])
  if (first.reason !== undefined) expect((await bench.lines()).at(-1)?.reason).toBe(first.reason)
}

/** The same twice, but for the policy. Nothing here changes them. */
function ready() {
  const asks: BenchOptions['asks'] = {
    payroll: { authentication: { maxAgeSeconds: 3600, acrValues: undefined } },
  }
  let benches: { readonly permitting: Bench; readonly forbidding: Bench } | undefined
  beforeAll(async () => {
    benches = { permitting: await openBench({ asks }), forbidding: await openBench({ asks, rules: [] }) }
  })
  afterAll(async () => {
    await benches?.permitting.close()
    await benches?.forbidding.close()
  })
  return () => {
    if (benches === undefined) throw new Error('not open yet')
    return benches
  }
}
