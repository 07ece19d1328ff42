import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Audit } from '#audit'
import type { Servers } from '#servers'
import { fault } from './faults.ts'
import type { Library } from './library.ts'
import { invalidGrant } from './refresh-token-adapter.ts'

export interface RefreshDeps {
  readonly servers: Servers
  readonly audit: Pick<Audit, 'ready'>
}

/**
 * The last question before a refresh token is used up: all that can be refused is refused here, so that what is refused
 * costs the client nothing. The library itself looks at `resource` only when the token is spent. Always true: every use
 * gives a new token.
 */
export function refreshAllowed({ servers, audit }: RefreshDeps, errors: Library['errors']) {
  return async (ctx: KoaContextWithOIDC): Promise<boolean> => {
    const { params, requestParamScopes, entities } = ctx.oidc
    const { RefreshToken: token, Grant: grant } = entities
    const resource = token?.resource
    if (token === undefined || grant === undefined || typeof resource !== 'string')
      throw invalidGrant(errors, fault.login_ended())
    const asked = params?.['resource']
    if (asked !== undefined && asked !== resource)
      throw new errors.InvalidTarget('a login is for one server: name that one, or none')
    const server = servers.byMount(resource)
    if (server === undefined) throw new errors.InvalidTarget('this server is not here any more')
    const narrowed = params?.['scope'] !== undefined
    const known = (scope: string) => Object.hasOwn(server.scopes, scope)
    const scopes = [...(narrowed ? requestParamScopes : token.scopes)].filter(known)
    if (grant.getResourceScopeFiltered(resource, scopes) === '') {
      if (narrowed) throw new errors.InvalidScope('none of these scopes is of this login', '')
      throw invalidGrant(errors, fault.login_ended())
    }
    if (!(await audit.ready())) throw unavailable(errors)
    return true
  }
}

/** RFC 6749 has no code for it at the token endpoint; the status says it too. */
export function unavailable(errors: Library['errors']) {
  const sentence = 'Tokens cannot be given at this moment. Try again in a few seconds.'
  return Object.assign(new errors.TemporarilyUnavailable(sentence), { status: 503, statusCode: 503 })
}
