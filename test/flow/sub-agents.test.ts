import { createAgent, type Login } from '@tetrapod/agent-sdk'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { byHand, createPerson, EXCHANGE, type Form, officialClient, toolsFor } from '../support/by-hand.ts'
import { type Delegates, hireTeam, type Team } from '../support/team.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { openWorld, type World, type WorldOptions } from '../support/world.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const scopes = ['crm.read']
const delegates: Delegates = { assistant: ['researcher', 'writer'], researcher: ['fetcher'] }

let team: Team
let world: World
beforeAll(async () => {
  team = await hireTeam(['researcher', 'writer', 'fetcher', 'intruder'])
  world = await openWorld({ amend: team.hired(delegates) })
})
afterAll(async () => {
  await world.close()
  await team[Symbol.asyncDispose]()
})

/** A company of its own, for what would disturb the others. */
async function apart(options: WorldOptions = {}): Promise<World> {
  const own = await openWorld({ amend: team.hired(delegates), ...options })
  onTestFinished(() => own.close())
  return own
}

/** One of the agents that no user sees. */
const member = (name: string) => {
  const key = team.keys[name]
  if (key === undefined) throw new Error(`nobody hired ${name}`)
  return createAgent({ client: { id: name, key } })
}
/** What the orchestrator holds: it may read and change customers. */
const signedIn = (at = world, username = 'alice') =>
  at.signIn(username, { scopes: ['crm.read', 'crm.write'] })
const claims = (token = '') => decodeJwt(token)
const tokenOf = (login: Login) => login.token() ?? ''
const call = (at: World, token: string, name: string, args = {}) =>
  send(rpc({ url: at.mount('crm'), token, params: { name, arguments: args } }))

/** An exchange by hand, by an agent that proves itself. */
async function exchange(name: string, token: string, form: Form, at = world) {
  const hand = byHand(at)
  const key = name === 'assistant' ? at.agentKey : team.keys[name]
  const proof = await hand.proof({ id: name, ...(key === undefined ? {} : { key }) })
  const asked = { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN }
  const { status, body } = await hand.token({ ...asked, ...proof, ...form })
  return { status, error: body['error'], token: body['access_token'] ?? '' }
}
const refused = (error: string) => ({ status: 400, error, token: '' })
const lines = async (at = world) => {
  const { text } = await ask(at.service.socket, 'GET', '/audit?limit=50')
  return (JSON.parse(text) as { lines: readonly Readonly<Record<string, unknown>>[] }).lines
}

describe('an orchestrator spawns a sub-agent with less privilege', () => {
  test('which calls as the user, through the gateway to the API: every hop says who acts for whom', async () => {
    const login = await signedIn()
    const handed = await login.delegate({ to: 'researcher', scopes })
    const its = await member('researcher').accept(world.mount('crm'), handed)
    expect([its.mcpUrl, ...its.scopes]).toEqual([world.mount('crm'), 'crm.read'])

    const client = await officialClient(world.mount('crm'), tokenOf(its))
    const result = await client.callTool({ name: 'my_commission', arguments: {} })
    await client.close()
    expect(result.isError).toBeFalsy()

    const iss = world.publicUrl
    const agents = { iss, sub: 'researcher', act: { iss, sub: 'assistant' } }
    const gateway = { iss, sub: world.mount('crm'), client_id: 'gateway', act: agents }
    const [one, two, three] = [tokenOf(login), tokenOf(its), world.lastToken('payroll')].map(claims)
    expect(claims(handed)).toMatchObject({
      aud: 'researcher',
      may_act: { iss, sub: 'researcher' },
      act: one?.['act'],
    })
    expect(two).toMatchObject({
      aud: world.mount('crm'),
      client_id: 'researcher',
      act: agents,
      scope: 'crm.read',
    })
    expect(two).not.toHaveProperty('may_act')
    expect(three).toMatchObject({
      client_id: 'crm',
      act: { iss, sub: 'crm', act: gateway },
      scope: 'payroll.read',
    })
    for (const constant of ['sub', 'txn', 'sid', 'auth_time', 'acr', 'sub_id'])
      expect([claims(handed), two, three].map((it) => it?.[constant])).toEqual(Array(3).fill(one?.[constant]))
  })

  test('whose call is on record with both, for the user and the agent that they let act', async () => {
    const its = await member('researcher').accept(
      world.mount('crm'),
      await (await signedIn()).delegate({ to: 'researcher', scopes }),
    )
    await call(world, tokenOf(its), 'my_commission')
    const found = (await lines()).find(({ tool }) => tool === 'my_commission')
    const iss = world.publicUrl
    expect(found).toMatchObject({
      username: 'alice',
      agent: 'assistant',
      chain: [
        { iss, sub: 'researcher' },
        { iss, sub: 'assistant' },
      ],
      decision: 'permit',
    })
  })

  test('what the orchestrator may do, and did not hand over, the sub-agent may not', async () => {
    const login = await signedIn()
    const its = await member('researcher').accept(
      world.mount('crm'),
      await login.delegate({ to: 'researcher', scopes }),
    )
    const remove = { id: 'c-unknown' }
    expect((await call(world, tokenOf(login), 'delete_customer', remove)).status).toBe(200)
    const { status, headers } = await call(world, tokenOf(its), 'delete_customer', remove)
    expect([status, headers['www-authenticate']]).toEqual([403, expect.stringContaining('scope="crm.write"')])
  })

  test('calls under any MCP client, goes on while it is handed more, and hands on itself', async () => {
    const login = await signedIn()
    let handed = 0
    const its = await member('researcher').accept(world.mount('crm'), () => {
      handed++
      return login.delegate({ to: 'researcher', scopes })
    })
    const body = rpc({ url: world.mount('crm'), params: { name: 'my_commission', arguments: {} } })
    const answer = await its.fetch(body.url, {
      method: 'POST',
      body: String(body.body),
      headers: body.headers as Record<string, string>,
    })
    expect([answer.status, handed]).toEqual([200, 1])
    const fetcher = await member('fetcher').accept(
      world.mount('crm'),
      await its.delegate({ to: 'fetcher', scopes }),
    )
    expect((await call(world, tokenOf(fetcher), 'my_commission')).status).toBe(200)
    const iss = world.publicUrl
    expect(claims(world.lastToken('payroll'))['act']).toMatchObject({
      sub: 'crm',
      act: { act: { sub: 'fetcher', act: { sub: 'researcher', act: { iss, sub: 'assistant' } } } },
    })
  })

  test('to eight actors: the last of them hands to nobody, and calls nothing', async () => {
    const names = ['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9']
    await using many = await hireTeam(names)
    const next = Object.fromEntries(['assistant', ...names].map((name, i) => [name, names.slice(i, i + 1)]))
    const own = await apart({ amend: many.hired(next) })
    let login = await own.signIn('alice', { scopes })
    for (const name of names.slice(0, -1)) {
      const key = many.keys[name]
      if (key === undefined) throw new Error(name)
      const agent = createAgent({ client: { id: name, key } })
      const handed = await login.delegate({ to: name, scopes })
      login = await agent.accept(own.mount('crm'), handed)
    }
    expect(claims(tokenOf(login))['dlg']).toMatchObject({ hop: 8, rem: 0 })
    await expect(login.delegate({ to: 's9', scopes })).rejects.toMatchObject({ code: 'token.refused' })
    expect((await lines(own)).find(({ reason }) => String(reason).endsWith('.depth'))).toBeDefined()
    const { status } = await call(own, tokenOf(login), 'my_commission')
    expect(status).not.toBe(200)
    expect(own.received.filter(({ party }) => party === 'crm')).toEqual([])
  })
})

describe('what was handed to one sub-agent', () => {
  test('is of no use to another, whom the agent could have handed it to, nor to any other that may exchange', async () => {
    const handed = await (await signedIn()).delegate({ to: 'researcher', scopes })
    for (const name of ['writer', 'fetcher', 'intruder', 'assistant'])
      expect(await exchange(name, handed, { resource: world.mount('crm') })).toMatchObject(
        refused('invalid_request'),
      )
  })

  test('is of no use at the gateway, nor at another mount, nor for more', async () => {
    const handed = await (await signedIn()).delegate({ to: 'researcher', scopes })
    expect((await call(world, handed, 'my_commission')).status).toBe(401)
    const crm = { resource: world.mount('crm') }
    const notes = { resource: world.mount('notes') }
    expect(await exchange('researcher', handed, notes)).toMatchObject(refused('invalid_request'))
    for (const scope of ['crm.read crm.write', 'crm.write', 'payroll.read', 'openid'])
      expect(await exchange('researcher', handed, { ...crm, scope })).toMatchObject(refused('invalid_scope'))
    for (const target of [world.urls.crm, world.urls.payroll])
      expect(await exchange('researcher', handed, { resource: target })).toMatchObject(
        refused('invalid_target'),
      )
  })

  test('is nothing that anybody else can change into a token of theirs: token for token, each has its own', async () => {
    const login = await signedIn()
    const handed = await login.delegate({ to: 'researcher', scopes })
    const its = await member('researcher').accept(world.mount('crm'), handed)
    const crm = { resource: world.mount('crm') }
    // The sub-agent with the orchestrator's token, the orchestrator with the sub-agent's, either as what was handed.
    for (const [name, token, form] of [
      ['researcher', tokenOf(login), crm],
      ['researcher', tokenOf(login), { audience: 'fetcher', scope: 'crm.read' }],
      ['assistant', tokenOf(its), { audience: 'writer', scope: 'crm.read' }],
      ['assistant', tokenOf(its), crm],
      ['researcher', tokenOf(its), crm],
    ] as const)
      expect(await exchange(name, token, form)).toMatchObject(refused('invalid_request'))
  })
})

describe('an agent hands over only', () => {
  test('to whom the catalogue says: not to another’s sub-agent, not to one that is nobody’s', async () => {
    const login = await signedIn()
    for (const to of ['fetcher', 'intruder', 'assistant', 'crm', 'payroll', 'nobody'])
      await expect(login.delegate({ to, scopes })).rejects.toMatchObject({ code: 'token.refused' })
  })

  test('what it holds itself', async () => {
    const login = await world.signIn('alice', { scopes })
    await expect(login.delegate({ to: 'researcher', scopes: ['crm.write'] })).rejects.toThrow('invalid_scope')
    await expect(login.delegate({ to: 'researcher', scopes: [] })).rejects.toThrow('token request')
  })

  test('to whom the user agreed: a sub-agent of the catalogue since then needs them again', async () => {
    const own = await apart({ amend: team.hired({ assistant: ['writer'] }) })
    const login = await own.signIn('alice', { scopes })
    await own.restart(team.hired(delegates))
    await expect(login.delegate({ to: 'researcher', scopes })).rejects.toMatchObject({
      name: 'StepUpRequired',
      mcpUrl: own.mount('crm'),
    })
    const again = await own.signIn('alice', { scopes })
    await expect(again.delegate({ to: 'researcher', scopes })).resolves.toBeDefined()
  })

  test('where every agent of the chain is permitted', async () => {
    const policies = `
  - permit: { agents: [assistant], servers: [crm] }
  - permit: { agents: [assistant, writer], servers: [crm], tools: [find_customer] }
  - permit: { servers: [crm], apis: [payroll] }`
    const own = await apart({ policies })
    const login = await own.signIn('alice', { scopes })
    expect(await toolsFor(own.mount('crm'), tokenOf(login))).toContain('my_commission')
    await expect(login.delegate({ to: 'researcher', scopes })).rejects.toThrow('access_denied')
    const writer = await member('writer').accept(
      own.mount('crm'),
      await login.delegate({ to: 'writer', scopes }),
    )
    expect(await toolsFor(own.mount('crm'), tokenOf(writer))).toEqual(['find_customer'])
    expect((await call(own, tokenOf(writer), 'my_commission')).text).toContain('Unknown tool')
  })
})

describe('what stops an agent stops its sub-agents:', () => {
  /** An orchestrator, what it handed over, and what the sub-agent made of it. */
  async function atWork() {
    const own = await apart()
    const login = await own.signIn('alice', { scopes })
    const handed = await login.delegate({ to: 'researcher', scopes })
    const its = await member('researcher').accept(own.mount('crm'), handed)
    expect((await call(own, tokenOf(its), 'my_commission')).status).toBe(200)
    return { own, login, handed, its }
  }
  async function expectEnd({ own, login, handed, its }: Awaited<ReturnType<typeof atWork>>) {
    const crm = { resource: own.mount('crm') }
    expect((await call(own, tokenOf(its), 'my_commission')).status).toBe(401)
    const taken = await exchange('researcher', handed, crm, own)
    expect([taken.status, taken.token]).toEqual([expect.toBeOneOf([400, 401]), ''])
    await expect(login.delegate({ to: 'researcher', scopes })).rejects.toThrow()
  }
  const operator = (own: World, path: string) => ask(own.service.socket, 'POST', path)

  test('the user takes the grant back', async () => {
    const work = await atWork()
    const gid = (claims(tokenOf(work.login))['dlg'] as { gid: string }).gid
    await operator(work.own, `/grants/${gid}/revoke`)
    await expectEnd(work)
  })

  test.each(['assistant', 'researcher'])('an operator stops the %s', async (name) => {
    const work = await atWork()
    await operator(work.own, `/agents/${name}/disable`)
    await expectEnd(work)
  })

  test('the catalogue lets the agent hand to this one no longer', async () => {
    const work = await atWork()
    await work.own.restart(team.hired({ assistant: ['writer'], researcher: ['fetcher'] }))
    await expectEnd(work)
  })

  test('the user takes the hand-over back, and keeps the agent', async () => {
    const work = await atWork()
    const { own } = work
    const hand = byHand(own)
    const person = createPerson(own.publicUrl)
    const stop = await hand.toConsent(person, { prompt: 'consent' })
    const body = stop.body.replace(/(name="agent:researcher"[^>]*?) checked/, '$1')
    await person.submit({ ...stop, body }, { decision: 'allow' })
    await expectEnd(work)
    expect((await call(own, tokenOf(work.login), 'my_commission')).status).toBe(200)
  })
})
