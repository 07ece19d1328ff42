import type { Actor, Chain } from '@tetrapod/protocol'
import { describe, expect, test } from 'vitest'
import { createAgents } from '#agents'
import { createServers } from '#servers'
import { participants, policySubject } from './participants.ts'

const ISSUER = 'https://gw.example'
const node = (sub: string, client_id?: string): Actor =>
  client_id === undefined ? { iss: ISSUER, sub } : { iss: ISSUER, sub, client_id }
const mount = `${ISSUER}/crm/mcp`
const agent = (key: string) => ({
  key,
  name: key,
  redirectUris: [],
  credential: { method: 'private_key_jwt' as const, jwksUri: 'https://agent.example/jwks' },
})
const crm = {
  key: 'crm',
  name: 'Customers',
  url: 'https://crm.internal/mcp',
  mount,
  credential: undefined,
  calls: {},
  scopes: {},
  tools: {},
}
const known = {
  tokens: { issuer: ISSUER },
  agents: createAgents([agent('planner'), agent('researcher')]),
  servers: createServers([crm]),
}
const of = (...actors: readonly Actor[]) => participants(actors as unknown as Chain, known)

describe('the actors of a chain', () => {
  test('are agents, servers and the gateway; the innermost agent is the one the user granted', () => {
    expect(of(node('crm'), node(mount, 'gateway'), node('researcher'), node('planner'))).toEqual({
      agents: ['researcher', 'planner'],
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
    ['an agent with a client of another name', node('planner', 'gateway')],
    ['a server with a client of another name', node('crm', 'planner')],
    ['an agent of another issuer', { ...node('planner'), iss: 'https://evil.example' }],
    ['a server of another issuer', { ...node('crm'), iss: 'https://evil.example' }],
    ['a mount of another issuer', { ...node(mount, 'gateway'), iss: 'https://evil.example' }],
  ])('are unknown when one is %s', (_, actor) => {
    expect(of(actor, node('researcher')).unknown).toEqual(actor)
    expect(of(node('researcher'), actor).unknown).toEqual(actor)
  })

  test('hold no agent where none acted', () => {
    expect(of(node('crm'), node(mount, 'gateway'))).toMatchObject({ agents: [] })
  })
})

test('the policy is asked about the user by id, name and groups, and about every agent, outermost first', () => {
  const user = {
    id: 'u1',
    subjectId: { format: 'iss_sub' as const, iss: ISSUER, sub: 'alice' },
    name: 'Alice',
    groups: ['sales'],
  }
  expect(policySubject(user, ['researcher', 'planner'])).toEqual({
    user: 'u1',
    username: 'alice',
    groups: ['sales'],
    agents: ['researcher', 'planner'],
  })
})
