import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { relay, type Relay } from './relay.ts'

const version = '2026-07-28'
const going = new AbortController().signal
const progress = (progressToken: unknown, value = 1) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken, progress: value },
})
const answer = { result: { resultType: 'complete', content: [] } }

test('an answer without anything before it is one JSON document under the id of the client', async () => {
  const { type, text } = await answered((towards) => towards.finish(answer))
  expect(type).toBe('application/json')
  expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: 'mine', ...answer })
})

test('progress makes it a stream: each message as it came, the answer last', async () => {
  const { type, text } = await answered(async (towards) => {
    await towards.forward(progress('p', 1))
    await towards.forward(progress('p', 2))
    towards.finish(answer)
  })
  expect(type).toBe('text/event-stream')
  const messages = text.split('\n\n').filter((it) => it !== '')
  expect(messages.map((it) => JSON.parse(it.replace('event: message\ndata: ', '')) as unknown)).toEqual([
    progress('p', 1),
    progress('p', 2),
    { jsonrpc: '2.0', id: 'mine', ...answer },
  ])
})

test.each([
  ['progress of another call', progress('another')],
  ['progress under a number that reads like the token', progress(0)],
  ['progress without token', { jsonrpc: '2.0', method: 'notifications/progress' }],
  ['a log line that nobody asked for', { jsonrpc: '2.0', method: 'notifications/message', params: {} }],
  ['a change of the list', { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }],
  ['a cancellation', { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }],
])('%s does not reach the client', async (_, message) => {
  const { type, text } = await answered(async (towards) => {
    await towards.forward(message)
    towards.finish(answer)
  })
  expect(type).toBe('application/json')
  expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: 'mine', ...answer })
})

test('a client that asked for no progress gets none', async () => {
  const { type } = await answered(async (towards) => {
    await towards.forward(progress(undefined))
    towards.finish(answer)
  }, {})
  expect(type).toBe('application/json')
})

test('a client that reads slowly is waited for, and one that goes away is not', async () => {
  const waited = Promise.withResolvers<string>()
  const server = createServer((_request, response) => {
    void flood(response, going).then(waited.resolve, waited.reject)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const controller = new AbortController()
  const { port } = server.address() as AddressInfo
  const { body } = await fetch(`http://127.0.0.1:${port}`, { signal: controller.signal })
  await body?.getReader().read()
  controller.abort()
  expect(await waited.promise).toBe('went on')
  server.close()
})

test('a call that is stopped no longer waits for a client that reads slowly', async () => {
  const over = Promise.withResolvers<unknown>()
  const stop = new AbortController()
  const server = createServer((_request, response) => {
    void flood(response, stop.signal).then(over.resolve, over.resolve)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { body } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await body?.getReader().read()
  stop.abort()
  expect(await over.promise).toMatchObject({ name: 'AbortError' })
  server.closeAllConnections()
  server.close()
})

/** Sends more than any buffer between here and the client holds. */
async function flood(response: ServerResponse, stopped: AbortSignal): Promise<string> {
  const towards = relay(response, 'mine', { version, progressToken: 'p' }, stopped)
  const big = { ...progress('p'), padding: 'x'.repeat(1024 * 1024) }
  for (let sent = 0; sent < 64; sent++) await towards.forward(big)
  return 'went on'
}

async function answered(
  run: (towards: Relay) => void | Promise<void>,
  asked: { readonly progressToken?: string } = { progressToken: 'p' },
) {
  const server = createServer((_request, response) => {
    void run(relay(response, 'mine', { version, progressToken: asked.progressToken }, going))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const text = await response.text()
  server.close()
  return { type: response.headers.get('content-type'), text }
}
