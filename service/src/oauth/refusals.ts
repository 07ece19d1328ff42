import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Audit } from '#audit'
import { Fault, type Log } from '#kernel'
import { fault } from './faults.ts'
import type { RefreshTokens } from './refresh-tokens.ts'

/**
 * Says why a refresh was refused, in the log and on record: what an operator looks for when people have to sign in again
 * and again. If there is no such line, the agent never asked. Never the token.
 */
export function recordRefusals(
  provider: Provider,
  deps: {
    readonly refreshTokens: RefreshTokens
    readonly audit: Pick<Audit, 'note'>
    readonly log: Log
  },
): void {
  const { refreshTokens, audit, log } = deps
  provider.on('grant.error', (ctx, error) => {
    const { params, client } = ctx.oidc
    if (params?.['grant_type'] !== 'refresh_token') return
    const family = refreshTokens.familyOf(String(params['refresh_token']))
    const reason = reasonOf(ctx, error)
    log.warn(
      { client: client?.clientId, login: family, reason, detail: error.error_detail },
      'refresh refused',
    )
    // Who did not prove to be a client must not fill the log.
    if (client === undefined || error.error === 'invalid_client') return
    audit.note({ kind: 'refresh_refused', client: client.clientId, family, reason })
  })
}

/** The code of a fault, or of OAuth. */
function reasonOf(
  { oidc }: KoaContextWithOIDC,
  { cause, error }: Error & { readonly error: string },
): string {
  if (cause instanceof Fault) return cause.code
  const { RefreshToken: token, Account: account } = oidc.entities
  return token !== undefined && account === undefined ? fault.user_gone().code : error
}
