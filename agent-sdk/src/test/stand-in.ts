import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { formatChallenge } from '@tetrapod/protocol'

type Document = Record<string, unknown>
type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => unknown

/** How this server differs from an honest one. Whatever is undefined in a document is left out. */
export interface Differences {
  readonly challenge?: string
  readonly resourceMetadata?: Document
  readonly serverMetadata?: Document
  readonly tokens?: Document
  /** Changes the answer that goes through the browser. */
  readonly callback?: (parameters: URLSearchParams) => void
  /** Answers a path itself. */
  readonly paths?: Readonly<Record<string, Handler>>
}

/** An authorization server and the MCP server behind it, on one loopback port. */
export interface StandIn extends AsyncDisposable {
  readonly origin: string
  readonly mcpUrl: string
  /** Every request so far, as `GET /path`. */
  readonly seen: readonly string[]
  /** The forms that reached the token endpoint. */
  readonly forms: readonly URLSearchParams[]
  differ(differences: Differences): void
}

const MCP = '/crm/mcp'

/** Starts a stand-in that knows one agent. Access tokens are `token-<n>`. */
export async function standIn(client: { readonly id: string; readonly jwks: unknown }): Promise<StandIn> {
  let differences: Differences = {}
  const keys = createLocalJWKSet(client.jwks as JSONWebKeySet)
  const codes = new Map<string, URLSearchParams>()
  const seen: string[] = []
  const forms: URLSearchParams[] = []
  const server = createServer((request, response) => void answer(request, response))
  const origin = await listening(server)

  const honest: Record<string, Handler> = {
    [MCP]: (request, response) => {
      if (request.headers.authorization?.startsWith('Bearer token-')) return json(response, 200, { ok: true })
      const resource_metadata = `${origin}/.well-known/oauth-protected-resource${MCP}`
      const challenge = differences.challenge ?? formatChallenge({ scope: 'crm.read', resource_metadata })
      return response.writeHead(401, challenge === '' ? {} : { 'www-authenticate': challenge }).end()
    },
    [`/.well-known/oauth-protected-resource${MCP}`]: (_, response) =>
      json(response, 200, {
        resource: `${origin}${MCP}`,
        authorization_servers: [origin],
        scopes_supported: ['crm.read', 'crm.write'],
        ...differences.resourceMetadata,
      }),
    '/.well-known/oauth-authorization-server': (_, response) => json(response, 200, metadata()),
    '/authorize': ({ url }, response) => {
      const query = new URL(url ?? '', origin).searchParams
      const code = randomUUID()
      codes.set(code, query)
      const parameters = new URLSearchParams({ code, state: query.get('state') ?? '', iss: origin })
      differences.callback?.(parameters)
      return response
        .writeHead(302, { location: `${query.get('redirect_uri')}?${parameters.toString()}` })
        .end()
    },
    '/token': async (_, response, body) => {
      const form = new URLSearchParams(body)
      forms.push(form)
      const refusal = await refusalOf(form)
      if (refusal !== undefined) return json(response, 400, { error: refusal })
      return json(response, 200, {
        access_token: `token-${forms.length}`,
        token_type: 'Bearer',
        expires_in: 300,
        ...differences.tokens,
      })
    },
  }

  function metadata(): Document {
    return {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      ...differences.serverMetadata,
    }
  }

  async function refusalOf(form: URLSearchParams): Promise<string | undefined> {
    const proof = await jwtVerify(form.get('client_assertion') ?? '', keys, {
      typ: 'client-authentication+jwt',
      issuer: client.id,
      subject: client.id,
      audience: origin,
      requiredClaims: ['jti', 'exp'],
    }).catch(() => undefined)
    if (proof?.payload.aud !== origin) return 'invalid_client'
    const asked = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (asked?.get('code_challenge_method') !== 'S256' || asked.get('code_challenge') !== challenge) {
      return 'invalid_grant'
    }
    if (asked.get('redirect_uri') !== form.get('redirect_uri')) return 'invalid_grant'
    return asked.get('resource') === form.get('resource') ? undefined : 'invalid_target'
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', origin)
    seen.push(`${request.method} ${pathname}`)
    const chunks = await request.toArray()
    const handler = differences.paths?.[pathname] ?? honest[pathname]
    if (handler === undefined) response.writeHead(404).end()
    else await handler(request, response, Buffer.concat(chunks).toString())
  }

  return {
    origin,
    mcpUrl: `${origin}${MCP}`,
    seen,
    forms,
    differ: (next) => (differences = next),
    [Symbol.asyncDispose]: () => stopped(server),
  }
}

/** Starts a server on a free port of this machine; resolves to its origin. */
export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function stopped(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A browser without a user: follows the authorization URL to where it redirects. */
export async function browse(url: string): Promise<string> {
  const response = await fetch(url, { redirect: 'manual' })
  return response.headers.get('location') ?? ''
}
