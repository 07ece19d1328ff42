import { expect, test } from 'vitest'
import type { Answer, Claims } from '../agent/answer.ts'
import { companyAt } from '../company.ts'
import { brokenPromises } from './expectations.ts'
import type { Walked } from './walk.ts'

const company = companyAt(4000)
const iss = company.publicUrl
const AGENT = 'dyn_as_it_was_given'

function answer(username: string, commission: number): Answer {
  const user = {
    iss,
    sub: `id-${username}`,
    txn: `txn-${username}`,
    sub_id: { format: 'iss_sub', iss, sub: username },
  }
  const agent = { iss, sub: AGENT }
  const gateway = { iss, sub: company.mount, client_id: 'gateway', act: agent }
  const server = { iss, sub: 'crm', act: gateway }
  const token3 = { ...user, aud: company.payroll, client_id: 'crm', act: server, scope: 'payroll.read' }
  return {
    tokens: [
      { ...user, aud: company.mount, client_id: AGENT, act: agent, scope: 'crm.read' },
      { ...user, aud: company.crm, client_id: 'gateway', act: gateway, scope: 'crm.read' },
      token3,
    ],
    api: { user: {}, chain: [server, gateway, agent], claims: token3 },
    result: { month: '2026-10', deals: [], rate: 5, commission },
  }
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
    { ...common, ref: `${username}1`, tool: 'my_commission', decision: 'permit', outcome: 'ok' },
    { ...common, ref: `${username}2`, tool: 'delete_customer', decision: 'deny', outcome: 'denied' },
  ]
}

function walked(change: (alice: Answer) => Answer = (alice) => alice, audit = auditOf): Walked {
  return {
    users: {
      alice: { ...change(answer('alice', 1)), refusal: 'no' },
      bob: { ...answer('bob', 2), refusal: 'no' },
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
  expect(none).toHaveLength(4)
  const unsettled = brokenPromises(
    walked(undefined, (username) => auditOf(username).map((line) => ({ ...line, outcome: 'pending' }))),
    company,
  )
  expect(unsettled).toHaveLength(2)
})
