import { expect, test } from 'vitest'
import type { Answer, Claims } from '../agent/answer.ts'
import { companyAt } from '../company.ts'
import { brokenPromises } from './expectations.ts'
import type { Walk, Walked } from './walk.ts'

const company = companyAt(4000)
const iss = company.publicUrl
const AGENT = 'dyn_as_it_was_given'

function answer(username: string, commission: number, agents: readonly string[] = [AGENT]): Answer {
  const user = {
    iss,
    sub: `id-${username}`,
    txn: `txn-${username}`,
    sub_id: { format: 'iss_sub', iss, sub: username },
  }
  const [outermost = '', inner] = agents
  const agent = { iss, sub: outermost, ...(inner === undefined ? {} : { act: { iss, sub: inner } }) }
  const gateway = { iss, sub: company.mount, client_id: 'gateway', act: agent }
  const server = { iss, sub: 'crm', act: gateway }
  const token3 = { ...user, aud: company.payroll, client_id: 'crm', act: server, scope: 'payroll.read' }
  return {
    tokens: [
      { ...user, aud: company.mount, client_id: outermost, act: agent, scope: 'crm.read' },
      { ...user, aud: company.crm, client_id: 'gateway', act: gateway, scope: 'crm.read' },
      token3,
    ],
    api: { user: {}, chain: [server, gateway, ...agents], claims: token3 },
    result: { month: '2026-10', deals: [], rate: 5, commission },
  }
}

/** What the planner handed to the researcher, and what came of it. */
function research(username: string, commission: number): Walk['research'] {
  const found = answer(username, commission, ['researcher', 'planner'])
  const handed = {
    ...found.tokens[0],
    aud: 'researcher',
    client_id: 'planner',
    act: { iss, sub: 'planner' },
    may_act: { iss, sub: 'researcher' },
  }
  return { handed, answer: found }
}

function auditOf(username: string): Walked['audit'] {
  const common = {
    kind: 'call',
    time: '2026-11-24T00:00:00.000Z',
    username,
    user: `id-${username}`,
    agent: AGENT,
    server: 'crm',
    arguments: {},
  }
  return [
    {
      ...common,
      ref: `${username}1`,
      tool: 'my_commission',
      chain: [{ sub: AGENT }],
      decision: 'permit',
      outcome: 'ok',
    },
    { ...common, ref: `${username}2`, tool: 'delete_customer', decision: 'deny', outcome: 'denied' },
    {
      ...common,
      ref: `${username}3`,
      agent: 'planner',
      chain: [{ sub: 'researcher' }, { sub: 'planner' }],
      tool: 'my_commission',
      decision: 'permit',
      outcome: 'ok',
    },
  ]
}

function walked(change: (alice: Answer) => Answer = (alice) => alice, audit = auditOf): Walked {
  return {
    users: {
      alice: { ...change(answer('alice', 1)), refusal: 'no', research: research('alice', 1) },
      bob: { ...answer('bob', 2), refusal: 'no', research: research('bob', 2) },
    },
    audit: [...audit('alice'), ...audit('bob')],
  }
}

test('a walk in which every hop is right breaks no promise', () => {
  expect(brokenPromises(walked(), company)).toEqual([])
})

test.each([1, 2, 3])('a wrong claim in token %i is named', (hop) => {
  for (const name of ['aud', 'sub', 'client_id', 'act', 'scope', 'txn', 'iss', 'sub_id']) {
    const wrong = ({ tokens, ...rest }: Answer): Answer => {
      const [one, two, three] = tokens.map((token, i): Claims =>
        i === hop - 1 ? { ...token, [name]: 'wrong' } : token,
      )
      return { ...rest, tokens: [one ?? {}, two ?? {}, three ?? {}] }
    }
    const broken = brokenPromises(walked(wrong), company)
    expect(broken.some((sentence) => sentence.includes(name))).toBe(true)
  }
})

test('an agent that the first token does not name is a broken promise', () => {
  const nameless = ({ tokens: [first, two, three], ...rest }: Answer): Answer => ({
    ...rest,
    tokens: [{ ...first, client_id: undefined }, two, three],
  })
  expect(brokenPromises(walked(nameless), company)).toContain('alice: token 1 has no client_id')
})

test('the same answer for both users is a broken promise', () => {
  const broken = brokenPromises(
    walked((alice) => ({ ...alice, result: answer('bob', 2).result })),
    company,
  )
  expect(broken).toEqual(['both users got the same statement'])
})

test('an audit log that misses a call, or its outcome, is a broken promise', () => {
  const none = brokenPromises(
    walked(undefined, () => []),
    company,
  )
  expect(none).toHaveLength(6)
  const unsettled = brokenPromises(
    walked(undefined, (username) => auditOf(username).map((line) => ({ ...line, outcome: 'pending' }))),
    company,
  )
  expect(unsettled).toHaveLength(4)
})

test.each(['aud', 'client_id', 'may_act', 'act', 'scope', 'sub', 'txn'])(
  'a wrong %s in what was handed over is a broken promise',
  (name) => {
    const { users, audit } = walked()
    const { alice, ...others } = users
    if (alice === undefined) throw new Error('alice walked')
    const handed = { ...alice.research.handed, [name]: 'wrong' }
    const wrong = { ...alice, research: { ...alice.research, handed } }
    expect(brokenPromises({ users: { ...others, alice: wrong }, audit }, company)).toEqual([
      expect.stringContaining(`alice: the researcher: what was handed over has ${name}`),
    ])
  },
)

test('a sub-agent that is missing in the chain, or in the audit log, is a broken promise', () => {
  const { users, audit } = walked()
  const { alice, ...others } = users
  if (alice === undefined) throw new Error('alice walked')
  const alone = { ...alice, research: { ...alice.research, answer: answer('alice', 1, ['planner']) } }
  const broken = brokenPromises({ users: { ...others, alice: alone }, audit }, company)
  expect(broken).toContain('alice: the researcher: the API saw 3 actors, not 4')
  const unnamed = audit.map((line) => ({ ...line, chain: line.chain?.slice(-1) }))
  expect(brokenPromises({ users, audit: unnamed }, company)).toHaveLength(2)
})
