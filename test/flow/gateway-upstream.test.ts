import { once } from 'node:events'
import { type IncomingMessage, request as open, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditLine } from '../../service/src/audit/index.ts'
import { ask, meta, rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

interface Message {
  readonly id: string
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}
type Behaviour = (message: Message, response: ServerResponse, request: IncomingMessage) => unknown

const echo = { name: 'echo', arguments: { text: 'x' } }
const result = { content: [{ type: 'text', text: 'x' }], resultType: 'complete' }

describe('a server behind the gateway', () => {
  let world: World
  let token: string
  let behave: Behaviour
  beforeAll(async () => {
    world = await openWorld({
      upstream: (request, response) => {
        void read(request).then((message) => behave(message, response, request))
      },
    })
    token = (await world.signIn('alice', { server: 'notes' })).token() ?? ''
  })
  beforeEach(() => {
    behave = ({ id }, response) => json(response, { id, result })
  })
  afterAll(() => world.close())

  const call = async (params: Readonly<Record<string, unknown>> = {}) => {
    const reply = await send(
      rpc({ url: world.mount('notes'), token, id: 'mine', params: { ...echo, ...params } }),
    )
    return { ...reply, message: JSON.parse(reply.text) as Readonly<Record<string, unknown>> }
  }
  const lastCall = async () => {
    const { text } = await ask(world.service.socket, 'GET', '/audit?limit=20')
    const { lines } = JSON.parse(text) as { lines: readonly AuditLine[] }
    return lines.findLast(({ kind }) => kind === 'call')
  }
  const failed = (code: string, message: RegExp) =>
    expect.objectContaining({
      id: 'mine',
      error: {
        code: -32_603,
        message: expect.stringMatching(message) as string,
        data: { code, reference: expect.stringMatching(/./) as string },
      },
    })

  test('is called with an id of ours and answered for under the id of the client', async () => {
    const seen: Message[] = []
    behave = (message, response) => {
      seen.push(message)
      json(response, { id: message.id, result })
    }
    const { status, message } = await call()
    expect({ status, message }).toEqual({ status: 200, message: { jsonrpc: '2.0', id: 'mine', result } })
    expect(seen[0]?.id).not.toBe('mine')
    expect(seen[0]?.params).toEqual({
      ...echo,
      _meta: { ...meta, 'io.modelcontextprotocol/clientInfo': { name: 'tetrapod', version: '0.1.0' } },
    })
  })

  test('is not quoted in our log, whatever it answers', async () => {
    behave = (_message, response) => {
      response.setHeader('content-type', 'application/json').end('CANARY-from-upstream')
    }
    const before = world.logged.length
    expect((await call()).message).toMatchObject({ error: { data: { code: 'gateway.upstream_malformed' } } })
    const logged = world.logged.slice(before)
    expect(logged).toHaveLength(1)
    expect(logged.join()).not.toContain('CANARY')
  })

  const unavailable = /cannot be reached or did not answer/
  const malformed = /something that is not MCP/
  const refused = /refused what the gateway calls it with/
  test.each<[string, string, RegExp, Behaviour]>([
    [
      'breaks the connection',
      'gateway.upstream_unavailable',
      unavailable,
      (_m, response) => response.destroy(),
    ],
    [
      'breaks off in the middle of its answer',
      'gateway.upstream_unavailable',
      unavailable,
      (_m, response) => {
        response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
          .write('{"id":')
        setImmediate(() => response.destroy())
      },
    ],
    [
      'answers with HTML',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => response.setHeader('content-type', 'text/html').end('<h1>Welcome</h1>'),
    ],
    [
      'answers 500 with HTML',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Oops</h1>'),
    ],
    [
      'answers with garbage that says it is JSON',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => response.setHeader('content-type', 'application/json').end('}{'),
    ],
    [
      'answers with nothing',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => response.setHeader('content-type', 'application/json').end(),
    ],
    [
      'answers to another id',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => json(response, { id: 'another', result }),
    ],
    [
      'answers to the id of the client, which it cannot know',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => json(response, { id: 'mine', result }),
    ],
    [
      'answers with a result that asks the client for something',
      'gateway.upstream_malformed',
      malformed,
      ({ id }, response) =>
        json(response, { id, result: { resultType: 'input_required', requestState: 'x' } }),
    ],
    [
      'answers with neither result nor error',
      'gateway.upstream_malformed',
      malformed,
      ({ id }, response) => json(response, { id, result: 'done' }),
    ],
    [
      'ends its stream without an answer',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => response.setHeader('content-type', 'text/event-stream').end(': bye\n\n'),
    ],
    [
      'sends an event that is not JSON',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => response.setHeader('content-type', 'text/event-stream').end('data: }{\n\n'),
    ],
    [
      'redirects',
      'gateway.upstream_malformed',
      malformed,
      (_m, response) => response.writeHead(307, { location: world.urls.payroll }).end(),
    ],
    [
      'refuses the token',
      'gateway.upstream_refused',
      refused,
      (_m, response) =>
        response
          .writeHead(401, { 'www-authenticate': 'Bearer resource_metadata="https://evil.example"' })
          .end('{"error":"canary"}'),
    ],
    [
      'forbids the call',
      'gateway.upstream_refused',
      refused,
      (_m, response) => response.writeHead(403, { 'www-authenticate': 'Bearer scope="everything"' }).end(),
    ],
  ])(
    'that %s is told as %s, on record, and nothing of its answer passes',
    async (_, code, sentence, behaviour) => {
      behave = behaviour
      const { status, headers, text, message } = await call()
      expect(status).toBe(200)
      expect(message).toEqual(failed(code, sentence))
      expect(headers['www-authenticate']).toBeUndefined()
      expect(text).not.toMatch(/Welcome|canary|evil/)
      expect(await lastCall()).toMatchObject({ decision: 'permit', outcome: 'failed', reason: code })
    },
  )

  test('that says no with a JSON-RPC error is heard: code and message, no data, whatever its status', async () => {
    behave = ({ id }, response) =>
      json(response, { id, error: { code: -32_602, message: 'No.', data: 'canary' } }, 400)
    const { status, message } = await call()
    expect(status).toBe(200)
    expect(message).toEqual({ jsonrpc: '2.0', id: 'mine', error: { code: -32_602, message: 'No.' } })
    expect(await lastCall()).toMatchObject({ outcome: 'error', reason: '-32602' })
  })

  test('whose tool fails is heard, and the record says so', async () => {
    behave = ({ id }, response) => json(response, { id, result: { content: [], isError: true } })
    const { message } = await call()
    expect(message['result']).toEqual({ content: [], isError: true, resultType: 'complete' })
    expect(await lastCall()).toMatchObject({ outcome: 'error' })
  })

  test('that streams: progress passes as it comes, requests and log lines do not, the answer ends it', async () => {
    const release = Promise.withResolvers<void>()
    behave = async ({ id, params }, response) => {
      const { progressToken } = params['_meta'] as { progressToken: unknown }
      response.setHeader('content-type', 'text/event-stream')
      event(response, { method: 'notifications/progress', params: { progressToken, progress: 1 } })
      await release.promise
      event(response, { method: 'notifications/message', params: { level: 'info', data: 'canary' } })
      event(response, { method: 'notifications/progress', params: { progressToken: 'another', progress: 9 } })
      event(response, { id: 'srv-1', method: 'sampling/createMessage', params: {} })
      event(response, { id, result })
      // It keeps its stream open: the answer is all that was waited for.
    }
    const { _meta } = { _meta: { ...meta, progressToken: 'p' } }
    const answer = await begin(
      rpc({ url: world.mount('notes'), token, id: 'mine', params: { ...echo, _meta } }),
    )
    expect(answer.headers['content-type']).toBe('text/event-stream')
    const [first] = (await once(answer, 'data')) as [Buffer]
    expect(dataOf(first.toString())).toEqual([
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } },
    ])
    release.resolve()
    let rest = ''
    for await (const chunk of answer as AsyncIterable<Buffer>) rest += chunk.toString()
    expect(dataOf(rest)).toEqual([{ jsonrpc: '2.0', id: 'mine', result }])
    expect(await lastCall()).toMatchObject({ outcome: 'ok' })
  })

  test('that breaks off after progress: the stream ends with an error that says whose failure it is', async () => {
    behave = (_message, response) => {
      response.setHeader('content-type', 'text/event-stream')
      event(response, { method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } })
      setImmediate(() => response.destroy())
    }
    const params = { ...echo, _meta: { ...meta, progressToken: 'p' } }
    const { text } = await send(rpc({ url: world.mount('notes'), token, id: 'mine', params }))
    expect(dataOf(text).at(-1)).toEqual(failed('gateway.upstream_unavailable', unavailable))
  })

  test.each(['never answers', 'never ends its answer'])(
    'that %s is let go of when the client goes away, and the record says so',
    async (what) => {
      const called = Promise.withResolvers<void>()
      const aborted = Promise.withResolvers<void>()
      behave = (_message, response) => {
        response.once('close', () => aborted.resolve())
        if (what === 'never ends its answer')
          response.setHeader('content-type', 'text/event-stream').write(': \n\n')
        called.resolve()
      }
      const { headers, body } = rpc({ url: world.mount('notes'), token, params: echo })
      const asked = open(world.mount('notes'), { method: 'POST', headers: headers as Record<string, string> })
      asked.on('error', () => undefined)
      asked.end(body)
      await called.promise
      const logged = world.logged.length
      asked.destroy()
      await aborted.promise
      await expect
        .poll(lastCall, { interval: 10 })
        .toMatchObject({ outcome: 'failed', reason: 'gateway.cancelled' })
      expect(world.logged.slice(logged)).toEqual([])
    },
  )

  test('that is down does not take the others down', async () => {
    const crm = (await world.signIn('alice')).token()
    behave = (_message, response) => response.destroy()
    const other = rpc({
      url: world.mount('crm'),
      token: crm,
      params: { name: 'find_customer', arguments: { query: 'a' } },
    })
    const [down, up] = await Promise.all([call(), send(other)])
    expect(down.message).toEqual(failed('gateway.upstream_unavailable', unavailable))
    expect(JSON.parse(up.text)).toHaveProperty('result')
  })
})

async function read(request: IncomingMessage): Promise<Message> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString()) as Message
}

function json(response: ServerResponse, message: object, status = 200): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', ...message }))
}

function event(response: ServerResponse, message: object): void {
  response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
}

function dataOf(stream: string): readonly unknown[] {
  return stream
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)) as unknown)
}

/** The answer as soon as its headers are there. */
async function begin({ url, headers, body }: ReturnType<typeof rpc>): Promise<IncomingMessage> {
  const asked = open(url, { method: 'POST', headers: headers as Record<string, string> })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}
