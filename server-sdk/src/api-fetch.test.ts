import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { createApiFetch, scopesWanted } from './api-fetch.ts'
import { ExchangeRefused } from './errors.ts'
import { listen } from './test-server.ts'

interface Seen {
  readonly method: string | undefined
  readonly authorization: string | undefined
  readonly body: string
}

/** An API that serves who comes with all of `needed`; the token is the list of its scopes. */
async function apiThat(needed: string, refusal: (response: ServerResponse) => void = refuse(needed)) {
  const seen: Seen[] = []
  const url = await listen(async (request, response) => {
    const { method, headers } = request
    const { authorization } = headers
    seen.push({ method, authorization, body: await bodyOf(request) })
    const held = authorization?.replace('Bearer ', '').split('+') ?? []
    if (needed.split(' ').every((scope) => held.includes(scope))) response.end('done')
    else refusal(response)
  })
  const asked: string[] = []
  const call = createApiFetch(async (api, scopes) => {
    asked.push(`${api} ${scopes.join(' ')}`)
    if (scopes.includes('forbidden')) throw new ExchangeRefused({ error: 'consent_required', scope: 'crm.x' })
    return { authorization: `Bearer ${scopes.join('+')}` }
  }, fetch)
  return { url, seen, asked, call }
}

function refuse(scope: string, error = 'insufficient_scope', status = 403) {
  return (response: ServerResponse) =>
    void response
      .writeHead(status, { 'www-authenticate': `Bearer error="${error}", scope="${scope}"` })
      .end('no')
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

const post = {
  scopes: ['read'],
  method: 'POST',
  body: '{"amount":1}',
  headers: { Authorization: 'Bearer mine' },
}

test('an API that is content is asked once, with the token and nothing else of that name', async () => {
  const { call, url, seen, asked } = await apiThat('read')
  const answer = await call('payroll', url, post)
  expect(await answer.text()).toBe('done')
  expect(seen).toEqual([{ method: 'POST', authorization: 'Bearer read', body: '{"amount":1}' }])
  expect(asked).toEqual(['payroll read'])
})

test('what an API wants beyond is asked for, and the same request is sent once more', async () => {
  const { call, url, seen, asked } = await apiThat('pay')
  expect((await call('payroll', url, post)).status).toBe(200)
  expect(asked).toEqual(['payroll read', 'payroll read pay'])
  expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer read', 'Bearer read+pay'])
  expect(seen[1]?.body).toBe('{"amount":1}')
})

test('an API that is never content is asked twice, and its answer is the answer', async () => {
  let wanted = 0
  const { call, url, seen } = await apiThat('more', (response) => refuse(`pay-${wanted++}`)(response))
  const answer = await call('payroll', url, post)
  expect([answer.status, seen.length]).toEqual([403, 2])
  expect(scopesWanted(answer)).toEqual(['pay-1'])
})

test('what the broker refuses ends the call: the API is not asked again', async () => {
  const { call, url, seen } = await apiThat('forbidden')
  await expect(call('payroll', url, post)).rejects.toMatchObject({
    error: 'consent_required',
    scope: 'crm.x',
  })
  expect(seen).toHaveLength(1)
})

test.each([
  ['wants what it was sent', refuse('read')],
  ['refuses for another reason', refuse('pay', 'invalid_token')],
  ['refuses the token', refuse('pay', 'insufficient_scope', 401)],
  ['says no more than no', (response: ServerResponse) => void response.writeHead(403).end()],
])('an API that %s is not asked again', async (_, refusal) => {
  const { call, url, seen, asked } = await apiThat('pay', refusal)
  expect((await call('payroll', url, post)).ok).toBe(false)
  expect([seen.length, asked.length]).toEqual([1, 1])
})

test('no redirect is followed, and nothing goes in the clear to another machine', async () => {
  const { url, seen } = await apiThat('read')
  const away = await apiThat('pay', (response) => void response.writeHead(307, { location: url }).end())
  await expect(away.call('payroll', away.url, post)).rejects.toThrow()
  await expect(away.call('payroll', 'http://payroll.example', post)).rejects.toThrow(
    'neither https nor loopback',
  )
  expect(seen).toEqual([])
  expect(away.asked).toHaveLength(1)
})
