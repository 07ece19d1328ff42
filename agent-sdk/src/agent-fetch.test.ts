import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAgent } from './agent.ts'
import { generateClientKey, publicJwks } from './client-key.ts'
import { StepUpRequired } from './journey-failed.ts'
import { createStepUps, type StepUps, stepUpOf } from './step-up.ts'
import { agreeable, openServer, type OpenServer } from './test/open-server.ts'
import { memoryStore } from './token-store.ts'

const key = await generateClientKey()
const store = memoryStore()
let there: OpenServer
let agent: ReturnType<typeof createAgent>

beforeEach(async () => {
  there = await openServer()
  agent = createAgent({ redirectUri: 'http://127.0.0.1/callback', key, open: agreeable })
})
afterEach(() => there[Symbol.asyncDispose]())

const post = (name: string) => ({
  method: 'POST',
  body: JSON.stringify({ method: 'tools/call', params: { name } }),
})
const asked = () => there.authorizations.map((query) => query.get('scope'))

describe('the fetch of an agent', () => {
  test('logs in at the first request that needs it, and sends every request with the token', async () => {
    const fetched = agent.fetch(there.mcpUrl)
    for (const name of ['a', 'b']) expect((await fetched(there.mcpUrl, post(name))).status).toBe(200)
    const [without, first, second] = there.calls
    expect(without).toBe('a ')
    expect(first).toMatch(/^a access-/)
    expect(second).toBe(first?.replace('a ', 'b '))
    expect(there.authorizations).toHaveLength(1)
  })

  test('opens one browser for many requests at the same time', async () => {
    const fetched = agent.fetch(there.mcpUrl)
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => fetched(there.mcpUrl, post(name))))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(there.authorizations).toHaveLength(1)
  })

  test('takes up the login of an earlier start', async () => {
    const options = { redirectUri: 'http://127.0.0.1/callback', key, store, open: agreeable }
    await createAgent(options).login(there.mcpUrl)
    const fetched = createAgent(options).fetch(there.mcpUrl)
    expect((await fetched(there.mcpUrl, post('a'))).status).toBe(200)
    expect(there.authorizations).toHaveLength(1)
  })

  test('sends the token to no other address', async () => {
    const fetched = agent.fetch(there.mcpUrl)
    expect((await fetched(there.mcpUrl, post('a'))).status).toBe(200)
    await using other = await openServer()
    await fetched(`${there.origin}/other`, post('a'))
    await fetched(`${there.mcpUrl}/more`, post('a'))
    expect((await fetched(`${there.mcpUrl}?x=1`, post('a'))).status).toBe(401)
    expect((await fetched(other.mcpUrl, post('a'))).status).toBe(401)
    expect(there.strays).toEqual(['/other ', '/crm/mcp/more '])
    expect([there.calls.at(-1), other.calls.at(-1)]).toEqual(['a ', 'a '])
  })

  test('follows no redirect: the token is not for where it leads', async () => {
    there.manners.redirect = '/trap'
    expect((await agent.fetch(there.mcpUrl)(there.mcpUrl, post('a'))).status).toBe(307)
    expect(there.strays).toEqual([])
  })

  test('gives up on a server that takes no token at all, after one login', async () => {
    there.manners.refuseTokens = true
    expect((await agent.fetch(there.mcpUrl)(there.mcpUrl, post('a'))).status).toBe(401)
    expect(there.authorizations).toHaveLength(1)
  })

  test('stops waiting for the user when the caller does', async () => {
    const waiting = createAgent({
      redirectUri: 'http://127.0.0.1/callback',
      key,
      open: () => abort.abort(new Error('enough')),
    })
    const abort = new AbortController()
    const end = new AbortController()
    const fetched = waiting.fetch(there.mcpUrl, { signal: end.signal })
    await expect(fetched(there.mcpUrl, { ...post('a'), signal: abort.signal })).rejects.toThrow('enough')
    end.abort()
  })

  test('registers anew, with nothing of the old, where the resource names another authorization server', async () => {
    await using next = await openServer()
    const fetched = agent.fetch(there.mcpUrl)
    await fetched(there.mcpUrl, post('a'))
    const [mine] = there.registrations
    there.manners.authorizationServer = next.origin
    next.manners.resource = {}
    expect((await fetched(there.mcpUrl, post('a'))).status).toBe(200)
    expect(next.registrations).toEqual([mine])
    const old = there.authorizations[0]?.get('client_id')
    expect(next.authorizations.map((query) => query.get('client_id'))).not.toContain(old)
    expect(next.forms.map((form) => form.get('grant_type'))).toEqual(['authorization_code'])
    expect(there.forms).toHaveLength(1)
  })
})

describe('a step-up', () => {
  test('asks for what was asked for before and what is needed now, and calls again', async () => {
    const fetched = agent.fetch(there.mcpUrl)
    expect((await fetched(there.mcpUrl, post('find_customer'))).status).toBe(200)
    expect((await fetched(there.mcpUrl, post('delete_customer'))).status).toBe(200)
    expect(asked()).toEqual(['crm.read', 'crm.read crm.write'])
    expect((await fetched(there.mcpUrl, post('find_customer'))).status).toBe(200)
    expect(asked()).toHaveLength(2)
  })

  test('asks nobody for what the token has already: it is sent once more', async () => {
    there.manners.learning = 1
    const fetched = agent.fetch(there.mcpUrl, { scopes: ['crm.read', 'crm.write'] })
    expect((await fetched(there.mcpUrl, post('delete_customer'))).status).toBe(200)
    expect(asked()).toEqual(['crm.read crm.write'])
    const [, first, second, ...more] = there.calls
    expect([second, more]).toEqual([first, []])
  })

  test('asks the user where the same token does not help a second time', async () => {
    there.manners.learning = 2
    const fetched = agent.fetch(there.mcpUrl, { scopes: ['crm.read', 'crm.write'] })
    expect((await fetched(there.mcpUrl, post('delete_customer'))).status).toBe(200)
    expect(asked()).toEqual(['crm.read crm.write', 'crm.read crm.write'])
    expect(there.calls).toHaveLength(4)
  })

  test('is the application’s where the agent cannot ask, once the same token has not helped', async () => {
    const { url, state } = await agent.begin(there.mcpUrl, { scopes: ['crm.read', 'crm.write'] })
    const back = await fetch(url, { redirect: 'manual' })
    const login = await agent.finish(back.headers.get('location') ?? '', state)
    there.manners.learning = 1
    expect((await login.fetch(there.mcpUrl, post('delete_customer'))).status).toBe(200)
    there.manners.learning = 2
    await expect(login.fetch(there.mcpUrl, post('delete_customer'))).rejects.toThrow(StepUpRequired)
  })

  test('is one for many requests at the same time', async () => {
    const fetched = agent.fetch(there.mcpUrl)
    await fetched(there.mcpUrl, post('find_customer'))
    const both = [post('delete_customer'), post('delete_customer')]
    const answers = await Promise.all(both.map((request) => fetched(there.mcpUrl, request)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(asked()).toHaveLength(2)
  })

  test('that never helps ends after three authorizations in all, and stays ended for this operation', async () => {
    there.manners.grants = () => 'crm.read'
    const fetched = agent.fetch(there.mcpUrl)
    expect((await fetched(there.mcpUrl, post('delete_customer'))).status).toBe(403)
    expect(asked()).toHaveLength(3)
    expect((await fetched(there.mcpUrl, post('delete_customer'))).status).toBe(403)
    expect(asked()).toHaveLength(3)
    expect((await fetched(there.mcpUrl, post('find_customer'))).status).toBe(200)
  })

  test('is the application’s to begin where the agent cannot ask the user', async () => {
    const { url, state } = await agent.begin(there.mcpUrl)
    const back = await fetch(url, { redirect: 'manual' })
    const login = await agent.finish(back.headers.get('location') ?? '', state)
    const failure: unknown = await login
      .fetch(there.mcpUrl, post('delete_customer'))
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(StepUpRequired)
    expect(failure).toMatchObject({ mcpUrl: there.mcpUrl, scopes: new Set(['crm.read', 'crm.write']) })
  })

  test('is read from the error result of a tool', () => {
    const result = (scope: unknown) => ({ isError: true, _meta: { 'tetrapod/step-up': { scope } } })
    expect(stepUpOf(result('crm.read crm.write'))).toEqual(new Set(['crm.read', 'crm.write']))
    for (const other of [result(''), result(1), result('a  b'), {}, { _meta: 1 }, undefined, 'x']) {
      expect(stepUpOf(other)).toBeUndefined()
    }
  })

  test('is counted for each operation by itself, and anew after a success', () => {
    const times = (stepUps: StepUps, operation: string) =>
      [1, 2, 3].map(() => stepUps.allow(operation)).filter(Boolean).length
    const stepUps = createStepUps()
    expect([times(stepUps, 'a'), times(stepUps, 'a'), times(stepUps, 'b')]).toEqual([2, 0, 2])
    stepUps.succeeded('a')
    expect(times(stepUps, 'a')).toBe(2)
  })
})

describe('an agent that acts for itself', () => {
  test('proves who it is, asks for the resource, and asks again when the token ends', async () => {
    const client = {
      client_id: 'robot',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: publicJwks(key),
    }
    await using own = await openServer([client])
    let now = Date.now()
    own.manners.now = () => now
    const robot = createAgent({
      redirectUri: 'http://127.0.0.1/callback',
      client: { id: 'robot', key },
      clock: { now: () => now },
    })
    const login = await robot.asItself(own.mcpUrl, { scopes: ['crm.read'] })
    expect((await login.fetch(own.mcpUrl, post('a'))).status).toBe(200)
    now += 280_000
    expect((await login.fetch(own.mcpUrl, post('a'))).status).toBe(200)
    expect(
      own.forms.map((form) => [form.get('grant_type'), form.get('resource'), form.get('scope')]),
    ).toEqual([1, 2].map(() => ['client_credentials', own.mcpUrl, 'crm.read']))
    expect(own.authorizations).toEqual([])
  })

  test('is registered with a credential, or it is nobody', async () => {
    await expect(agent.asItself(there.mcpUrl)).rejects.toMatchObject({ code: 'client.unidentified' })
    expect(there.registrations).toEqual([])
  })
})
