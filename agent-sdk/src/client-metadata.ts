import type { JWK } from 'jose'
import { isLoopback, SIGNING_ALGORITHM } from '@tetrapod/protocol'
import { type ClientKey, publicJwks } from './client-key.ts'

/** What an agent says of itself when it registers (RFC 7591 §2). */
export interface ClientMetadata {
  readonly client_name: string
  readonly redirect_uris: readonly string[]
  readonly application_type: 'native' | 'web'
  readonly grant_types: readonly string[]
  readonly response_types: readonly ['code']
  readonly token_endpoint_auth_method: string
  readonly token_endpoint_auth_signing_alg?: string
  readonly jwks?: { readonly keys: readonly JWK[] }
}

/** What of it depends on the agent. */
export interface AgentDescription {
  /** Shown to users who are asked for consent. */
  readonly name: string
  readonly redirectUri: string
  readonly key?: ClientKey | undefined
}

/**
 * The client metadata of an agent that proves itself by `method`. With `private_key_jwt` it holds the public half of
 * the agent's key. `application_type` follows the redirect URI (OpenID Connect Registration §2): on this machine it
 * is a native application.
 */
export function clientMetadata({ name, redirectUri, key }: AgentDescription, method: string): ClientMetadata {
  return {
    client_name: name,
    redirect_uris: [redirectUri],
    application_type: isLoopback(new URL(redirectUri)) ? 'native' : 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: method,
    ...(method === 'private_key_jwt' && key !== undefined
      ? { token_endpoint_auth_signing_alg: SIGNING_ALGORITHM, jwks: publicJwks(key) }
      : {}),
  }
}

/**
 * The document to publish at `url` (https, with a path) for an agent that is identified by it
 * (draft-ietf-oauth-client-id-metadata-document §4).
 */
export function metadataDocument(
  url: string,
  agent: AgentDescription,
): ClientMetadata & { readonly client_id: string } {
  return { client_id: url, ...clientMetadata(agent, agent.key === undefined ? 'none' : 'private_key_jwt') }
}
