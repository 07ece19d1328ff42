import { protectedResourceMetadataUrl } from '@tetrapod/protocol'
import type { ProtectOptions } from './protect-options.ts'

/** By path: the metadata of the resource (RFC 9728), and the public key of its client. */
export function documentsOf({
  issuer,
  resource,
  scopes,
  name,
  client,
}: ProtectOptions): ReadonlyMap<string, unknown> {
  const metadata = {
    resource,
    authorization_servers: [issuer],
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
    ...(name === undefined ? {} : { resource_name: name }),
  }
  return new Map<string, unknown>([
    [new URL(protectedResourceMetadataUrl(resource)).pathname, metadata],
    ...(client !== undefined && 'key' in client
      ? [['/.well-known/jwks.json', { keys: [client.key.publicJwk] }] as const]
      : []),
  ])
}
