import * as fc from 'fast-check'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from '../../demo/src/walk/scripted-browser.ts'
import { meta, type Reply, rpc, type Rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

const SUPPORTED = ['2026-07-28']
const find = { name: 'find_customer', arguments: { query: 'a' } }
const json = ({ text }: Reply) => JSON.parse(text) as Readonly<Record<string, unknown>>

describe('the gateway answers', () => {
  let world: World
  let token: string
  beforeAll(async () => {
    world = await openWorld()
    token = (await world.signIn('alice', { scopes: ['crm.read'] })).token() ?? ''
  })
  afterAll(() => world.close())

  const call = (request: Partial<Rpc> = {}) => send(rpc({ url: world.mount('crm'), token, ...request }))
  /** A body of the test's own under the headers of an honest `tools/call`. */
  const post = (body: string | Uint8Array, headers: Rpc['headers'] = {}) =>
    send({ ...rpc({ url: world.mount('crm'), token, params: find, headers }), body })
  const metadataUrl = () => `${world.publicUrl}/.well-known/oauth-protected-resource/crm/mcp`

  /** What a client reads of a refusal. */
  const told = (reply: Reply) => {
    const { id, error } = json(reply) as { id: unknown; error: { code: number; data: unknown } }
    return { status: reply.status, id, code: error.code, data: error.data }
  }

  describe('who may call', () => {
    test('without a token: 401, a challenge that says where to begin and names no error', async () => {
      const reply = await call({ token: undefined, params: find })
      expect(told(reply)).toMatchObject({ status: 401, data: { code: 'gateway.token_missing' } })
      expect(reply.headers['www-authenticate']).toBe(`Bearer resource_metadata="${metadataUrl()}"`)
    })

    test.each(['Bearer x.y.z', 'Bearer', 'Basic YTpi', 'Bearer a b', 'DPoP x.y.z', ''])(
      'with the credential "%s": 401 invalid_token',
      async (authorization) => {
        const reply = await call({ token: undefined, params: find, headers: { authorization } })
        expect(told(reply)).toMatchObject({ status: 401, data: { code: 'gateway.token_refused' } })
        expect(reply.headers['www-authenticate']).toBe(
          `Bearer error="invalid_token", resource_metadata="${metadataUrl()}"`,
        )
      },
    )

    test('with too few scopes: 403 and exactly the scopes of this tool; once the user agreed, it works', async () => {
      const browser = createBrowser()
      const narrow = await world.signIn('alice', { scopes: ['crm.read'], browser })
      const params = { name: 'delete_customer', arguments: { id: 'c-1' } }
      const refused = await call({ token: narrow.token(), params, id: 'step-up' })
      expect(told(refused)).toMatchObject({
        status: 403,
        id: 'step-up',
        data: { code: 'gateway.scope_missing' },
      })
      expect(refused.headers['www-authenticate']).toBe(
        `Bearer error="insufficient_scope", scope="crm.write", resource_metadata="${metadataUrl()}"`,
      )
      const wide = await world.signIn('alice', { scopes: ['crm.read', 'crm.write'], browser })
      const reply = await call({ token: wide.token(), params, id: 'again' })
      expect(reply.status).toBe(200)
      expect(json(reply)).toMatchObject({ id: 'again', result: { isError: true } })
      expect(decodeJwt(world.lastToken('crm'))['scope']).toBe('crm.write')
    })

    test('the upstream sees the scopes of this one tool, though the caller holds more', async () => {
      const wide = await world.signIn('alice', { scopes: ['crm.read', 'crm.write'] })
      expect((await call({ token: wide.token(), params: find })).status).toBe(200)
      expect(decodeJwt(world.lastToken('crm'))).toMatchObject({ scope: 'crm.read', aud: world.urls.crm })
    })

    test('from a web page: 403, unless the page is ours', async () => {
      for (const origin of [
        'https://evil.example',
        'null',
        `${world.publicUrl}.evil.example`,
        'http://127.0.0.1',
      ])
        expect(told(await call({ params: find, headers: { origin } }))).toMatchObject({
          status: 403,
          data: { code: 'gateway.origin_refused' },
        })
      expect((await call({ params: find, headers: { origin: world.publicUrl } })).status).toBe(200)
    })

    test('under another host name: 403', async () => {
      const { host, port } = new URL(world.publicUrl)
      for (const other of [
        'evil.example',
        `localhost:${port}`,
        `evil.example:${port}`,
        `${host}.`,
        `${host}@x`,
      ]) {
        const reply = await call({ params: find, headers: { host: other } })
        expect(reply.status).toBe(403)
        expect(json(reply)['error']).toBe('http.wrong_host')
      }
    })
  })

  describe('how to call', () => {
    test.each(['GET', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'])(
      '%s: 405, and what is allowed',
      async (method) => {
        const honest = rpc({ url: world.mount('crm'), token, params: find })
        const reply = await send({ ...honest, method, body: '' })
        expect(reply.status).toBe(405)
        expect(reply.headers.allow).toBe('POST')
      },
    )

    test.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-16',
      'application/json, text/plain',
      'application/jsonp',
    ])('a body of type %s: 415', async (type) => {
      expect(told(await call({ params: find, headers: { 'content-type': type } })).status).toBe(415)
    })

    test('no content type, or an encoded body: 415', async () => {
      expect((await call({ params: find, headers: { 'content-type': undefined } })).status).toBe(415)
      expect((await call({ params: find, headers: { 'content-encoding': 'gzip' } })).status).toBe(415)
    })

    test.each([
      ['no JSON', '{"jsonrpc"'],
      ['a member named twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list"}'],
      ['65 levels', '['.repeat(65) + ']'.repeat(65)],
      ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ])('%s: 400 -32700', async (_, body) => {
      expect(told(await post(body))).toMatchObject({ status: 400, code: -32_700, id: null })
    })

    test.each([
      ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]', null],
      ['another JSON-RPC', '{"jsonrpc":"1.0","id":4,"method":"tools/list"}', 4],
      ['a response', '{"jsonrpc":"2.0","id":"r","result":{}}', 'r'],
      ['a case variant of a member', '{"jsonrpc":"2.0","id":5,"method":"tools/list","Params":{}}', 5],
    ])('%s: 400 -32600, under the id where there is one', async (_, body, id) => {
      expect(told(await post(body))).toMatchObject({ status: 400, code: -32_600, id })
    })

    test('no request metadata: 400 -32602', async () => {
      const { 'io.modelcontextprotocol/protocolVersion': version } = meta
      for (const _meta of [undefined, {}, { 'io.modelcontextprotocol/protocolVersion': version }])
        expect(told(await call({ params: { ...find, _meta }, id: 'm' }))).toMatchObject({
          status: 400,
          code: -32_602,
          id: 'm',
          data: { code: 'gateway.meta_missing' },
        })
    })

    test.each([
      ['mcp-protocol-version', '2025-11-25'],
      ['mcp-protocol-version', undefined],
      ['mcp-method', 'tools/list'],
      ['mcp-method', undefined],
      ['mcp-name', 'delete_customer'],
      ['mcp-name', undefined],
    ])('the header %s: %s, which the body contradicts: 400 -32020', async (name, value) => {
      expect(told(await call({ params: find, id: 'h', headers: { [name]: value } }))).toMatchObject({
        status: 400,
        code: -32_020,
        id: 'h',
      })
    })

    test('the initialize of an older client: 400 -32022 and the versions there are', async () => {
      const params = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'old', version: '1' },
      }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
      const reply = await post(body, { 'mcp-protocol-version': undefined, 'mcp-method': undefined })
      expect(told(reply)).toEqual({
        status: 400,
        id: 0,
        code: -32_022,
        data: { supported: SUPPORTED, requested: '2025-11-25' },
      })
    })

    test('a version that is not there yet: 400 -32022', async () => {
      const _meta = { ...meta, 'io.modelcontextprotocol/protocolVersion': '2031-01-01' }
      const headers = { 'mcp-protocol-version': '2031-01-01' }
      expect(told(await call({ params: { ...find, _meta }, headers }))).toMatchObject({
        status: 400,
        code: -32_022,
        data: { supported: SUPPORTED, requested: '2031-01-01' },
      })
    })

    test('a notification: 202 and nothing', async () => {
      const method = 'notifications/cancelled'
      const body = JSON.stringify({ jsonrpc: '2.0', method, params: { _meta: meta, requestId: 1 } })
      const reply = await post(body, { 'mcp-method': method, 'mcp-name': undefined })
      expect(reply).toMatchObject({ status: 202, text: '' })
    })

    test.each([
      'ping',
      'logging/setLevel',
      'resources/list',
      'prompts/get',
      'tasks/get',
      'constructor',
      '__proto__',
    ])('the method %s: 404 -32601', async (method) => {
      const headers = { 'mcp-name': undefined }
      expect(told(await call({ method, id: 9, headers }))).toMatchObject({
        status: 404,
        code: -32_601,
        id: 9,
      })
    })

    test('params that are not those of the method: -32602', async () => {
      const requestState = 'x'
      expect(told(await call({ params: { ...find, requestState }, id: 'p' }))).toMatchObject({
        status: 200,
        code: -32_602,
        id: 'p',
      })
    })

    test('more than 1 MiB: 413, said beforehand or not, and the server behind hears nothing', async () => {
      const before = world.received.length
      const bytes = 1024 * 1024 + 1
      const honest = rpc({ url: world.mount('crm'), token, params: find })
      const announced = { ...honest.headers, 'content-length': String(bytes) }
      expect((await send({ ...honest, headers: announced, body: '' }).catch(() => undefined))?.status).toBe(
        413,
      )
      const chunked = { ...honest.headers, 'transfer-encoding': 'chunked' }
      const reply = await send({ ...honest, headers: chunked, body: Buffer.alloc(bytes, ' ') })
      expect(told(reply)).toMatchObject({ status: 413, code: -32_600, id: null })
      expect(world.received.length).toBe(before)
    })
  })

  describe('what there is', () => {
    test('server/discover: the versions and capabilities that are really served', async () => {
      const reply = await call({ method: 'server/discover', id: 'd' })
      expect(json(reply)).toEqual({
        jsonrpc: '2.0',
        id: 'd',
        result: {
          resultType: 'complete',
          supportedVersions: SUPPORTED,
          capabilities: { tools: {} },
          ttlMs: 60_000,
          cacheScope: 'private',
          _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'crm', title: 'Customers', version: '1' } },
        },
      })
    })

    test.each(['/.well-known/oauth-protected-resource/crm/mcp', '/jwks'])(
      'the document at %s is read, and nothing else can be done with it',
      async (path) => {
        const { status, headers } = await fetch(`${world.publicUrl}${path}`, { method: 'POST', body: '{}' })
        expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
        expect((await fetch(`${world.publicUrl}${path}`, { method: 'HEAD' })).status).toBe(200)
      },
    )

    test('each mount has metadata of its own, the same under any host and query, and no other path has any', async () => {
      const expected = {
        crm: { scopes: ['crm.read', 'crm.write'], name: 'Customers' },
        notes: { scopes: ['notes.read'], name: 'Notes' },
      }
      for (const server of ['crm', 'notes'] as const) {
        const url = `${world.publicUrl}/.well-known/oauth-protected-resource/${server}/mcp`
        const reply = await send({ method: 'GET', url: `${url}?host=evil.example` })
        expect(json(reply)).toEqual({
          resource: `${world.publicUrl}/${server}/mcp`,
          authorization_servers: [world.publicUrl],
          scopes_supported: expected[server].scopes,
          bearer_methods_supported: ['header'],
          resource_name: expected[server].name,
        })
        const headers = {
          host: new URL(url).host,
          'x-forwarded-host': 'evil.example',
          forwarded: 'host=evil.example',
        }
        expect((await send({ method: 'GET', url, headers })).text).toBe(reply.text)
        expect((await send({ method: 'GET', url, headers: { host: 'evil.example' } })).text).not.toContain(
          'evil',
        )
      }
      for (const path of [
        '',
        '/',
        '/crm',
        '/crm/mcp/',
        '/crm/mcp/x',
        '/payroll/mcp',
        '/gateway/mcp',
        '/mcp',
      ]) {
        const url = `${world.publicUrl}/.well-known/oauth-protected-resource${path}`
        expect((await send({ method: 'GET', url })).status).toBe(404)
      }
    })

    test.each([
      '/crm',
      '/crm/',
      '/crm/mcp/',
      '/crm/mcp/x',
      '/payroll/mcp',
      '/gateway/mcp',
      '/mcp',
      '/unknown/mcp',
    ])('at %s there is no mount: 404', async (path) => {
      expect((await send({ ...rpc({ url: world.mount('crm'), token, params: find }), path })).status).toBe(
        404,
      )
    })

    test('nothing that the client sent as a header reaches the server behind', async () => {
      const canary = 'canary-7f3a'
      const headers = Object.fromEntries(
        [
          'cookie',
          'dpop',
          'txn-token',
          'x-api-key',
          'x-anything',
          'proxy-authorization',
          'x-forwarded-for',
          'mcp-session-id',
          'last-event-id',
          'mcp-param-region',
          'baggage',
          'user-agent',
          'accept-language',
          'referer',
        ].map((name) => [name, canary]),
      )
      const _meta = {
        ...meta,
        'io.modelcontextprotocol/clientInfo': { name: canary },
        'x/y': canary,
        baggage: canary,
      }
      expect((await call({ params: { ...find, _meta }, headers })).status).toBe(200)
      const { headers: seen } = world.received.findLast(({ party }) => party === 'crm') ?? {}
      expect(JSON.stringify(seen)).not.toContain(canary)
      expect(Object.keys(seen ?? {}).sort()).toEqual([
        'accept',
        'authorization',
        'connection',
        'content-length',
        'content-type',
        'host',
        'mcp-method',
        'mcp-name',
        'mcp-protocol-version',
      ])
      expect(seen?.authorization).not.toContain(token)
      expect(decodeJwt(world.lastToken('crm'))).toMatchObject({
        aud: world.urls.crm,
        client_id: 'gateway',
        scope: 'crm.read',
      })
    })
  })
})

describe('the list and the call', () => {
  const names = [
    'read_a',
    'read_b',
    'write_a',
    'write_secret',
    'secret',
    'Read_a',
    'read_',
    'tool-1.x',
    'other',
  ]
  const tools = names.map((name) => ({ name, inputSchema: { type: 'object' } }))
  const known = ['"*_*"', 'secret', 'other'].map((tool) => `${tool}: { scopes: [notes.read] }`).join(', ')
  const policies = `
  - permit: { users: [alice], servers: [notes], tools: ["read_*", "write_*", other] }
  - permit: { users: [bob], servers: [notes] }
  - forbid: { servers: [notes], tools: ["*secret"] }
  - forbid: { users: [bob], servers: [notes], tools: ["read_*"] }`
  let world: World
  const tokens = new Map<string, string>()
  beforeAll(async () => {
    world = await openWorld({
      policies,
      amend: (text) => text.replace('echo: { scopes: [notes.read] }', known),
      upstream: (request, response) => {
        void (async () => {
          const chunks: Buffer[] = []
          for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
          const { id, method } = JSON.parse(Buffer.concat(chunks).toString()) as {
            id: string
            method: string
          }
          const result = method === 'tools/list' ? { tools } : { content: [] }
          response
            .setHeader('content-type', 'application/json')
            .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
        })()
      },
    })
    for (const user of ['alice', 'bob'])
      tokens.set(user, (await world.signIn(user, { server: 'notes' })).token() ?? '')
  })
  afterAll(() => world.close())

  test('agree for every user and tool: what is shown can be called, what is not shown is unknown', async () => {
    const url = world.mount('notes')
    const listed = new Map<string, ReadonlySet<string>>()
    for (const [user, token] of tokens) {
      const reply = json(await send(rpc({ url, token, method: 'tools/list' })))
      const { result } = reply as { result: { tools: { name: string }[]; cacheScope: string; ttlMs: number } }
      expect(result).toMatchObject({ cacheScope: 'private', resultType: 'complete' })
      listed.set(user, new Set(result.tools.map(({ name }) => name)))
    }
    expect([...(listed.get('alice') ?? [])]).toEqual(['read_a', 'read_b', 'write_a', 'read_', 'other'])
    const anyTool = fc.oneof(fc.constantFrom(...names), fc.stringMatching(/^[a-z_]{1,12}$/))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('alice', 'bob'), anyTool, async (user, name) => {
        const reply = await send(rpc({ url, token: tokens.get(user), params: { name } }))
        const called = json(reply)['error'] === undefined
        if (names.includes(name)) expect(called).toBe(listed.get(user)?.has(name))
        if (!called) {
          expect(reply.status).toBe(200)
          expect(json(reply)['error']).toMatchObject({
            code: -32_602,
            message: 'Unknown tool. tools/list shows the tools there are.',
          })
        }
      }),
      { numRuns: 60 },
    )
  })

  test('a tool that is forbidden and a tool that does not exist are not told apart', async () => {
    const url = world.mount('notes')
    const refusal = async (name: string) =>
      json(await send(rpc({ url, token: tokens.get('alice'), params: { name } })))
    expect(await refusal('write_secret')).toEqual(await refusal('nosuchtool'))
  })
})
