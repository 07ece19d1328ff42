import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { formatChallenge } from '@tetrapod/protocol'
import { json, listening, stopped } from './stand-in.ts'

type Document = Record<string, unknown>

/** What a client registered, and what it proves itself by. */
export interface Registered extends Document {
  readonly client_id: string
  readonly client_secret?: string
}

/** What this server does otherwise. Change it between two requests. */
export interface Manners {
  metadata?: Document
  resource?: Document
  /** The error that a registration is refused with; undefined: it is accepted. */
  refuseRegistration?: (body: Document) => string | undefined
  /** Replaces members of the answer to a registration. */
  registration?: Document
  /** Replaces members of the answer to a refresh. */
  refreshed?: Document
  /** The scopes that a user grants of those that were asked for. */
  grants?: (asked: string) => string
  /** Answers a request to the token endpoint itself. */
  token?: (form: URLSearchParams, response: ServerResponse) => boolean
  /** Whose tokens the MCP server takes. Default: its own. */
  authorizationServer?: string
  /** Milliseconds since the epoch, for what clients prove themselves by. */
  now?: () => number
  /** Sends whoever comes with a token elsewhere on this server. */
  redirect?: string
  /** So many calls of `delete_customer` are told that a scope is missing, whatever the token has. */
  learning?: number
  /** No token is taken any more. */
  refuseTokens?: boolean
}

/** An authorization server with dynamic registration and rotating refresh tokens, and an MCP server with scopes. */
export interface OpenServer extends AsyncDisposable {
  readonly origin: string
  readonly mcpUrl: string
  readonly manners: Manners
  readonly registrations: readonly Document[]
  readonly forms: readonly URLSearchParams[]
  /** The `Authorization` headers that reached the token endpoint. */
  readonly credentials: readonly (string | undefined)[]
  /** The queries that reached the authorization endpoint. */
  readonly authorizations: readonly URLSearchParams[]
  /** The tokens that reached the MCP server, as `method token`. */
  readonly calls: readonly string[]
  /** Every refresh token that was used a second time. */
  readonly reused: readonly string[]
  /** Requests to addresses where nothing is, as `path authorization`. */
  readonly strays: readonly string[]
  endAccessTokens(): void
  forgetClients(): void
}

const MCP = '/crm/mcp'
/** What each tool needs; the others need `crm.read`. */
const needs: Readonly<Record<string, string>> = { delete_customer: 'crm.write' }

/** Tokens of every server of a test, so that one may name another as its authorization server. */
const issued = new Map<string, { readonly issuer: string; readonly scope: string }>()

export async function openServer(preRegistered: readonly Registered[] = []): Promise<OpenServer> {
  const manners: Manners = {}
  const clients = new Map(preRegistered.map((client) => [client.client_id, client]))
  const codes = new Map<string, URLSearchParams>()
  const refreshes = new Map<string, { scope: string; used: boolean }>()
  const registrations: Document[] = []
  const forms: URLSearchParams[] = []
  const credentials: (string | undefined)[] = []
  const authorizations: URLSearchParams[] = []
  const calls: string[] = []
  const reused: string[] = []
  const strays: string[] = []
  const server = createServer((request, response) => void answer(request, response))
  const origin = await listening(server)

  const handlers: Record<
    string,
    (request: IncomingMessage, response: ServerResponse, body: string) => unknown
  > = {
    [MCP]: mcp,
    [`/.well-known/oauth-protected-resource${MCP}`]: (_, response) =>
      json(response, 200, {
        resource: `${origin}${MCP}`,
        authorization_servers: [manners.authorizationServer ?? origin],
        scopes_supported: ['crm.read', 'crm.write'],
        ...manners.resource,
      }),
    '/.well-known/oauth-authorization-server': (_, response) =>
      json(response, 200, {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        registration_endpoint: `${origin}/register`,
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
        grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
        authorization_response_iss_parameter_supported: true,
        ...manners.metadata,
      }),
    '/register': register,
    '/authorize': authorize,
    '/token': token,
  }

  function mcp({ headers: { authorization = '' } }: IncomingMessage, response: ServerResponse, body: string) {
    const { method, params = {} } = JSON.parse(body) as { method: string; params?: { name?: string } }
    const value = authorization.replace('Bearer ', '')
    calls.push(`${params.name ?? method} ${value}`)
    const known = issued.get(value)
    const challenge = (error?: 'insufficient_scope', scope = 'crm.read') => ({
      'www-authenticate': formatChallenge({
        ...(error === undefined ? {} : { error }),
        scope,
        resource_metadata: `${origin}/.well-known/oauth-protected-resource${MCP}`,
      }),
    })
    const isOurs = known?.issuer === (manners.authorizationServer ?? origin) && manners.refuseTokens !== true
    if (isOurs && manners.redirect !== undefined) {
      return response.writeHead(307, { location: manners.redirect }).end()
    }
    if (!isOurs) return response.writeHead(401, challenge()).end()
    const needed = needs[params.name ?? ''] ?? 'crm.read'
    const { learning = 0 } = manners
    if (needed === 'crm.write') manners.learning = learning - 1
    if (!known.scope.split(' ').includes(needed) || (needed === 'crm.write' && learning > 0)) {
      return response.writeHead(403, challenge('insufficient_scope', needed)).end()
    }
    return json(response, 200, { jsonrpc: '2.0', id: 1, result: {} })
  }

  function register(_: unknown, response: ServerResponse, body: string) {
    const metadata = JSON.parse(body) as Document
    registrations.push(metadata)
    const error = manners.refuseRegistration?.(metadata)
    if (error !== undefined) return json(response, 400, { error, error_description: `no\u001b ${error}` })
    const method = String(metadata['token_endpoint_auth_method'])
    const client = {
      ...metadata,
      client_id: `client-${randomUUID()}`,
      ...(method.startsWith('client_secret')
        ? { client_secret: `s-${randomUUID()}`, client_secret_expires_at: 0 }
        : {}),
      ...manners.registration,
    }
    clients.set(client.client_id, client)
    return json(response, 201, client)
  }

  function authorize({ url }: IncomingMessage, response: ServerResponse) {
    const query = new URL(url ?? '', origin).searchParams
    authorizations.push(query)
    if (!clients.has(query.get('client_id') ?? '')) return response.writeHead(400).end('unknown client')
    const code = randomUUID()
    codes.set(code, query)
    const back = new URLSearchParams({ code, state: query.get('state') ?? '', iss: origin })
    return response.writeHead(302, { location: `${query.get('redirect_uri')}?${back.toString()}` }).end()
  }

  async function token({ headers }: IncomingMessage, response: ServerResponse, body: string) {
    const form = new URLSearchParams(body)
    forms.push(form)
    credentials.push(headers.authorization)
    if (manners.token?.(form, response) === true) return
    if (!(await proved(form, headers.authorization))) return json(response, 401, { error: 'invalid_client' })
    if (form.get('resource') !== `${origin}${MCP}` && manners.resource === undefined) {
      return json(response, 400, { error: 'invalid_target' })
    }
    if (form.get('grant_type') === 'refresh_token') return refresh(form.get('refresh_token') ?? '', response)
    if (form.get('grant_type') === 'client_credentials') return give(form.get('scope') ?? '', response)
    const asked = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (asked?.get('code_challenge') !== verifier) return json(response, 400, { error: 'invalid_grant' })
    if (asked.get('redirect_uri') !== form.get('redirect_uri'))
      return json(response, 400, { error: 'invalid_grant' })
    const scope = asked.get('scope') ?? ''
    return give(manners.grants?.(scope) ?? scope, response, {})
  }

  /** Rotates. A token that comes twice ends the family: that is what a race over it costs. */
  function refresh(value: string, response: ServerResponse) {
    const found = refreshes.get(value)
    if (found === undefined) return json(response, 400, { error: 'invalid_grant' })
    if (found.used) {
      reused.push(value)
      refreshes.clear()
      return json(response, 400, { error: 'invalid_grant' })
    }
    found.used = true
    return give(found.scope, response, manners.refreshed ?? {})
  }

  function give(scope: string, response: ServerResponse, changed?: Document) {
    const [access_token, refresh_token] = [`access-${randomUUID()}`, `refresh-${randomUUID()}`]
    issued.set(access_token, { issuer: origin, scope })
    if (changed !== undefined) refreshes.set(refresh_token, { scope, used: false })
    const renewal = changed === undefined ? {} : { refresh_token }
    json(response, 200, {
      access_token,
      token_type: 'Bearer',
      expires_in: 300,
      scope,
      ...renewal,
      ...changed,
    })
  }

  async function proved(form: URLSearchParams, authorization: string | undefined): Promise<boolean> {
    const basic = Buffer.from(authorization?.replace('Basic ', '') ?? '', 'base64')
      .toString()
      .split(':')
    const client = clients.get(form.get('client_id') ?? basic[0] ?? '')
    switch (client?.['token_endpoint_auth_method']) {
      case 'none':
        return true
      case 'client_secret_post':
        return form.get('client_secret') === client.client_secret
      case 'client_secret_basic':
        return basic[1] === client.client_secret
      case 'private_key_jwt': {
        const keys = createLocalJWKSet(client['jwks'] as JSONWebKeySet)
        const currentDate = new Date(manners.now?.() ?? Date.now())
        const options = {
          issuer: client.client_id,
          audience: origin,
          typ: 'client-authentication+jwt',
          currentDate,
          // Played time stands still where the assertion's own second may have gone on.
          clockTolerance: 5,
        }
        return jwtVerify(form.get('client_assertion') ?? '', keys, options).then(
          ({ payload }) => payload.aud === origin,
          () => false,
        )
      }
      default:
        return false
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', origin)
    const body = Buffer.concat(await request.toArray()).toString()
    const handler = handlers[pathname]
    if (handler === undefined) {
      strays.push(`${pathname} ${request.headers.authorization ?? ''}`)
      response.writeHead(404).end()
    } else await handler(request, response, body)
  }

  return {
    origin,
    mcpUrl: `${origin}${MCP}`,
    manners,
    registrations,
    forms,
    credentials,
    authorizations,
    calls,
    reused,
    strays,
    endAccessTokens: () => issued.clear(),
    forgetClients: () => clients.clear(),
    [Symbol.asyncDispose]: () => stopped(server),
  }
}

/** A person who agrees to everything, in a browser that opens by itself. */
export async function agreeable(url: string): Promise<void> {
  const response = await fetch(url, { redirect: 'manual' })
  const location = response.headers.get('location')
  if (location !== null) await fetch(location)
}
