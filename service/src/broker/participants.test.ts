import type { Actor, Chain } from '@tetrapod/protocol'
import { describe, expect, test } from 'vitest'
import type { Standing } from '#agents'
import { own } from '#kernel'
import { createServers } from '#servers'
import { participants, policySubject } from './participants.ts'

const ISSUER = 'https://gw.example'
const node = (sub: string, client_id?: string): Actor =>
  client_id === undefined ? { iss: ISSUER, sub } : { iss: ISSUER, sub, client_id }
const mount = `${ISSUER}/crm/mcp`
const standings: Readonly<Record<string, Standing>> = {
  planner: { kind: 'catalogue', listed: true, disabled: false },
  researcher: { kind: 'catalogue', listed: true, disabled: false },
  stopped: { kind: 'catalogue', listed: true, disabled: true },
  dyn_1: { kind: 'registered', listed: false, disabled: false },
}
const crm = {
  key: 'crm',
  name: 'Customers',
  url: 'https://crm.internal/mcp',
  mount,
  internal: false,
  upstream: { pattern: 'token_exchange' as const },
  credential: undefined,
  calls: {},
  scopes: {},
  tools: {},
}
const known = {
  tokens: { issuer: ISSUER },
  agents: { standing: (id: string) => Promise.resolve(own(standings, id)) },
  servers: createServers([crm]),
}
const of = (...actors: readonly Actor[]) => participants(actors as unknown as Chain, known)

describe('the actors of a chain', () => {
  test('are agents, servers and the gateway; the innermost agent is the one the user granted', async () => {
    expect(await of(node('crm'), node(mount, 'gateway'), node('researcher'), node('planner'))).toEqual({
      agents: ['researcher', 'planner'],
      unlisted: [],
      unknown: undefined,
    })
  })

  test.each<readonly [string, Actor]>([
    ['a name of nobody', node('ghost')],
    ['an agent of another issuer', { iss: 'https://evil.example', sub: 'planner' }],
    ['a server of another issuer', { iss: 'https://evil.example', sub: 'crm' }],
    ['the gateway of another issuer', { iss: 'https://evil.example', sub: mount, client_id: 'gateway' }],
    ['a mount that no server has', node(`${ISSUER}/ghost/mcp`, 'gateway')],
    ['a mount without the gateway as its client', node(mount)],
    ['a mount with another client', node(mount, 'crm')],
    ['the gateway by its client id alone', node('gateway')],
    ['an agent that an operator stopped', node('stopped')],
    ['an agent with a client of another name', node('planner', 'gateway')],
    ['a server with a client of another name', node('crm', 'planner')],
    ['an agent of another issuer', { ...node('planner'), iss: 'https://evil.example' }],
    ['a server of another issuer', { ...node('crm'), iss: 'https://evil.example' }],
    ['a mount of another issuer', { ...node(mount, 'gateway'), iss: 'https://evil.example' }],
  ])('are unknown when one is %s', async (_, actor) => {
    expect((await of(actor, node('researcher'))).unknown).toEqual(actor)
    expect((await of(node('researcher'), actor)).unknown).toEqual(actor)
  })

  test('that no operator listed are told from the others', async () => {
    const { agents, unlisted } = await of(node('dyn_1'), node('planner'))
    expect([agents, unlisted]).toEqual([['dyn_1', 'planner'], ['dyn_1']])
  })

  test('hold no agent where none acted', async () => {
    expect(await of(node('crm'), node(mount, 'gateway'))).toMatchObject({ agents: [] })
  })
})

test('the policy is asked about the user by id, name and groups, and about every agent, outermost first', () => {
  const user = {
    id: 'u1',
    subjectId: { format: 'iss_sub' as const, iss: ISSUER, sub: 'alice' },
    name: 'Alice',
    linked: {},
    groups: ['sales'],
  }
  expect(policySubject(user, { agents: ['researcher', 'planner'], unlisted: ['planner'] })).toEqual({
    user: 'u1',
    username: 'alice',
    groups: ['sales'],
    agents: ['researcher', 'planner'],
    unlisted: ['planner'],
  })
})
