import { type AccessToken, formatAct, formatScope, Refusal } from '@tetrapod/protocol'
import type { Apis } from '#apis'
import { type AuthorityDeps, holdsScopes, liveAuthority } from '#broker'
import type { Handler } from '#http'
import type { Client } from './client-authentication.ts'
import { type AboutToken, clientEndpoint, type ClientEndpointDeps } from './client-endpoint.ts'

export interface IntrospectionDeps extends ClientEndpointDeps, AuthorityDeps {
  readonly apis: Apis
  /**
   * What is to be said of a refresh token to the client that holds it; undefined for anything else, another client's
   * refresh token among it.
   */
  readonly describeRefreshToken: (about: AboutToken) => Promise<object | undefined>
}

/**
 * `POST /introspect` (RFC 7662): whether an access token holds right now, asked by whom it is for. Whatever keeps it from
 * holding, and a token for somebody else, has one answer, which says nothing else (§2.2).
 */
export function introspection(deps: IntrospectionDeps): Handler {
  return clientEndpoint(deps, async (about) => {
    const token = await holding(about, deps)
    if (token !== undefined) return described(token)
    return (await deps.describeRefreshToken(about)) ?? { active: false }
  })
}

/** The token, if it is for this client, everything behind it lives, and its grant still holds all that it says. */
async function holding(
  { client, token }: AboutToken,
  deps: IntrospectionDeps,
): Promise<AccessToken | undefined> {
  try {
    const verified = await deps.tokens.verify(token, audienceOf(client, deps))
    const authority = await liveAuthority(verified, deps)
    return holdsScopes(authority, deps) ? verified : undefined
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

/**
 * The one audience for which a client receives tokens (RFC 7662 §4): a server its own URL, an API its resource, an agent
 * its client id, under which another agent delegates to it. To an agent its own token 1 stays opaque: it says who the user
 * is to a company system, which no agent has to know.
 */
function audienceOf({ id, kind }: Client, { servers, apis }: IntrospectionDeps): string {
  if (kind === 'server') return servers.find(id)?.url ?? id
  if (kind === 'api') return apis.find(id)?.resource ?? id
  return id
}

/** RFC 7662 §2.2, with the claims of the chain (RFC 8693 §7.3) and our own. */
function described(token: AccessToken): object {
  return {
    active: true,
    token_type: 'Bearer',
    iss: token.issuer,
    aud: token.audience,
    sub: token.subject,
    sub_id: token.subjectId,
    client_id: token.clientId,
    jti: token.jti,
    iat: token.issuedAt,
    exp: token.expiresAt,
    scope: formatScope(token.scopes),
    auth_time: token.authTime,
    acr: token.acr,
    sid: token.sessionId,
    txn: token.transaction,
    act: formatAct(token.chain),
    may_act: token.mayAct,
    dlg: token.delegation,
  }
}
