import { type AccessToken, Refusal } from '@tetrapod/protocol'
import { type Audit } from '#audit'
import { tokenOnRecord } from '#broker'
import type { Handler } from '#http'
import type { Revocation } from '#revocation'
import type { Tokens } from '#tokens'
import { type AboutToken, clientEndpoint, type ClientEndpointDeps } from './client-endpoint.ts'
import { fault } from './faults.ts'

export interface TokenRevocationDeps extends ClientEndpointDeps {
  readonly tokens: Tokens
  readonly revocation: Revocation
  readonly audit: Audit
  /**
   * Ends the family of a refresh token of this client; nothing where it is none. Throws `oauth.token_of_another` for
   * another client's.
   */
  readonly revokeRefreshToken: (about: AboutToken) => Promise<void>
}

/**
 * `POST /revoke` (RFC 7009): a client takes back a token that was issued to it, and with it every token that came from it.
 * It holds no longer once this has answered. A token that holds no longer anyway, or never did, is no error (§2.2).
 *
 * The client proves who it is like everywhere; a public one says who it is (§2.1), and holding the token is its proof.
 */
export function tokenRevocation(deps: TokenRevocationDeps): Handler {
  return clientEndpoint(deps, async (about) => {
    const token = await identified(about.token, deps)
    if (token !== undefined) await revoke(token, about, deps)
    else await deps.revokeRefreshToken(about)
    return {}
  })
}

async function identified(token: string, { tokens }: TokenRevocationDeps): Promise<AccessToken | undefined> {
  try {
    return await tokens.identify(token)
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

async function revoke(
  token: AccessToken,
  { client }: AboutToken,
  { tokens, revocation, audit }: TokenRevocationDeps,
): Promise<void> {
  if (token.clientId !== client.id) throw fault.token_of_another({ detail: token.clientId })
  // Once is enough: the feed must not grow by a client that repeats itself.
  if (tokens.revoked(token)) return
  await revocation.revoke('token', token.jti)
  const { user, agent, grant, jti } = tokenOnRecord(token)
  audit.note({ kind: 'token_revoked', user, agent, grant, client: client.id, jti })
}
