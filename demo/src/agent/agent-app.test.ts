import { JourneyFailed, type Login } from '@tetrapod/agent-sdk'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { agentApp, type AgentAppDeps } from './agent-app.ts'
import type { Called } from './call-tool.ts'
import { claimsView } from './claims-view.ts'

const origin = 'http://127.0.0.1:4003'
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function tokenOf(username: string): string {
  return `${encoded({ alg: 'ES256' })}.${encoded({ sub: `id-${username}`, sub_id: { sub: username } })}.x`
}

function loginOf(username: string, hasExpired: () => boolean): Login {
  const token = tokenOf(username)
  return {
    mcpUrl: 'http://127.0.0.1:4000/crm/mcp',
    fetch,
    resource: 'http://127.0.0.1:4000/crm/mcp',
    issuer: 'http://127.0.0.1:4000',
    scopes: new Set(['crm.read']),
    expiresAt: undefined,
    token: () => (hasExpired() ? undefined : token),
    authProvider: { token: () => Promise.resolve(token), onUnauthorized: () => Promise.resolve() },
    delegate: ({ to, scopes }) => Promise.resolve(tokenOf(`${to} ${[...scopes].join(' ')} of ${username}`)),
  }
}

const answered: Called = {
  outcome: 'answered',
  result: {
    structuredContent: {
      month: '2026-10',
      deals: [{ customer: '<b>Bakery</b>', amount: 100 }],
      rate: 5,
      commission: 5,
    },
    _meta: {
      'tetrapod.demo/received': { token2: { txn: 't' }, api: { user: {}, chain: [1], claims: { txn: 't' } } },
    },
  },
}

/** A sub-agent whose token names what it was handed. */
const researcher: AgentAppDeps['team']['researcher'] = {
  accept: (_, delegation) => {
    if (typeof delegation !== 'string') throw new Error('it is handed one token')
    return Promise.resolve({ ...loginOf('', () => false), token: () => delegation })
  },
}

/** The application with an agent whose logins belong to whoever the callback's code names. */
function build(
  callTool: AgentAppDeps['callTool'] = () => Promise.resolve(answered),
  hasExpired = () => false,
) {
  let count = 0
  const agent: AgentAppDeps['agent'] = {
    begin: () => Promise.resolve(begun(`state-${(count += 1)}`)),
    finish: (url) => Promise.resolve(loginOf(new URL(url).searchParams.get('code') ?? '', hasExpired)),
  }
  const app = agentApp({
    origin,
    mcpUrl: 'http://127.0.0.1:4000/crm/mcp',
    agent,
    team: { planner: agent, researcher },
    keys: { planner: { keys: ['of the planner'] } },
    callTool,
    readAudit: () => Promise.resolve([]),
    newId: () => `visitor-${(count += 1)}`,
  })
  return (
    path: string,
    init: { cookie?: string; form?: Record<string, string>; headers?: Record<string, string> } = {},
  ) =>
    app.request(`${origin}${path}`, {
      headers: {
        host: '127.0.0.1:4003',
        origin,
        ...(init.cookie && { cookie: init.cookie }),
        ...init.headers,
      },
      ...(init.form && { method: 'POST', body: new URLSearchParams(init.form) }),
    })
}

async function signIn(request: ReturnType<typeof build>, user: string, cookie?: string): Promise<string> {
  const begun = await request('/sign-in', { form: { user }, ...(cookie && { cookie }) })
  const own = cookie ?? begun.headers.get('set-cookie')?.split(';')[0] ?? ''
  const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state')
  await request(`/callback?code=${user}&state=${state}`, { cookie: own })
  return own
}

function begun(state: string) {
  return { url: `http://127.0.0.1:4000/authorize?state=${state}`, state }
}

test('a user who signed in sees their result and the token of every hop, escaped', async () => {
  const request = build()
  const cookie = await signIn(request, 'alice')
  const html = await (await request('/', { cookie })).text()
  expect(html).toContain('&lt;b&gt;Bakery&lt;/b&gt;')
  expect(html).not.toContain('<b>Bakery')
  for (const title of ['Token 1', 'Token 2', 'Token 3', 'id-alice']) expect(html).toContain(title)
  expect(html).toContain('Sign in as Bob')
})

test('what a browser signed in to, another browser does not see', async () => {
  const request = build()
  await signIn(request, 'alice')
  for (const cookie of ['', 'demo-assistant-4003=guessed']) {
    expect(await (await request('/state', { cookie })).json()).toEqual({})
  }
})

test('a callback that another browser began is refused: nobody is signed in as somebody else', async () => {
  const request = build()
  await request('/sign-in', { form: { user: 'alice' } })
  const victim =
    (await request('/sign-in', { form: { user: 'bob' } })).headers.get('set-cookie')?.split(';')[0] ?? ''
  const answer = await request('/callback?code=alice&state=state-1', { cookie: victim })
  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('This browser began no such sign-in')
  expect(await (await request('/state', { cookie: victim })).json()).toEqual({})
})

test('whoever signs in instead of the user who was asked for is not taken for them, and told so', async () => {
  const request = build()
  const begun = await request('/sign-in', { form: { user: 'bob' } })
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? ''
  const answer = await request('/callback?code=alice&state=state-1', { cookie })
  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('You asked to sign in as bob, but it was alice who signed in.')
  expect(await (await request('/state', { cookie })).json()).toEqual({})
})

test('a callback counts once', async () => {
  const request = build()
  const begun = await request('/sign-in', { form: { user: 'alice' } })
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? ''
  expect((await request('/callback?code=alice&state=state-1', { cookie })).status).toBe(303)
  expect((await request('/callback?code=alice&state=state-1', { cookie })).status).toBe(400)
})

test('a refusal is shown with its sentence, beside what was answered before', async () => {
  const request = build((_, tool) =>
    Promise.resolve(
      tool === 'delete_customer' ? { outcome: 'refused', sentence: 'No rule permits <this>.' } : answered,
    ),
  )
  const cookie = await signIn(request, 'alice')
  await request('/call', { cookie, form: { user: 'alice', tool: 'delete_customer' } })
  const html = await (await request('/', { cookie })).text()
  expect(html).toContain('delete_customer was refused.')
  expect(html).toContain('No rule permits &lt;this&gt;.')
  expect(html).toContain('Token 3')
})

test('a token that has expired leads back to the sign-in, beside what was answered before', async () => {
  let expired = false
  const request = build(undefined, () => expired)
  const cookie = await signIn(request, 'alice')
  expired = true
  await request('/call', { cookie, form: { user: 'alice', tool: 'my_commission' } })
  const html = await (await request('/', { cookie })).text()
  expect(html).toContain('The sign-in has ended: a token lives for minutes. Sign in again.')
  expect(html).toContain('Sign in as Alice')
  expect(html).toContain('Token 3')
})

test('a token that is refused before it expires is said to be revoked, beside what was answered before', async () => {
  const outcomes: Called[] = [answered, { outcome: 'signed_out' }]
  const request = build(() => Promise.resolve(outcomes.shift() ?? answered))
  const cookie = await signIn(request, 'alice')
  await request('/call', { cookie, form: { user: 'alice', tool: 'my_commission' } })
  const html = await (await request('/', { cookie })).text()
  expect(html).toContain(
    'The gateway no longer takes this token, although it has not expired: its grant was revoked. Sign in again.',
  )
  expect(html).not.toContain('a token lives for minutes')
  expect(html).toContain('Sign in as Alice')
  expect(html).not.toContain('Call again')
  for (const kept of ['&lt;b&gt;Bakery', 'Token 1', 'Token 2', 'Token 3']) expect(html).toContain(kept)
})

test('who signs in again after that is asked for again', async () => {
  const outcomes: Called[] = [answered, { outcome: 'signed_out' }]
  const request = build(() => Promise.resolve(outcomes.shift() ?? answered))
  const cookie = await signIn(request, 'alice')
  await request('/call', { cookie, form: { user: 'alice', tool: 'my_commission' } })
  await signIn(request, 'alice', cookie)
  const html = await (await request('/', { cookie })).text()
  expect(html).toContain('Call again')
  expect(html).not.toContain('no longer takes')
})

/** Presses the button for the sub-agent; whoever `signsIn` comes back from the planner's sign-in. */
async function research(request: ReturnType<typeof build>, cookie: string, user: string, signsIn = user) {
  const begun = await request('/research', { cookie, form: { user } })
  const { searchParams } = new URL(begun.headers.get('location') ?? '')
  return request(`/planner/callback?code=${signsIn}&state=${searchParams.get('state')}`, { cookie })
}

test('the planner hands the researcher reading alone, whose call and hops are shown', async () => {
  const callers: string[] = []
  const request = build((login) => {
    callers.push(login.token() ?? '')
    return Promise.resolve(answered)
  })
  const cookie = await signIn(request, 'alice')
  expect((await research(request, cookie, 'alice')).headers.get('location')).toBe('/#alice')
  expect(callers).toEqual([tokenOf('alice'), tokenOf('researcher crm.read of alice')])
  const html = await (await request('/', { cookie })).text()
  for (const words of ['what the planner handed', 'Researcher', 'id-researcher crm.read of alice'])
    expect(html).toContain(words)
  const again = await request('/research', { cookie, form: { user: 'alice' } })
  expect([again.headers.get('location'), callers.length]).toEqual(['/#alice', 3])
})

test('nobody has the planner act for somebody else', async () => {
  const request = build()
  const cookie = await signIn(request, 'alice')
  expect((await request('/research', { cookie, form: { user: 'bob' } })).status).toBe(400)
  expect((await request('/research', { form: { user: 'alice' } })).status).toBe(400)
  const other = await research(request, cookie, 'alice', 'bob')
  expect([other.status, await other.text()]).toEqual([
    400,
    expect.stringContaining('it was bob who signed in'),
  ])
  const begun = await request('/research', { cookie, form: { user: 'alice' } })
  const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state')
  const elsewhere = await signIn(request, 'alice')
  for (const path of ['/planner/callback', '/callback'])
    for (const stranger of path === '/callback' ? [cookie] : [elsewhere, ''])
      expect((await request(`${path}?code=alice&state=${state}`, { cookie: stranger })).status).toBe(400)
})

test('a call of the researcher that is refused is shown with its sentence', async () => {
  const outcomes: Called[] = [answered, { outcome: 'refused', sentence: 'No rule permits <this>.' }]
  const request = build(() => Promise.resolve(outcomes.shift() ?? answered))
  const cookie = await signIn(request, 'alice')
  await research(request, cookie, 'alice')
  expect(await (await request('/', { cookie })).text()).toContain('No rule permits &lt;this&gt;.')
})

test('the keys of the team are published, by name', async () => {
  const request = build()
  expect(await (await request('/planner/jwks')).json()).toEqual({ keys: ['of the planner'] })
  for (const name of ['assistant', 'constructor']) expect((await request(`/${name}/jwks`)).status).toBe(404)
})

test('a form of another site presses no button here', async () => {
  let calls = 0
  const request = build(() => {
    calls += 1
    return Promise.resolve(answered)
  })
  const cookie = await signIn(request, 'alice')
  const headers = { origin: 'http://127.0.0.1:9999' }
  const answer = await request('/call', { cookie, headers, form: { user: 'alice', tool: 'delete_customer' } })
  expect(answer.status).toBe(403)
  expect(calls).toBe(1)
})

test('a name that is pointed at this machine gets nothing', async () => {
  const answer = await build()('/', { headers: { host: 'evil.example:4003' } })
  expect(answer.status).toBe(421)
})

test('no page may run or load anything but the style sheet', async () => {
  const answer = await build()('/')
  expect(answer.headers.get('content-security-policy')).toBe(
    "default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:4000; frame-ancestors 'none'; base-uri 'none'",
  )
})

test('a journey that fails becomes a page that says what to do', async () => {
  const app = agentApp({
    origin,
    mcpUrl: 'http://127.0.0.1:4000/crm/mcp',
    agent: {
      begin: () => Promise.reject(new JourneyFailed('network.unreachable', 'The gateway does not answer.')),
      finish: () => Promise.reject(new Error('not reached')),
    },
    team: {
      planner: {
        begin: () => Promise.reject(new Error('not reached')),
        finish: () => Promise.reject(new Error('not reached')),
      },
      researcher,
    },
    keys: {},
    callTool: () => Promise.resolve(answered),
    readAudit: () => Promise.reject(new Error('down')),
    newId: () => 'id',
  })
  const answer = await app.request(`${origin}/sign-in`, {
    method: 'POST',
    headers: { host: '127.0.0.1:4003', origin },
    body: new URLSearchParams({ user: 'alice' }),
  })
  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('The gateway does not answer.')
})

test('a claim stands on a line of its own, whatever it holds, and can hold no markup', async () => {
  const view = (await claimsView({ iss: 'i', aud: '<script>', act: { sub: 'a' } })).toString()
  expect(view).toBe(`<pre class="claims"><code>{
  <mark class="hop">&quot;aud&quot;: &quot;&lt;script&gt;&quot;,</mark>
  <mark class="hop">&quot;act&quot;: {</mark>
    <mark class="hop">&quot;sub&quot;: &quot;a&quot;</mark>
  <mark class="hop">},</mark>
  &quot;iss&quot;: &quot;i&quot;
}</code></pre>`)
})

test('the view of any claims reads back as those claims', async () => {
  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
  const claims = fc.dictionary(
    fc.string().filter((name) => name !== '__proto__'),
    fc.jsonValue(),
    { noNullPrototype: true },
  )
  await fc.assert(
    fc.asyncProperty(claims, async (claims) => {
      const text = (await claimsView(claims)).toString().replace(/<[^>]*>/g, '')
      const read = text.replace(/&(#?\w+);/g, (_, name: string) => entities[name] ?? '?')
      expect(JSON.stringify(sorted(JSON.parse(read)))).toBe(JSON.stringify(sorted(claims)))
    }),
  )
})

function sorted(claims: object): unknown {
  return Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1))
}
