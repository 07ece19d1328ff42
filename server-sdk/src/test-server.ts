import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import {
  type Claims,
  signed,
  type TestClock,
  testClaims,
  testClock,
  type TestKey,
  testKey,
} from './test-token.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Listens on a free port of this machine until the test ends. */
export async function listen(listener: Listener): Promise<string> {
  const server = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a test's issuer answers; the test changes it while it runs. */
export interface TestAnswers {
  metadata: Claims
  keys: readonly unknown[]
  token: { status: number; body: unknown }
  feed: { status: number; body: unknown }
}

export interface TestIssuer {
  readonly issuer: string
  readonly clock: TestClock
  readonly key: TestKey
  readonly answers: TestAnswers
  /** The paths it was asked for, in order. */
  readonly asked: string[]
  /** The forms its token endpoint received. */
  readonly forms: URLSearchParams[]
  readonly token: (audience: string, overrides?: Claims) => Promise<string>
}

/** An issuer that answers what the test says: metadata, keys, an empty revocation feed, and a token endpoint that grants without looking. */
export async function testIssuer(): Promise<TestIssuer> {
  const key = await testKey('k1')
  const asked: string[] = []
  const forms: URLSearchParams[] = []
  const answers: TestAnswers = {
    metadata: {},
    keys: [key.publicJwk],
    token: { status: 200, body: granted('next-1') },
    feed: { status: 200, body: { sequence: 0, entries: [] } },
  }
  const issuer = await listen(async (request, response) => {
    asked.push(request.url ?? '')
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (request.url === '/token') forms.push(new URLSearchParams(body))
    const { status, body: answer } = answerAt(request.url ?? '', answers)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  answers.metadata = { issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` }
  return {
    issuer,
    clock: testClock(),
    key,
    answers,
    asked,
    forms,
    token: (audience, overrides) => signed(testClaims(issuer, audience, overrides), key),
  }
}

function answerAt(url: string, answers: TestAnswers): TestAnswers['token'] {
  switch (url.split('?', 1)[0] ?? url) {
    case '/token':
      return answers.token
    case '/revocations':
      return answers.feed
    case '/jwks':
      return { status: 200, body: { keys: answers.keys } }
    default:
      return { status: 200, body: answers.metadata }
  }
}

/** An answer of RFC 8693 §2.2.1. */
export function granted(access_token: string, change: Claims = {}): Claims {
  return {
    access_token,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 300,
    ...change,
  }
}
