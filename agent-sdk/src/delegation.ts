import { formatScope, GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ACCESS_TOKEN } from '@tetrapod/protocol'
import type { Destination } from './discover.ts'
import type { TokenRequest } from './token-endpoint.ts'

/**
 * What an agent was handed: the token, or how to get one. A token that comes once ends, and the login with it; asked for
 * again and again, it goes on.
 */
export type Delegation = string | (() => string | Promise<string>)

/** The exchange of what was handed over for a token at its resource. */
export async function takeUp(
  { resource }: Destination,
  delegation: Delegation,
  scopes: Iterable<string>,
): Promise<TokenRequest> {
  const token = typeof delegation === 'string' ? delegation : await delegation()
  return exchangeOf(token, { resource }, scopes)
}

/** Who exchanges `token` for one at a target (RFC 8693 §2.1). Without scopes: for all that it holds. */
export function exchangeOf(
  token: string,
  target: Readonly<Record<string, string>>,
  scopes: Iterable<string>,
): TokenRequest {
  const scope = formatScope(new Set(scopes))
  const parameters = {
    subject_token: token,
    subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
    ...target,
    ...(scope === '' ? {} : { scope }),
  }
  return { grantType: GRANT_TOKEN_EXCHANGE, parameters }
}
