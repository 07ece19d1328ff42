/** RFC 9728 §3: the metadata document of a resource lies between its host and its path. */
export function protectedResourceMetadataUrl(resource: string): string {
  return inserted(resource, 'oauth-protected-resource')
}

/** RFC 8414 §3. */
export function authorizationServerMetadataUrl(issuer: string): string {
  return inserted(issuer, 'oauth-authorization-server')
}

function inserted(identifier: string, name: string): string {
  const url = new URL(identifier)
  const path = url.pathname === '/' ? '' : url.pathname
  return `${url.origin}/.well-known/${name}${path}${url.search}`
}
