import type { AccessToken, ClientCredentials, KoaContextWithOIDC } from 'oidc-provider'
import type { Audit } from '#audit'
import type { Families } from '#grants'
import { Fault, type Log } from '#kernel'
import type { Servers } from '#servers'
import type { LineageClaims, Tokens } from '#tokens'
import type { Users } from '#users'
import { fault } from './faults.ts'
import type { Library } from './library.ts'
import { type LoginId, parseLoginId } from './login-id.ts'
import { unavailable } from './refresh.ts'
import { invalidGrant } from './refresh-token-adapter.ts'

export interface IssueDeps {
  readonly tokens: Tokens
  readonly users: Users
  readonly servers: Servers
  readonly families: Families
  readonly audit: Pick<Audit, 'event' | 'amend'>
  readonly log: Log
}

/**
 * The claims that make token 1 the root of a chain. The library asks for them right before it signs: the token is on
 * record when they are given, and nothing is signed for a login that ended meanwhile.
 */
export async function rootClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
  deps: IssueDeps,
  errors: Library['errors'],
): Promise<Record<string, unknown>> {
  const { tokens, users, families, audit } = deps
  const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities
  const source = code ?? refresh
  const login = parseLoginId(String(source?.grantId))
  const user = source?.accountId === undefined ? undefined : await users.find(source.accountId)
  if (login === undefined || user === undefined || source?.clientId === undefined)
    throw new Error('an access token can only come from the login of a known user')
  const lineage = tokens.root({
    grant: login.grant,
    family: login.family,
    session: login.session,
    agent: source.clientId,
    subjectId: user.subjectId,
    authTime: source.authTime ?? 0,
    acr: source.acr ?? '',
  })
  const who = { user: { id: user.id, username: user.subjectId.sub }, agent: source.clientId }
  const what = { ...who, login, lineage, token, via: code === undefined ? 'refresh' : 'code' } as const
  const ref = await recorded(what, deps, errors)
  if ((await families.live(login.family)) === undefined) {
    audit.amend(ref, { status: 'failed', reason: 'oauth.login_ended' })
    throw invalidGrant(errors, fault.login_ended())
  }
  await families.used(login.family)
  return { ...lineage }
}

interface Issued {
  readonly user: { readonly id: string; readonly username: string }
  readonly agent: string
  readonly login: LoginId
  readonly lineage: LineageClaims
  readonly token: AccessToken | ClientCredentials
  readonly via: 'code' | 'refresh'
}

/** Durable when it resolves, with its ref. */
async function recorded(
  { user, agent, login, lineage, token, via }: Issued,
  { audit, servers, log }: IssueDeps,
  errors: Library['errors'],
): Promise<string> {
  const audience = String(token.aud)
  try {
    return await audit.event({
      kind: 'token_issued',
      user,
      agent,
      via,
      grant: login.grant,
      family: login.family,
      txn: lineage.txn,
      server: servers.byMount(audience)?.key ?? audience,
      scopes: [...token.scopes],
      issued: token.jti,
    })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    log.error({ code: error.code }, 'no token was given: it cannot be put on record')
    throw unavailable(errors)
  }
}
