import type { Audit } from '#audit'
import type { Families } from '#grants'
import type { AboutToken } from './client-endpoint.ts'
import { fault } from './faults.ts'
import type { RefreshTokens } from './refresh-tokens.ts'

export interface HeldRefreshTokensDeps {
  readonly issuer: string
  readonly refreshTokens: Pick<RefreshTokens, 'look'>
  readonly families: Pick<Families, 'end'>
  readonly audit: Pick<Audit, 'note'>
}

/** What a client may ask and do with a refresh token that it holds. Another client's is nothing to it. */
export function heldRefreshTokens({ issuer, refreshTokens, families, audit }: HeldRefreshTokensDeps) {
  return {
    /** RFC 7662 §2.2, as far as it concerns who holds it. Looking changes nothing. */
    async describeRefreshToken({ client, token }: AboutToken): Promise<object | undefined> {
      const state = await refreshTokens.look(token)
      if (state.status !== 'usable' || state.login.agent !== client.id) return undefined
      const end = state.row.expiresAt
      const exp = end === undefined ? {} : { exp: Math.floor(end / 1000) }
      return { active: true, iss: issuer, client_id: client.id, ...exp }
    },
    /**
     * RFC 7009 §2.1: ends the login with all its tokens, whether this one was used before or not. Throws
     * `oauth.token_of_another`.
     */
    async revokeRefreshToken({ client, token }: AboutToken): Promise<void> {
      const state = await refreshTokens.look(token)
      if (!('login' in state)) return
      const { id, agent, user, grant } = state.login
      if (agent !== client.id) throw fault.token_of_another({ detail: agent })
      if (await families.end(id))
        audit.note({ kind: 'token_revoked', user: { id: user }, agent, grant, client: client.id, jti: token })
    },
  }
}
