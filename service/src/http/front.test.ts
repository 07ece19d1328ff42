import { request as httpRequest, type Server } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faults, type Log } from '#kernel'
import { readBody } from './body.ts'
import { createFront } from './front.ts'
import type { Handler } from './handler.ts'
import { sendJson } from './send.ts'
import { createStage } from './stage.ts'

const fault = faults('test', { broken: ['unavailable', 'It is broken. Try again.'] })
const logged: string[] = []
const write = (members: object, message: string) => void logged.push(`${message} ${JSON.stringify(members)}`)
const log: Log = { info: write, warn: write, error: write }

let server: Server
let origin: string
beforeAll(async () => {
  const port = await new Promise<number>((resolve) => {
    const probe = createFront({ publicUrl: 'http://x', stage: createStage({ paths: {}, segments: {} }), log })
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
  origin = `http://127.0.0.1:${port}`
  const said: Handler = (request, response) => sendJson(response, 200, { url: request.url })
  const paths: Record<string, Handler> = {
    '/exact': said,
    '/fault': () => {
      throw fault.broken({ detail: 'private detail' })
    },
    '/bug': () => {
      throw new TypeError('private cause')
    },
    '/half': (_request, response) => {
      response.writeHead(200).write('half')
      throw new Error('too late')
    },
    '/body': async (request, response) => {
      const { length } = await readBody(request, 10)
      sendJson(response, 200, { length })
    },
  }
  const probes = { '/livez': said }
  const stage = createStage({ paths, segments: { under: said } })
  server = createFront({ publicUrl: origin, stage, probes, log })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
})
afterAll(() => server.close())

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`${origin}${path}`, init)
  return { status: response.status, headers: response.headers, body: (await response.json()) as object }
}
const withHost = (host: string, path = '/exact') =>
  new Promise((resolve, reject) => {
    httpRequest(`${origin}${path}`, { headers: { host } }, ({ statusCode }) => resolve(statusCode))
      .once('error', reject)
      .end()
  })

describe('the front', () => {
  test('serves exact paths, and everything under a segment', async () => {
    expect((await get('/exact?x=1')).status).toBe(200)
    expect((await get('/under/a/b')).status).toBe(200)
  })

  test.each(['/', '/exact/', '/Exact', '/%65xact', '/underneath', '/constructor', '/__proto__/x', '//exact'])(
    'nothing is at %s',
    async (path) => {
      const { status, body } = await get(path)
      expect([status, body]).toEqual([
        404,
        { error: 'http.not_found', error_description: 'There is nothing at this address.' },
      ])
    },
  )

  test.each(['evil.example', '127.0.0.1', 'localhost', '127.0.0.1:1'])(
    'another Host (%s) is refused: a name that was made to point here serves nobody; a probe is answered',
    async (host) => {
      expect(await withHost(host)).toBe(403)
      expect(await withHost(host, '/livez')).toBe(200)
    },
  )

  test('a failure is answered with its code and its public sentence, nothing private', async () => {
    const { status, body } = await get('/fault')
    expect(status).toBe(503)
    expect(body).toEqual({
      error: 'test.broken',
      error_description: 'It is broken. Try again.',
      reference: expect.any(String) as string,
    })
  })

  test('a bug is told as nothing more, and the log says more under the same id', async () => {
    const { status, body, headers } = await get('/bug')
    expect(status).toBe(500)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(JSON.stringify(body)).not.toContain('private')
    const { reference } = body as { readonly reference: string }
    expect(logged.find((line) => line.includes(reference))).toContain('private cause')
  })

  test('an answer that fails half way is cut off, never ended as if it were whole', async () => {
    await expect(fetch(`${origin}/half`).then((response) => response.text())).rejects.toThrow()
  })
})

describe('a body', () => {
  test('is read up to its limit', async () => {
    expect((await get('/body', { method: 'POST', body: '0123456789' })).body).toEqual({ length: 10 })
  })

  test('is refused above it, by the length it says', async () => {
    const { status, body } = await get('/body', { method: 'POST', body: '0123456789a' })
    expect([status, body]).toMatchObject([400, { error: 'http.body_too_large' }])
  })

  test('is refused above it when it says no length', async () => {
    const port = Number(new URL(origin).port)
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      let text = ''
      socket.on('data', (bytes) => (text += bytes.toString()))
      socket.once('close', () => resolve(text))
      socket.once('error', reject)
      const head = `POST /body HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTransfer-Encoding: chunked\r\n\r\n`
      socket.write(`${head}b\r\n0123456789a\r\n`)
    })
    expect(answer).toContain('http.body_too_large')
  })
})
