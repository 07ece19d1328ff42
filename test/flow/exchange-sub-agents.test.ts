import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  type Bench,
  type BenchOptions,
  type Claims,
  CRM_URL,
  ISSUER,
  MOUNT,
  openBench,
  type Reply,
  START_SECONDS,
  tokenOne,
  tokenTwo,
} from '../support/exchange-bench.ts'

type Form = Readonly<Record<string, string | readonly string[] | undefined>>

const node = (sub: string) => ({ iss: ISSUER, sub })
const NOTES_MOUNT = `${ISSUER}/notes/mcp`
const permitAll = [{ id: 'policies[1]', effect: 'permit', terms: {} } as const]

/** Token 1 of the assistant. */
const one = (bench: Bench, change: Claims = {}) =>
  bench.sign({
    ...tokenOne,
    dlg: { gid: bench.grant.id, hop: 1, rem: 7, anc: ['family-1'] },
    ...change,
  })

/** What the assistant hands to the researcher. */
const handed = (bench: Bench, change: Claims = {}, dlg: Claims = {}) =>
  bench.sign({
    ...tokenOne,
    aud: 'researcher',
    scope: 'crm.read',
    may_act: node('researcher'),
    dlg: { gid: bench.grant.id, hop: 1, rem: 7, anc: ['family-1', 'jti-0'], res: MOUNT, ...dlg },
    ...change,
  })

const handOver: Form = { client_id: 'assistant', audience: 'researcher', scope: 'crm.read' }
const takeUp: Form = { client_id: 'researcher', audience: undefined, resource: MOUNT }

async function claimsOf(reply: Promise<Reply>): Promise<Claims> {
  const { status, body } = await reply
  expect(body).toMatchObject({ token_type: 'Bearer' })
  expect(status).toBe(200)
  return decodeJwt(String(body['access_token']))
}

describe('an agent hands a part of what it holds to a sub-agent:', () => {
  const bench = ready()

  test('the token is for that one, who alone may act, at that mount; nobody has acted yet', async () => {
    const claims = await claimsOf(bench().exchange(await one(bench()), handOver))
    expect(claims).toEqual({
      ...tokenTwo,
      ...tokenOne,
      aud: 'researcher',
      scope: 'crm.read',
      may_act: node('researcher'),
      jti: claims['jti'],
      iat: START_SECONDS,
      exp: START_SECONDS + 300,
      dlg: { gid: bench().grant.id, hop: 1, rem: 7, anc: ['family-1', 'jti-1'], res: MOUNT },
    })
  })

  test('who uses it at the mount, in front of the agent that handed it over', async () => {
    const claims = await claimsOf(bench().exchange(await handed(bench()), takeUp))
    expect(claims).toEqual({
      ...tokenTwo,
      aud: MOUNT,
      client_id: 'researcher',
      scope: 'crm.read',
      jti: claims['jti'],
      iat: START_SECONDS,
      exp: START_SECONDS + 300,
      act: { ...node('researcher'), act: node('assistant') },
      dlg: { gid: bench().grant.id, hop: 2, rem: 6, anc: ['family-1', 'jti-0', 'jti-1'] },
    })
  })

  test('who may name the mount by the key of its server', async () => {
    const form = { client_id: 'researcher', audience: 'crm' }
    expect(await claimsOf(bench().exchange(await handed(bench()), form))).toMatchObject({ aud: MOUNT })
  })

  test('who hands on in turn what it got', async () => {
    const taken = await bench().exchange(await handed(bench()), takeUp)
    const form = { client_id: 'researcher', audience: 'checker', scope: 'crm.read' }
    const again = await bench().exchange(String(taken.body['access_token']), form)
    expect(again.status).toBe(200)
    const mine = { ...takeUp, client_id: 'checker' }
    const claims = await claimsOf(bench().exchange(String(again.body['access_token']), mine))
    expect(claims['act']).toEqual({
      ...node('checker'),
      act: { ...node('researcher'), act: node('assistant') },
    })
    expect(claims['dlg']).toMatchObject({ hop: 3, rem: 5 })
  })

  test('both are on record, with who hands on to whom', async () => {
    const own = await fresh()
    await own.exchange(await one(own), handOver)
    await own.exchange(await handed(own), takeUp)
    const common = { kind: 'exchange', user: 'u1', agent: 'assistant', server: 'crm', outcome: 'issued' }
    // Newest first.
    const lines = await own.lines()
    expect(lines.find(({ client }) => client === 'assistant')).toMatchObject({
      ...common,
      delegate: 'researcher',
      scopes: ['crm.read'],
    })
    expect(lines.find(({ client }) => client === 'researcher')).toMatchObject({
      ...common,
      delegate: undefined,
      chain: [node('assistant')],
    })
  })

  test('and never for longer than the token that it comes from', async () => {
    const { body } = await bench().exchange(await one(bench(), { exp: START_SECONDS + 20 }), handOver)
    expect(body['expires_in']).toBe(20)
  })
})

/** One thing that is wrong. */
interface Row {
  readonly name: string
  readonly token?: (bench: Bench) => Promise<string>
  readonly form?: Form
  readonly world?: BenchOptions
  readonly before?: (bench: Bench) => unknown
  /** Between the token and its use. */
  readonly after?: (bench: Bench) => unknown
  readonly error: string
  /** In the audit record. */
  readonly reason: string
}

const shared = ready()
const refusals: unknown[] = []

async function expectRefused(row: Row, honest: (bench: Bench) => Promise<string>, form: Form) {
  const own = [row.world, row.before, row.after].some((it) => it !== undefined)
  const bench = own ? await fresh(row.world) : shared()
  await row.before?.(bench)
  const token = await (row.token ?? honest)(bench)
  await row.after?.(bench)
  bench.happened.length = 0
  const { status, body } = await bench.exchange(token, { ...form, ...row.form })
  expect({ status, error: body['error'] }).toEqual({ status: 400, error: row.error })
  expect(Object.keys(body)).not.toContain('access_token')
  expect(bench.happened).toEqual(['recorded'])
  expect((await bench.lines()).at(-1)).toMatchObject({ reason: row.reason, outcome: 'denied' })
  if (row.reason.startsWith('broker.subject_token_refused')) refusals.push({ status, body })
}

const subject = (rule: string) => ({
  error: 'invalid_request',
  reason: `broker.subject_token_refused.${rule}`,
})
const target = { error: 'invalid_target', reason: 'broker.target_unknown' }
const scope = { error: 'invalid_scope', reason: 'broker.scope_invalid' }

describe('a hand-over is refused', () => {
  test.each<Row>([
    { name: 'to an agent that is none of its sub-agents', form: { audience: 'intruder' }, ...target },
    { name: 'to a sub-agent of its sub-agent', form: { audience: 'checker' }, ...target },
    { name: 'to itself', form: { audience: 'assistant' }, ...target },
    { name: 'to two at once', form: { audience: ['researcher', 'deputy'] }, ...target },
    { name: 'to a sub-agent and a mount', form: { resource: MOUNT }, ...target },
    { name: 'to nobody', form: { audience: undefined }, ...target },
    { name: 'to a member of every object', form: { audience: 'constructor' }, ...target },
    { name: 'to an API', form: { audience: 'payroll' }, ...target },
    { name: 'to a server behind its mount', form: { audience: undefined, resource: CRM_URL }, ...target },
    {
      name: 'that the user did not agree to',
      form: { audience: 'deputy' },
      error: 'consent_required',
      reason: 'broker.consent_required',
    },
    {
      name: 'without a scope',
      form: { scope: undefined },
      error: 'invalid_request',
      reason: 'broker.scope_missing',
    },
    {
      name: 'of a scope that the token does not hold',
      form: { scope: 'crm.write' },
      token: reading,
      ...scope,
    },
    { name: 'of a scope that the grant does not hold', form: { scope: 'crm.write' }, ...scope },
    { name: 'of a scope of another mount', form: { scope: 'notes.read' }, ...scope },
    {
      name: 'of a token of another agent',
      form: { client_id: 'researcher', audience: 'checker' },
      ...subject('presenter'),
    },
    {
      name: 'of a token whose client it is and whose actor it is not',
      token: (bench) =>
        one(bench, {
          act: { ...node('researcher'), act: node('assistant') },
          dlg: { gid: bench.grant.id, hop: 2, rem: 6, anc: ['family-1'] },
        }),
      ...subject('presenter'),
    },
    {
      name: 'of a token whose actor it is and whose client it is not',
      token: (bench) => one(bench, { client_id: 'researcher' }),
      ...subject('presenter'),
    },
    {
      name: 'of what the server behind the mount got',
      token: (bench) => one(bench, { aud: CRM_URL }),
      ...subject('audience'),
    },
    { name: 'of what was handed to it', token: (bench) => handed(bench), ...subject('audience') },
    {
      name: 'of a token that has expired, within the minute that others give',
      after: ({ clock }) => (clock.time += 310_000),
      ...subject('expired'),
    },
    {
      name: 'of such a token, before anything is asked of the user',
      form: { audience: 'deputy' },
      after: ({ clock }) => (clock.time += 310_000),
      ...subject('expired'),
    },
    {
      name: 'whose grant was revoked',
      after: ({ grants, grant }) => grants.revoke(grant.id),
      ...subject('revoked'),
    },
    {
      name: 'with no depth left',
      token: (bench) => one(bench, { dlg: { gid: bench.grant.id, hop: 1, rem: 0, anc: ['family-1'] } }),
      ...subject('depth'),
    },
    {
      name: 'back to an agent that acted before',
      form: { client_id: 'researcher', audience: 'assistant' },
      token: (bench) => taken(bench),
      ...subject('loop'),
    },
    {
      name: 'of a token on which the sub-agent alone may act: it is not this one’s to hand on',
      token: (bench) => one(bench, { may_act: node('researcher') }),
      ...subject('may_act'),
    },
    {
      name: 'with a third agent put between the two that acted',
      form: { client_id: 'researcher', audience: 'checker' },
      token: (bench) => acted(bench, 'researcher', 'deputy', 'assistant'),
      ...subject('delegation'),
    },
    {
      name: 'with the two that acted in each other’s place',
      form: { audience: 'deputy' },
      token: (bench) => acted(bench, 'assistant', 'researcher'),
      ...subject('agent'),
    },
    {
      name: 'that no rule permits the sub-agent',
      world: { rules: [{ id: 'p', effect: 'permit', terms: { agents: ['assistant'] } }] },
      error: 'access_denied',
      reason: 'broker.policy_denied',
    },
  ])('$name', (row) => expectRefused(row, one, handOver))
})

describe('what was handed over is refused', () => {
  test.each<Row>([
    { name: 'to an agent to whom it was not handed', form: { client_id: 'deputy' }, ...subject('audience') },
    { name: 'to the agent that handed it over', form: { client_id: 'assistant' }, ...subject('audience') },
    {
      name: 'where another may act on it',
      token: (bench) => handed(bench, { may_act: node('deputy') }),
      ...subject('may_act'),
    },
    {
      name: 'where one of the same name elsewhere may act on it',
      token: (bench) => handed(bench, { may_act: { iss: 'https://evil.example', sub: 'researcher' } }),
      ...subject('may_act'),
    },
    {
      name: 'where another client of that name may act on it',
      token: (bench) => handed(bench, { may_act: { ...node('researcher'), client_id: 'deputy' } }),
      ...subject('may_act'),
    },
    {
      name: 'where nobody may act on it',
      token: (bench) => handed(bench, { may_act: undefined }),
      ...subject('claims'),
    },
    {
      name: 'where it says no mount',
      token: (bench) => handed(bench, {}, { res: undefined }),
      ...subject('resource'),
    },
    {
      name: 'where it says no mount and nobody who may act',
      token: (bench) => handed(bench, { may_act: undefined }, { res: undefined }),
      ...subject('may_act'),
    },
    { name: 'at another mount', form: { resource: NOTES_MOUNT }, ...subject('resource') },
    {
      name: 'at another mount, by key',
      form: { resource: undefined, audience: 'notes' },
      ...subject('resource'),
    },
    { name: 'for an API', form: { resource: undefined, audience: 'payroll' }, ...target },
    { name: 'at a server’s own URL', form: { resource: CRM_URL }, ...target },
    {
      name: 'as something to hand on as it is',
      form: { resource: undefined, audience: 'checker', scope: 'crm.read' },
      ...subject('presenter'),
    },
    { name: 'for a scope that was not handed over', form: { scope: 'crm.write' }, ...scope },
    { name: 'for a scope of another mount', form: { scope: 'notes.read' }, ...scope },
    {
      name: 'by an agent that may not exchange',
      form: { client_id: 'intruder' },
      error: 'unauthorized_client',
      reason: 'broker.client_not_allowed',
    },
    {
      name: 'once the grant is revoked',
      after: ({ grants, grant }) => grants.revoke(grant.id),
      ...subject('revoked'),
    },
    {
      name: 'once the token that it came from is revoked',
      after: ({ revocation }) => revocation.revoke('token', 'jti-0'),
      ...subject('revoked'),
    },
    {
      name: 'once the agent that handed it over is gone',
      world: { agents: ['researcher'] },
      ...subject('actor'),
    },
    {
      name: 'from an agent that the user did not let hand on',
      token: (bench) =>
        handed(bench, {
          aud: 'deputy',
          may_act: node('deputy'),
        }),
      form: { client_id: 'deputy' },
      ...subject('delegation'),
    },
    {
      name: 'from an agent that the catalogue does not let hand on',
      token: (bench) => handed(bench, { aud: 'checker', may_act: node('checker') }),
      form: { client_id: 'checker' },
      ...subject('delegation'),
    },
    {
      name: 'by the policy that permits one of the two agents alone',
      world: { rules: [{ id: 'p', effect: 'permit', terms: { agents: ['researcher'] } }] },
      error: 'access_denied',
      reason: 'broker.policy_denied',
    },
  ])('$name', (row) => expectRefused(row, handed, takeUp))

  test('in the same words as every other subject token', () => {
    expect(refusals.length).toBeGreaterThan(20)
    expect(new Set(refusals.map((refusal) => JSON.stringify(refusal))).size).toBe(1)
  })
})

function reading(bench: Bench) {
  return one(bench, { scope: 'crm.read' })
}

/** What the researcher got at the mount. */
function taken(bench: Bench) {
  return acted(bench, 'researcher', 'assistant')
}

/** What the first of these has at the mount, had they acted in this order, the latest first. */
function acted(bench: Bench, latest: string, ...before: readonly string[]) {
  const act = before.reduceRight<Claims | undefined>(
    (prior, sub) => ({ ...node(sub), ...(prior !== undefined && { act: prior }) }),
    undefined,
  )
  return one(bench, {
    client_id: latest,
    act: { ...node(latest), act },
    dlg: { gid: bench.grant.id, hop: before.length + 1, rem: 7 - before.length, anc: ['family-1', 'jti-0'] },
  })
}

/** One bench for all tests of a suite that change nothing in it. */
function ready(): () => Bench {
  let bench: Bench | undefined
  beforeAll(async () => {
    bench = await openBench({ rules: permitAll })
  })
  afterAll(() => bench?.close())
  return () => {
    if (bench === undefined) throw new Error('not open yet')
    return bench
  }
}

async function fresh(options: BenchOptions = {}): Promise<Bench> {
  const bench = await openBench({ rules: permitAll, ...options })
  onTestFinished(() => bench.close())
  return bench
}
