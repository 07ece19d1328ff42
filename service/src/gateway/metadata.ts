import { anyOrigin, document, type Handler } from '#http'
import type { Server } from '#servers'

/** The resource metadata of one mount (RFC 9728 §2): every mount is a resource of its own. Scripts of any page may read it: it is public. */
export function mountMetadata(server: Server, issuer: string): Handler {
  const metadata = document({
    resource: server.mount,
    authorization_servers: [issuer],
    scopes_supported: Object.keys(server.scopes),
    bearer_methods_supported: ['header'],
    resource_name: server.name,
  })
  return anyOrigin(metadata, 'GET')
}
