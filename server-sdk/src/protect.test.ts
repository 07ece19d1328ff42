import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { callerOf } from './caller.ts'
import { generateClientKey, importClientKey } from './client-key.ts'
import type { GuardedHandler } from './serve-node.ts'
import { protect } from './protect.ts'
import type { ProtectOptions } from './protect-options.ts'
import { listen, testIssuer } from './test-server.ts'
import { signed, testClaims, testKey } from './test-token.ts'

/** A guarded resource at this path (none: a plain API), and the issuer whose tokens it takes. */
async function guarded(path: string, handler: GuardedHandler, change: Partial<ProtectOptions> = {}) {
  const issuer = await testIssuer()
  const served: { handle?: ReturnType<ReturnType<typeof protect>['guard']> } = {}
  const origin = await listen((request, response) => served.handle?.(request, response))
  const resource = origin + path
  const options = { issuer: issuer.issuer, resource, scopes: ['crm.read'], clock: issuer.clock, ...change }
  const protection = protect(options)
  onTestFinished(() => protection.close())
  served.handle = protection.guard(handler)
  return { ...issuer, origin, resource, token: async () => issuer.token(resource) }
}

const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
})
const greet: GuardedHandler = (request, response) => response.end(`hello ${callerOf(request).user.id}`)
const challengeOf = (response: Response): string | null => response.headers.get('www-authenticate')

/** Sends a request as it is given: what a polite client would tidy up, an attacker sends. */
async function send(
  origin: string,
  path: string,
  headers: readonly string[] = [],
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, headers: ['host', 'evil.example', ...headers] },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = JSON.stringify(response.headers) + Buffer.concat(chunks).toString()
          resolve({ status: response.statusCode ?? 0, text })
        })
      },
    )
    sent.on('error', reject).end()
  })
}

test('a request with a token for this resource is let in, and says who calls', async () => {
  const { resource, token, issuer } = await guarded('/mcp', (request, response) => {
    const { user, agent, actor, chain, scopes } = callerOf(request)
    response.end(JSON.stringify({ user, agent, actor, actors: chain.length, scopes: [...scopes] }))
  })
  const response = await fetch(resource, bearer(await token()))
  expect(await response.json()).toEqual({
    user: {
      id: 'u1',
      subject: 'u1',
      subjectId: { format: 'iss_sub', iss: 'https://idp.example', sub: 'alice' },
    },
    agent: { iss: issuer, sub: 'planner' },
    actor: { iss: issuer, sub: 'https://gw.example/crm/mcp', client_id: 'gateway' },
    actors: 2,
    scopes: ['crm.read'],
  })
})

test('the MCP SDK is told what it calls AuthInfo', async () => {
  const { resource, origin, token, clock } = await guarded('/mcp', (request, response) => {
    const { extra: _, ...auth } = request.auth
    response.end(JSON.stringify(auth))
  })
  const received = await token()
  expect(await (await fetch(resource, bearer(received))).json()).toEqual({
    token: received,
    clientId: 'gateway',
    scopes: ['crm.read'],
    expiresAt: clock.now() / 1000 + 300,
    resource,
    resourceMetadataUrl: `${origin}/.well-known/oauth-protected-resource/mcp`,
  })
})

describe('a request without a good token', () => {
  test('that has none is shown the way, without an error', async () => {
    const { resource, origin } = await guarded('/mcp', greet)
    const response = await fetch(resource, { method: 'POST', body: '{}' })
    expect(response.status).toBe(401)
    expect(challengeOf(response)).toBe(
      `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
    )
  })

  test('is never told what is wrong with it', async () => {
    const { resource, origin, issuer, key } = await guarded('/mcp', greet)
    const stranger = await testKey('k1')
    const claims = testClaims(issuer, resource)
    const bad = await Promise.all([
      Promise.resolve('no-token-at-all'),
      signed(claims, stranger),
      signed(claims, { ...key, kid: 'k2' }),
      signed({ ...claims, aud: origin }, key),
      signed({ ...claims, exp: 1, iat: 0 }, key),
      signed({ ...claims, cnf: { jkt: 'x' } }, key),
    ])
    const answers = await Promise.all(
      bad.map(async (token) => {
        const response = await fetch(resource, bearer(token))
        return [response.status, challengeOf(response), await response.text()]
      }),
    )
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]?.slice(0, 2)).toEqual([
      401,
      `Bearer error="invalid_token", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
    ])
  })

  test('that sends two is not let in, though either is good', async () => {
    const { resource, origin, token } = await guarded('/mcp', greet)
    const authorization = ['authorization', `Bearer ${await token()}`]
    expect(await send(origin, '/mcp', authorization)).toMatchObject({ status: 200 })
    expect(await send(origin, '/mcp', [...authorization, ...authorization])).toMatchObject({ status: 401 })
    expect(resource).toContain(origin)
  })

  test('that sends it in the URL, in a cookie or under another scheme is not let in', async () => {
    const { origin, token } = await guarded('/mcp', greet)
    const good = await token()
    for (const [path, ...headers] of [
      [`/mcp?access_token=${good}`],
      ['/mcp', 'cookie', `access_token=${good}`],
      ['/mcp', 'authorization', `DPoP ${good}`],
      ['/mcp', 'authorization', good],
    ] as const) {
      expect(await send(origin, path, headers)).toMatchObject({ status: 401 })
    }
  })
})

test('while the keys cannot be read, a token is neither refused nor accepted', async () => {
  const { resource, token, answers } = await guarded('/mcp', greet)
  const { metadata } = answers
  answers.metadata = {}
  const response = await fetch(resource, bearer(await token()))
  expect([response.status, response.headers.get('retry-after'), challengeOf(response)]).toEqual([
    503,
    '5',
    null,
  ])
  answers.metadata = metadata
  expect((await fetch(resource, bearer(await token()))).status).toBe(200)
})

describe('a resource with a client follows the revocation feed:', () => {
  const client = { id: 'crm', secret: 'hunter2' }

  test('a revoked token is answered like any other that is not good', async () => {
    const { resource, token, answers } = await guarded('/mcp', greet, { client })
    const id_hash = createHash('sha256').update('grant-1').digest('base64url')
    const entry = { sequence: 1, kind: 'grant', id_hash, at: 0, expires_at: 2_000_000_000_000 }
    answers.feed.body = { sequence: 1, entries: [entry] }
    const response = await fetch(resource, bearer(await token()))
    expect(response.status).toBe(401)
    expect(challengeOf(response)).toContain('error="invalid_token"')
    expect(await response.text()).not.toContain('revoked')
  })

  test('without it nobody is let in, and a bad token is still only a bad token', async () => {
    const { resource, token, answers } = await guarded('/mcp', greet, { client, sleep: async () => {} })
    answers.feed = { status: 401, body: { error: 'invalid_client' } }
    const response = await fetch(resource, bearer(await token()))
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.json()).toMatchObject({
      error: 'temporarily_unavailable',
      error_description: expect.stringContaining('has not been read yet') as string,
    })
    expect((await fetch(resource, bearer('no-token'))).status).toBe(401)
  })

  test('one without asks for no feed', async () => {
    const { resource, token, asked } = await guarded('/mcp', greet)
    expect((await fetch(resource, bearer(await token()))).status).toBe(200)
    expect(asked.filter((url) => url.startsWith('/revocations'))).toEqual([])
  })

  test('a token is presented before anything is asked', async () => {
    const { resource, asked } = await guarded('/mcp', greet, { client })
    await fetch(resource)
    await fetch(resource, bearer('no-token'))
    expect(asked.filter((url) => url.startsWith('/revocations'))).toEqual([])
  })
})

describe('paths', () => {
  test('beside the one of the resource do not exist, token or not', async () => {
    const { origin, token } = await guarded('/mcp', greet)
    const authorization = ['authorization', `Bearer ${await token()}`]
    for (const path of [
      '/',
      '/mcp/',
      '/mcp/x',
      '/MCP',
      '//mcp',
      '/x/../mcp',
      '/mcp%20',
      'http://evil.example/mcp',
    ]) {
      expect(await send(origin, path, authorization), path).toMatchObject({ status: 404 })
    }
    expect(await send(origin, '/mcp?a=b', authorization)).toMatchObject({ status: 200 })
  })

  test('of a plain API are all guarded, however they are written', async () => {
    const { origin, token } = await guarded('', greet)
    const authorization = ['authorization', `Bearer ${await token()}`]
    for (const path of [
      '/',
      '/a/b?c',
      '//x',
      '/.well-known/other',
      '/./.well-known/jwks.json',
      'http://evil.example/a',
    ]) {
      expect(await send(origin, path), path).toMatchObject({ status: 401 })
      expect(await send(origin, path, authorization), path).toMatchObject({ status: 200 })
    }
  })
})

describe('the documents', () => {
  test('name the resource, its issuer and its scopes, whatever Host was sent', async () => {
    const { resource, origin, issuer } = await guarded('/mcp', greet, { name: 'CRM' })
    const url = `${origin}/.well-known/oauth-protected-resource/mcp`
    expect(await (await fetch(url)).json()).toEqual({
      resource,
      authorization_servers: [issuer],
      scopes_supported: ['crm.read'],
      bearer_methods_supported: ['header'],
      resource_name: 'CRM',
    })
    for (const path of ['/mcp', new URL(url).pathname]) {
      expect((await send(origin, path)).text).not.toContain('evil.example')
    }
  })

  test('of a plain API lie at the root', async () => {
    const { origin } = await guarded('', greet)
    const response = await fetch(`${origin}/.well-known/oauth-protected-resource`)
    expect(await response.json()).toMatchObject({ resource: origin })
  })

  test('hold the public half of the client key and nothing private', async () => {
    const key = await importClientKey(await generateClientKey())
    const { origin } = await guarded('/mcp', greet, { client: { id: 'crm', key } })
    const { keys } = (await (await fetch(`${origin}/.well-known/jwks.json`)).json()) as { keys: object[] }
    expect(keys).toEqual([key.publicJwk])
    expect(keys[0]).not.toHaveProperty('d')
  })

  test('are only read', async () => {
    const { origin } = await guarded('/mcp', greet)
    const url = `${origin}/.well-known/oauth-protected-resource/mcp`
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(url, { method: 'POST' })).status).toBe(405)
  })
})

describe('a handler', () => {
  test('that needs a scope the caller lacks is answered for, with every scope it needs', async () => {
    const { resource, origin, token } = await guarded('', (request, response) => {
      callerOf(request).requireScopes('crm.read', 'crm.write')
      response.end('done')
    })
    const response = await fetch(resource, bearer(await token()))
    expect(response.status).toBe(403)
    expect(challengeOf(response)).toBe(
      `Bearer error="insufficient_scope", scope="crm.read crm.write", resource_metadata="${origin}/.well-known/oauth-protected-resource"`,
    )
  })

  test('gets the headers for the next API with the token that was received', async () => {
    const client = { id: 'crm', secret: 'hunter2' }
    const { resource, token, forms } = await guarded(
      '/mcp',
      async (request, response) => {
        response.end(JSON.stringify(await callerOf(request).exchangeFor('payroll', ['payroll.read'])))
      },
      { client },
    )
    const received = await token()
    const response = await fetch(resource, bearer(received))
    expect(await response.json()).toEqual({ authorization: 'Bearer next-1' })
    expect(forms[0]?.get('subject_token')).toBe(received)
  })

  test('of a server without a client is told what is missing when it asks for the next token', async () => {
    const { resource, token } = await guarded('/mcp', async (request, response) => {
      const { exchangeFor } = callerOf(request)
      response.end(await exchangeFor('payroll', []).catch((error: unknown) => String(error)))
    })
    expect(await (await fetch(resource, bearer(await token()))).text()).toContain('Give protect() a client')
  })

  test('finds no token in the caller', async () => {
    const { resource, token } = await guarded('/mcp', (request, response) =>
      response.end(JSON.stringify(callerOf(request))),
    )
    const received = await token()
    expect(await (await fetch(resource, bearer(received))).text()).not.toContain(received.split('.')[2])
  })
})

test('a caller is what a guard verified, not what looks like one', () => {
  const forged = { user: { id: 'u1' }, scopes: new Set(['crm.write']) }
  for (const source of [
    undefined,
    {},
    { auth: undefined },
    { http: {} },
    { auth: { extra: { caller: forged } } },
  ]) {
    expect(() => callerOf(source)).toThrow(/Nobody verified/)
  }
})

test.each([
  ['resource', 'http://crm.internal/mcp'],
  ['resource', 'https://crm.internal/mcp?tenant=a'],
  ['resource', 'https://crm.internal/mcp#here'],
  ['resource', 'crm'],
  ['issuer', 'http://localhost.evil.example'],
  ['issuer', 'file:///etc/issuer'],
])('a server with %s %s does not start', (option, url) => {
  const options = { issuer: 'https://tetrapod.example', resource: 'https://crm.internal/mcp', scopes: [] }
  expect(() => protect({ ...options, [option]: url })).toThrow(option)
})
