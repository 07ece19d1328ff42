import { createHash } from 'node:crypto'
import { request } from 'node:http'
import type { TestIssuer } from './test-server.ts'
import { signed, testClaims, testKey } from './test-token.ts'

// What a guarded MCP endpoint answers, whatever serves it. One table for every framework.

/** The grant of the token that is revoked: the feed of the test's issuer names it. */
const REVOKED = 'grant-revoked'

/** An endpoint that wants `crm.read`, and what it goes by. */
export interface Endpoint {
  readonly resource: string
  readonly issuer: TestIssuer
}

export interface Answered {
  readonly status: number
  readonly challenge: string | undefined
  readonly body: string
}

interface Refusal {
  readonly name: string
  /** The header lines to send, and where. */
  readonly sent: (endpoint: Endpoint) => Promise<readonly string[]> | readonly string[]
  readonly path?: string
  readonly method?: string
  readonly status: number
  /** A part of the challenge; absent: there is none. */
  readonly challenge?: string
}

const bearer = (token: string) => ['authorization', `Bearer ${token}`]
const tokenWith =
  (change: (endpoint: Endpoint) => Readonly<Record<string, unknown>>) => async (endpoint: Endpoint) =>
    bearer(await endpoint.issuer.token(endpoint.resource, { ...lifetime(), ...change(endpoint) }))
const good = tokenWith(() => ({}))
const invalid = { status: 401, challenge: 'error="invalid_token"' }

export const refusals: readonly Refusal[] = [
  { name: 'no token', sent: () => [], status: 401, challenge: 'Bearer resource_metadata="' },
  { name: 'no token at all behind Bearer', sent: () => bearer('nonsense'), ...invalid },
  { name: 'a good token under another scheme', sent: underScheme('DPoP'), ...invalid },
  { name: 'two good tokens', sent: async (at) => [...(await good(at)), ...(await good(at))], ...invalid },
  {
    name: 'a token for another audience',
    sent: tokenWith(() => ({ aud: 'https://other.example' })),
    ...invalid,
  },
  {
    name: 'a token of another issuer',
    sent: tokenWith(() => ({ iss: 'https://other.example' })),
    ...invalid,
  },
  { name: 'an expired token', sent: tokenWith(() => ({ iat: now() - 400, exp: now() - 100 })), ...invalid },
  {
    name: 'a token whose grant was revoked',
    sent: tokenWith(() => ({ dlg: delegation(REVOKED) })),
    ...invalid,
  },
  { name: 'a token that is bound to a key', sent: tokenWith(() => ({ cnf: { jkt: 'x' } })), ...invalid },
  { name: 'a token that somebody else signed', sent: forged, ...invalid },
  {
    name: 'a token in the query',
    sent: () => [],
    path: '?access_token=x',
    status: 401,
    challenge: 'Bearer resource_metadata="',
  },
  { name: 'a good token at the root', sent: good, path: '/', status: 404 },
  { name: 'a good token at a path below', sent: good, path: '/mcp/x', status: 404 },
  { name: 'a good token at the path with a slash', sent: good, path: '/mcp/', status: 404 },
  { name: 'a good token at the path in capitals', sent: good, path: '/MCP', status: 404 },
  { name: 'a good token at a path with two slashes', sent: good, path: '//mcp', status: 404 },
  {
    name: 'a document that is written to',
    sent: () => [],
    path: '/.well-known/oauth-protected-resource/mcp',
    method: 'PUT',
    status: 405,
  },
]

/** Sends a request as it is given: what a polite client would tidy up, an attacker sends. */
export async function ask(
  { resource }: Pick<Endpoint, 'resource'>,
  headers: readonly string[],
  { path = '', method = 'POST', body }: { path?: string; method?: string; body?: string } = {},
): Promise<Answered> {
  const { hostname, port, pathname } = new URL(resource)
  const target = path.startsWith('/') ? path : pathname + path
  const json =
    body === undefined
      ? []
      : ['content-type', 'application/json', 'accept', 'application/json, text/event-stream']
  const length = ['content-length', String(Buffer.byteLength(body ?? ''))]
  return new Promise((resolve, reject) => {
    const options = {
      hostname,
      port,
      path: target,
      method,
      headers: ['host', 'evil.example', ...headers, ...json, ...length],
    }
    const sent = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const challenge = response.headers['www-authenticate']
        resolve({ status: response.statusCode ?? 0, challenge, body: text })
      })
    })
    sent.on('error', reject).end(body)
  })
}

/** A token that the endpoint takes, for a time that is the machine's. */
export async function goodToken(endpoint: Endpoint, scope = 'crm.read'): Promise<readonly string[]> {
  return tokenWith(() => ({ scope }))(endpoint)
}

/** Lets the feed of the issuer name the grant of the token that is revoked. */
export function revoke({ answers }: TestIssuer): void {
  const id_hash = createHash('sha256').update(REVOKED).digest('base64url')
  const entry = { sequence: 1, kind: 'grant', id_hash, at: Date.now(), expires_at: Date.now() + 3_600_000 }
  answers.feed = { status: 200, body: { sequence: 1, entries: [entry] } }
}

const now = () => Math.floor(Date.now() / 1000)

function lifetime(): Readonly<Record<string, number>> {
  return { iat: now() - 10, exp: now() + 290, auth_time: now() - 60 }
}

function delegation(gid: string): object {
  return { gid, hop: 2, rem: 5, anc: ['family-1', 'jti-1'] }
}

function underScheme(scheme: string) {
  return async (endpoint: Endpoint) => {
    const [name = '', value = ''] = await good(endpoint)
    return [name, value.replace('Bearer', scheme)]
  }
}

async function forged({ issuer, resource }: Endpoint): Promise<readonly string[]> {
  const claims = testClaims(issuer.issuer, resource, lifetime())
  return bearer(await signed(claims, await testKey('k1')))
}
