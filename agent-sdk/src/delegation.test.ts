import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAgent } from './agent.ts'
import { generateClientKey, publicJwks } from './client-key.ts'
import { JourneyFailed, LoginRequired, StepUpRequired } from './journey-failed.ts'
import { browse, json, type StandIn, standIn } from './test/stand-in.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const key = await generateClientKey()
let there: StandIn
let now: number
let issued: number
let forms: URLSearchParams[]
const scopes = ['crm.read']
const clock = { now: () => now }

beforeAll(async () => {
  there = await standIn({ id: 'planner', jwks: publicJwks(key) })
})
afterAll(() => there[Symbol.asyncDispose]())
beforeEach(() => {
  now = Date.now()
  issued = 0
  forms = []
  answers(() => [200, {}])
})

/** The token endpoint, for exchanges and refreshes alone: what it says beside a token of five minutes. */
function answers(answer: (form: URLSearchParams) => readonly [status: number, body: object]) {
  const token = (_: unknown, response: Parameters<typeof json>[0], body: string) => {
    const form = new URLSearchParams(body)
    forms.push(form)
    const [status, members] = answer(form)
    const given = {
      access_token: `token-x${++issued}`,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'crm.read',
    }
    return json(response, status, status === 200 ? { ...given, ...members } : members)
  }
  there.differ({ paths: { '/token': token } })
}
/** What the last request to the token endpoint said, without who sent it. */
const sent = () => {
  const { client_id, client_assertion, client_assertion_type, ...rest } = Object.fromEntries(
    forms.at(-1) ?? [],
  )
  return {
    form: rest,
    proven: client_assertion !== undefined && client_assertion_type !== undefined,
    client_id,
  }
}
const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error)
const seconds = (count: number) => (now += count * 1000)

async function plannerLogin(tokens: object = {}) {
  const agent = createAgent({
    client: { id: 'planner', key },
    redirectUri: 'http://127.0.0.1:4003/callback',
    clock,
  })
  there.differ({ tokens: { scope: 'crm.read crm.write', ...tokens } })
  const { url, state } = await agent.begin(there.mcpUrl)
  const login = await agent.finish(await browse(url), state)
  answers(() => [200, {}])
  return login
}
const researcher = () => createAgent({ client: { id: 'researcher', key }, clock })
const ask = (login: { fetch: typeof fetch }) => login.fetch(there.mcpUrl, { method: 'POST', body: '{}' })

describe('an agent that hands over', () => {
  test('exchanges its token for one that the sub-agent alone can use, with fewer scopes, and names no resource', async () => {
    const login = await plannerLogin()
    expect(await login.delegate({ to: 'researcher', scopes })).toBe('token-x1')
    expect(sent()).toEqual({
      form: {
        grant_type: EXCHANGE,
        subject_token: login.token(),
        subject_token_type: ACCESS_TOKEN,
        audience: 'researcher',
        scope: 'crm.read',
      },
      proven: true,
      client_id: 'planner',
    })
  })

  test('asks its user where they have not agreed: for what the login had, which asks for this as well', async () => {
    const login = await plannerLogin()
    answers(() => [400, { error: 'consent_required', scope: 'crm.read' }])
    const error = await failure(login.delegate({ to: 'researcher', scopes }))
    expect(error).toBeInstanceOf(StepUpRequired)
    expect(error).toMatchObject({ mcpUrl: there.mcpUrl, scopes: new Set(['crm.read', 'crm.write']) })
  })

  test('renews first what has little life left: what is handed over ends with it', async () => {
    const login = await plannerLogin({ refresh_token: 'r1' })
    seconds(200)
    await login.delegate({ to: 'researcher', scopes })
    expect(forms.map((form) => form.get('grant_type'))).toEqual(['refresh_token', EXCHANGE])
    expect(sent().form['subject_token']).toBe('token-x1')
  })

  test('hands over what there is where it cannot be renewed, and nothing once it is over', async () => {
    const login = await plannerLogin()
    seconds(200)
    await login.delegate({ to: 'researcher', scopes })
    seconds(200)
    expect(await failure(login.delegate({ to: 'researcher', scopes }))).toBeInstanceOf(LoginRequired)
  })

  test('is told why not, without a token in the words', async () => {
    const login = await plannerLogin()
    answers(() => [400, { error: 'invalid_target', error_description: 'planner hands to nobody' }])
    const error = await failure(login.delegate({ to: 'nobody', scopes }))
    expect(error).toBeInstanceOf(JourneyFailed)
    expect(error).toMatchObject({ code: 'token.refused' })
    expect(String(error)).toMatch(/invalid_target: planner hands to nobody.*Else check who may hand to whom/)
    expect(inspect(error, { depth: 9 })).not.toContain(login.token())
  })
})

describe('a sub-agent', () => {
  test('exchanges what it was handed for a token at the MCP server, and calls with it', async () => {
    const login = await researcher().accept(there.mcpUrl, 'handed-1', { scopes: ['crm.read'] })
    expect(sent()).toEqual({
      form: {
        grant_type: EXCHANGE,
        subject_token: 'handed-1',
        subject_token_type: ACCESS_TOKEN,
        resource: there.mcpUrl,
        scope: 'crm.read',
      },
      proven: true,
      client_id: 'researcher',
    })
    expect([...login.scopes]).toEqual(['crm.read'])
    expect((await ask(login)).status).toBe(200)
    expect(forms).toHaveLength(1)
    expect(inspect(login)).not.toMatch(/token-x|handed/)
  })

  test('asks for all that it was handed where it names no scopes', async () => {
    await researcher().accept(there.mcpUrl, 'handed-1')
    expect(sent().form).not.toHaveProperty('scope')
  })

  test('uses one token until it ends, then no more: what was handed once ends too', async () => {
    const login = await researcher().accept(there.mcpUrl, 'handed-1')
    seconds(299)
    await ask(login)
    expect(forms).toHaveLength(1)
    answers(() => [400, { error: 'invalid_request', error_description: 'it has expired' }])
    seconds(1)
    const error = await failure(ask(login))
    expect(error).toMatchObject({ code: 'token.refused' })
    expect(String(error)).toContain('ask for it again')
  })

  test('goes on where it can ask for another: before the end, once for all calls', async () => {
    let handed = 0
    const login = await researcher().accept(there.mcpUrl, () => Promise.resolve(`handed-${++handed}`))
    seconds(271)
    await Promise.all([ask(login), ask(login)])
    expect(forms.map((form) => form.get('subject_token'))).toEqual(['handed-1', 'handed-2'])
    expect(login.token()).toBe('token-x2')
  })

  test('whose token the server takes no more exchanges once, and is told when that is refused', async () => {
    const login = await researcher().accept(there.mcpUrl, 'handed-1')
    const refuse = {
      paths: {
        '/crm/mcp': (_: unknown, response: Parameters<typeof json>[0]) => response.writeHead(401).end(),
      },
    }
    there.differ({
      paths: {
        ...refuse.paths,
        '/token': (_, response) => json(response, 400, { error: 'invalid_request' }),
      },
    })
    expect(await failure(ask(login))).toMatchObject({ code: 'token.refused' })
  })

  test('that an operator stopped is not told to log a user in', async () => {
    const login = await researcher().accept(there.mcpUrl, 'handed-1')
    answers(() => [401, { error: 'invalid_client' }])
    seconds(300)
    expect(await failure(ask(login))).toMatchObject({ code: 'token.refused' })
  })

  test('hands on itself', async () => {
    const login = await researcher().accept(there.mcpUrl, 'handed-1')
    await login.delegate({ to: 'fetcher', scopes })
    expect(sent().form).toMatchObject({ subject_token: 'token-x1', audience: 'fetcher' })
  })

  test('proves who it is: without a key or a secret nothing is sent', async () => {
    const agent = createAgent({ client: { id: 'researcher' } })
    expect(await failure(agent.accept(there.mcpUrl, 'handed-1'))).toMatchObject({
      code: 'client.unidentified',
    })
    expect(forms).toEqual([])
  })

  test('without a redirect URI logs nobody in', async () => {
    for (const refused of [researcher().begin(there.mcpUrl), researcher().login(there.mcpUrl)])
      expect(await failure(refused)).toMatchObject({ code: 'agent.redirect_refused' })
    const nobody = () => createAgent({ name: 'x' })
    expect(nobody).toThrow('The redirect URI must be https')
  })
})
