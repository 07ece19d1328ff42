import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDoor, whole } from './door.ts'
import { listening, stopped } from './test/stand-in.ts'

const server = createServer((request, response) => {
  if (request.url === '/moved') response.writeHead(302, { location: '/' }).end()
  if (request.url?.startsWith('/large') === true) response.end(Buffer.alloc(70_000, 'a'))
  if (request.url === '/') response.end('ok')
  if (request.url === '/stalls') response.write('a')
})
let origin = ''
beforeAll(async () => {
  origin = await listening(server)
})
afterAll(() => stopped(server))

test('an answer comes with its body', async () => {
  const url = `${origin}/`
  const response = await whole(url, await createDoor(fetch)(url))
  expect(await response.text()).toBe('ok')
})

test('a redirect is not followed', async () => {
  const response = await createDoor(fetch)(`${origin}/moved`)
  expect(response.status).toBe(302)
})

test.each(['/never', '/stalls'])('%s: who does not finish answering is given up', async (path) => {
  const url = `${origin}${path}`
  const answer = createDoor(fetch, 50)(url).then((response) => whole(url, response))
  await expect(answer).rejects.toMatchObject({ code: 'network.unreachable' })
})

test('a body is read up to 64 KiB and no further', async () => {
  const url = `${origin}/large?code=secret`
  const failure = await whole(url, await createDoor(fetch)(url)).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'network.answer_too_large' })
  expect(String(failure)).not.toContain('secret')
})

test('a server that is not there is named, without the query', async () => {
  const failure = await createDoor(fetch)('http://127.0.0.1:1/x?code=secret').catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'network.unreachable' })
  expect(String(failure)).toContain('http://127.0.0.1:1/x')
  expect(String(failure)).not.toContain('secret')
})
