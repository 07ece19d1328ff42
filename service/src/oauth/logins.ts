import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { type Agents, redirectAllowed } from '#agents'
import { type Families, type Grants, grantsCalls, grantsDelegates, grantsScopes } from '#grants'
import type { Server, Servers } from '#servers'
import type { Users } from '#users'
import { callsFrom } from './closure.ts'
import type { Cookies } from './cookies.ts'
import { allDelegates } from './handovers.ts'
import { formatLoginId } from './login-id.ts'

export interface LoginDeps {
  readonly servers: Servers
  readonly users: Users
  readonly agents: Pick<Agents, 'delegatesOf'>
  readonly grants: Grants
  readonly families: Families
  readonly cookies: Cookies
}

/** The login to give a code for: the one just agreed to, or a new one under a grant that covers the request already. */
export async function loadLogin(ctx: KoaContextWithOIDC, deps: LoginDeps) {
  const { provider, client, account, result, params } = ctx.oidc
  const agreed = result?.consent?.grantId
  if (agreed !== undefined) return provider.Grant.find(agreed)
  const server = deps.servers.byMount(String(params?.['resource']))
  const session = await deps.users.session(deps.cookies.session(ctx.req.headers.cookie))
  if (
    client === undefined ||
    account === undefined ||
    server === undefined ||
    session?.account !== account.accountId
  ) {
    return undefined
  }
  const grant = await deps.grants.liveFor(account.accountId, client.clientId)
  const scopes = requestedScopes(ctx, server.scopes)
  // Whoever runs on the user's machine can say that it is such an agent (RFC 8252 §8.6): each time, the user decides.
  if (client.applicationType === 'native' && client.tokenEndpointAuthMethod === 'none') return undefined
  if (grant === undefined || scopes.size === 0 || ctx.oidc.prompts.has('consent')) return undefined
  const redirectUri = String(params?.['redirect_uri'])
  if (!redirectAllowed(grant.redirectUris, redirectUri)) return undefined
  if (!grantsScopes(grant, server.key, scopes)) return undefined
  if (!grantsCalls(grant, server.key, callsFrom(server, scopes), scopes)) return undefined
  if (!grantsDelegates(grant, server.key, allDelegates(client.clientId, deps.agents))) return undefined
  return saveLogin(provider, deps.families, {
    grant: grant.id,
    session: session.id,
    user: account.accountId,
    agent: client.clientId,
    server,
    scopes,
    openid: ctx.oidc.requestParamOIDCScopes.has('openid'),
  })
}

/** Records a login under a grant as the library wants it, and returns its Grant. */
export async function saveLogin(
  provider: Provider,
  families: Families,
  login: {
    readonly grant: string
    readonly session: string
    readonly user: string
    readonly agent: string
    readonly server: Server
    readonly scopes: ReadonlySet<string>
    /** Asked for and not agreed to: the library would ask for them again and again. */
    readonly refused?: readonly string[]
    readonly openid: boolean
  },
) {
  const { grant: id, session, user, agent, server } = login
  const family = await families.begin({ grant: id, session, user, agent, server: server.key })
  const grant = new provider.Grant({ accountId: user, clientId: agent })
  grant.jti = formatLoginId({ grant: id, family: family.id, session })
  grant.addResourceScope(server.mount, [...login.scopes].join(' '))
  const refused = login.refused ?? []
  if (refused.length > 0) grant.rejectResourceScope(server.mount, refused.join(' '))
  if (login.openid) grant.addOIDCScope('openid')
  await grant.save()
  return grant
}

function requestedScopes(
  ctx: KoaContextWithOIDC,
  known: Readonly<Record<string, string>>,
): ReadonlySet<string> {
  return new Set([...ctx.oidc.requestParamScopes].filter((scope) => Object.hasOwn(known, scope)))
}
