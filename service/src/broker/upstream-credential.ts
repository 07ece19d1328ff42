import { type AccessToken, type Actor, type Endable, GATEWAY, type Scopes } from '@tetrapod/protocol'
import { type Clock, nowSeconds } from '#kernel'
import { type Grant, grantedUntil } from '#grants'
import type { Server } from '#servers'
import { endsOf, nextLineage, type Tokens } from '#tokens'

/** What the gateway sends upstream: request headers, and the `jti` for the record. */
export interface UpstreamCredential {
  readonly headers: Readonly<Record<string, string>>
  readonly jti: string
  /** When the first of the headers expires, in seconds since the epoch. */
  readonly expiresAt: number
  /** What the tokens in the headers end with. */
  readonly ends: readonly Endable[]
}

/** For whom, under which grant, to which server, for which scopes of its. */
export interface CredentialRequest {
  /** Token 1, verified for the mount of this server. */
  readonly subject: AccessToken
  readonly grant: Grant
  readonly server: Server
  readonly scopes: Scopes
}

/** The gateway's node in a chain: it acts as the mount it was called at. */
export function gatewayActor(issuer: string, server: Server): Actor {
  return { iss: issuer, sub: server.mount, client_id: GATEWAY }
}

/**
 * Token 2: what the gateway calls the server with. Minted in process from token 1, which the gateway has verified for
 * this mount, with the scopes of this one operation. The caller has the decision on record before.
 */
export async function upstreamCredential(
  request: CredentialRequest,
  { tokens, clock }: { readonly tokens: Pick<Tokens, 'issuer' | 'mint'>; readonly clock: Clock },
): Promise<UpstreamCredential> {
  const { subject, grant, server, scopes } = request
  const claims = nextLineage(subject, {
    actor: gatewayActor(tokens.issuer, server),
    clientId: GATEWAY,
    audience: server.url,
    scopes,
    now: nowSeconds(clock),
    grantEndsAt: Math.floor(grantedUntil(grant, server.key) / 1000),
  })
  const token = await tokens.mint(claims)
  return {
    headers: { authorization: `Bearer ${token}` },
    jti: claims.jti,
    expiresAt: claims.exp,
    ends: [endsOf(claims, token)],
  }
}
