import { isObject } from '@tetrapod/protocol'
import type { AuthorizationServer } from './authorization-server.ts'
import { type AgentDescription, clientMetadata, type ClientMetadata } from './client-metadata.ts'
import type { Proof } from './client.ts'
import { type Door, whole } from './door.ts'
import { JourneyFailed } from './journey-failed.ts'
import type { Registration } from './registration.ts'

export interface RegisterDeps {
  readonly agent: AgentDescription
  readonly door: Door
}

/**
 * Registers the agent at an authorization server (RFC 7591 §3): with its own key where the server takes it, else as
 * the server's metadata offers. What is refused is tried once more with less: some servers refuse what they do not know
 * instead of leaving it out. Throws {@link JourneyFailed} `registration.*`, `client.method_unsupported`.
 */
export async function register(
  server: AuthorizationServer & { readonly registrationEndpoint: string },
  { agent, door }: RegisterDeps,
): Promise<Registration> {
  const methods = methodsFor(server, agent)
  const wanted = asked(server, agent, methods[0] ?? 'none')
  const first = await send(server, wanted, door)
  if (first.status !== 400) return registered(server, wanted, first, agent)
  const adjusted = withLess(wanted, methods, errorOf(first))
  return registered(server, adjusted, await send(server, adjusted, door), agent)
}

interface Answered {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** The methods the agent is able to, best first, of those that the server offers. */
function methodsFor(server: AuthorizationServer, { key }: AgentDescription): readonly string[] {
  const able = ['none', 'client_secret_basic', 'client_secret_post']
  const methods = (key === undefined ? able : ['private_key_jwt', ...able]).filter((method) =>
    server.authenticationMethods.includes(method),
  )
  if (methods.length > 0) return methods
  const message = `${server.issuer} offers no way to prove a client that this agent has. Give the agent a key, or register it there by hand.`
  throw new JourneyFailed('client.method_unsupported', message)
}

function asked(server: AuthorizationServer, agent: AgentDescription, method: string): ClientMetadata {
  const metadata = clientMetadata(agent, method)
  if (server.grantTypes?.includes('refresh_token') !== false) return metadata
  return { ...metadata, grant_types: ['authorization_code'] }
}

/**
 * The other kind of application where the redirect URI was refused (OpenID Connect Registration §2 ties the two), else
 * no refresh tokens and no key.
 */
function withLess(refused: ClientMetadata, methods: readonly string[], error: string): ClientMetadata {
  if (error === 'invalid_redirect_uri') {
    return { ...refused, application_type: refused.application_type === 'native' ? 'web' : 'native' }
  }
  const { jwks: _, token_endpoint_auth_signing_alg: __, ...rest } = refused
  const method = methods.find((method) => method !== 'private_key_jwt') ?? 'none'
  return { ...rest, grant_types: ['authorization_code'], token_endpoint_auth_method: method }
}

async function send(
  { registrationEndpoint }: { readonly registrationEndpoint: string },
  metadata: ClientMetadata,
  door: Door,
): Promise<Answered> {
  const response = await whole(
    registrationEndpoint,
    await door(registrationEndpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(metadata),
    }),
  )
  const body: unknown = await response.json().catch(() => undefined)
  return { status: response.status, body: isObject(body) ? body : {} }
}

function registered(
  { issuer }: AuthorizationServer,
  sent: ClientMetadata,
  answer: Answered,
  agent: AgentDescription,
): Registration {
  if (answer.status !== 201 && answer.status !== 200) throw refused(issuer, answer)
  const { client_id: id, client_secret_expires_at: until } = answer.body
  const proof = proofOf(answer.body, sent, agent)
  if (typeof id !== 'string' || id === '' || proof === undefined) throw malformed(issuer)
  // RFC 7591 §3.2.1: zero is never.
  const expiresAt = 'secret' in proof && typeof until === 'number' && until > 0 ? until : undefined
  return { client: { id, proof }, redirectUri: agent.redirectUri, expiresAt }
}

/** The server may have registered another method than was asked for (RFC 7591 §3.2.1). */
function proofOf(
  { token_endpoint_auth_method: registered, client_secret: secret }: Answered['body'],
  sent: ClientMetadata,
  { key }: AgentDescription,
): Proof | undefined {
  const method = registered ?? sent.token_endpoint_auth_method
  if (method === 'none') return { method }
  if (method === 'private_key_jwt') {
    return key !== undefined && sent.jwks !== undefined ? { method, key } : undefined
  }
  const withSecret = method === 'client_secret_basic' || method === 'client_secret_post'
  return withSecret && typeof secret === 'string' && secret !== '' ? { method, secret } : undefined
}

function errorOf({ body }: Answered): string {
  const { error } = body
  return typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : 'no error code'
}

function refused(issuer: string, answer: Answered): JourneyFailed {
  const { error_description: words } = answer.body
  const said = typeof words === 'string' ? `: ${words.replace(/[^ -~]/g, '?').slice(0, 200)}` : ''
  const message = `${issuer} refused to register the agent (${answer.status}, ${errorOf(answer)}${said}). Register it there by hand and give its client id, or ask whoever runs it to allow registration.`
  return new JourneyFailed('registration.refused', message)
}

function malformed(issuer: string): JourneyFailed {
  const message = `${issuer} registered the agent without a client id or a credential it can use. Register it there by hand and give its client id.`
  return new JourneyFailed('registration.malformed', message)
}
