import { createServer, type RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { createEgress, readAll } from './egress.ts'
import { configuredFetch, keySet } from './key-set.ts'

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

async function party(handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

function doorTo(...origins: readonly string[]) {
  const egress = createEgress({ origins })
  opened.push(() => egress.close())
  return egress
}

describe('the door to what is configured', () => {
  test('sends what it is given and nothing more', async () => {
    const seen: unknown[] = []
    const origin = await party(({ method, url, headers }, response) => {
      seen.push({ method, url, headers })
      response.end('answer')
    })
    const answer = await doorTo(origin).send({
      url: `${origin}/a?b=1`,
      method: 'POST',
      headers: { 'x-own': '1' },
      body: Buffer.from('{}'),
    })
    expect((await readAll(answer, 100)).toString()).toBe('answer')
    const { host } = new URL(origin)
    const headers = { host, connection: 'keep-alive', 'x-own': '1', 'content-length': '2' }
    expect(seen).toEqual([{ method: 'POST', url: '/a?b=1', headers }])
  })

  test('nothing is sent to an origin that is not configured, however alike it is', async () => {
    const asked: unknown[] = []
    const origin = await party((request, response) => {
      asked.push(request.url)
      response.end()
    })
    const { port } = new URL(origin)
    const egress = doorTo('http://127.0.0.1:1', `https://127.0.0.1:${port}`)
    for (const url of [`${origin}/`, `http://localhost:${port}/`, `http://127.0.0.1:1@127.0.0.1:${port}/`]) {
      await expect(egress.send({ url, method: 'GET' })).rejects.toMatchObject({
        code: 'egress.not_configured',
      })
    }
    expect(asked).toEqual([])
  })

  test('a redirect is an answer like any other: nobody follows it', async () => {
    const asked: unknown[] = []
    const elsewhere = await party((request, response) => {
      asked.push(request.url)
      response.end()
    })
    const origin = await party((_, response) => response.writeHead(302, { location: elsewhere }).end())
    const { status } = await doorTo(origin, elsewhere).send({ url: origin, method: 'GET' })
    expect(status).toBe(302)
    const fetched = await configuredFetch(doorTo(origin, elsewhere))(origin)
    expect(fetched.status).toBe(302)
    expect(asked).toEqual([])
  })

  test('nobody there is a fault that says so, without the address', async () => {
    const origin = 'http://127.0.0.1:1'
    await expect(doorTo(origin).send({ url: origin, method: 'GET' })).rejects.toMatchObject({
      code: 'egress.unreachable',
      message: expect.not.stringContaining('127.0.0.1') as string,
    })
  })

  test('a connection that breaks before the answer is a fault', async () => {
    const origin = await party((request) => request.socket.destroy())
    await expect(doorTo(origin).send({ url: origin, method: 'GET' })).rejects.toMatchObject({
      code: 'egress.unreachable',
    })
  })

  test('who asked may give up, and hears their own reason', async () => {
    const origin = await party(() => {})
    const signal = AbortSignal.timeout(20)
    await expect(doorTo(origin).send({ url: origin, method: 'GET', signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })
})

describe('an answer', () => {
  test('is read up to its limit and refused above it', async () => {
    const origin = await party((_, response) => response.end('0123456789'))
    const ask = () => doorTo(origin).send({ url: origin, method: 'GET' })
    expect(await readAll(await ask(), 10)).toHaveLength(10)
    await expect(readAll(await ask(), 9)).rejects.toMatchObject({ code: 'egress.too_large' })
  })

  test('that never ends is refused as soon as it is too large', async () => {
    const origin = await party((_, response) => {
      const more = () => response.write('x'.repeat(10_000)) && setImmediate(more)
      response.on('drain', more)
      more()
    })
    const fetched = configuredFetch(doorTo(origin))(origin)
    await expect(fetched).rejects.toMatchObject({ code: 'egress.too_large' })
  })
})

describe('the keys of a party', () => {
  const unavailable = { code: 'egress.keys_unavailable', kind: 'unavailable' }
  const asked = { alg: 'ES256', kid: 'k1' }
  const token = { payload: '', signature: '' }

  test('that answers with an error are unavailable: nothing is said of what it signed', async () => {
    const origin = await party((_request, response) => response.writeHead(500).end())
    const keys = keySet(`${origin}/jwks`, doorTo(origin))
    await expect(keys(asked, token)).rejects.toMatchObject(unavailable)
  })

  test('that cannot be reached are unavailable', async () => {
    const keys = keySet('http://127.0.0.1:1/jwks', doorTo('http://127.0.0.1:1'))
    await expect(keys(asked, token)).rejects.toMatchObject(unavailable)
  })

  test('that does not have the one asked for are there: the token is at fault', async () => {
    const origin = await party((_request, response) => response.end('{"keys":[]}'))
    const keys = keySet(`${origin}/jwks`, doorTo(origin))
    await expect(keys(asked, token)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })
})

test('a library that wants to send more than a GET through the configured door is refused, not misread', async () => {
  const origin = await party((_request, response) => response.end('{}'))
  const sending = configuredFetch(doorTo(origin))(origin, { method: 'POST', body: 'x' })
  await expect(sending).rejects.toThrow('only GET')
})
