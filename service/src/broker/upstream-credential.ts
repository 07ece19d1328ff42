import {
  type AccessToken,
  type Actor,
  type Endable,
  GATEWAY,
  HEADER_TRANSACTION_TOKEN,
  Refusal,
  type Scopes,
} from '@tetrapod/protocol'
import { type Clock, nowSeconds } from '#kernel'
import { type Grant, grantedUntil } from '#grants'
import type { Server } from '#servers'
import { endsOf, type MintedClaims, nextLineage, type Tokens } from '#tokens'
import { transactionFor } from './transaction-token.ts'

/** What the gateway sends upstream: request headers. */
export interface UpstreamCredential {
  readonly headers: Readonly<Record<string, string>>
  /** When the first of the headers expires, in seconds since the epoch. */
  readonly expiresAt: number
  /** What the tokens in the headers end with; where none is ours, what the call itself does. */
  readonly ends: readonly [Endable, ...Endable[]]
}

/** For whom, under which grant, to which server, for which scopes of its. */
export interface CredentialRequest {
  /** Token 1, verified for the mount of this server. */
  readonly subject: AccessToken
  readonly grant: Grant
  readonly server: Server
  readonly scopes: Scopes
}

interface UpstreamDeps {
  readonly tokens: Pick<Tokens, 'issuer' | 'mint' | 'mintTransaction' | 'revoked'>
  readonly clock: Clock
}

/** The gateway's node in a chain: it acts as the mount it was called at. */
function gatewayActor(issuer: string, server: Server): Actor {
  return { iss: issuer, sub: server.mount, client_id: GATEWAY }
}

/**
 * What the gateway calls the server with: token 2, or what the operator keeps for it, or nothing; and for an internal server
 * the transaction token that carries the chain beside whichever it is. Minted in process from token 1, which the gateway has
 * verified for this mount, with the scopes of this one operation. The caller has the decision on record before.
 *
 * Throws Refusal `depth`, `loop`, `subject`, and `revoked`, whatever the pattern.
 */
export async function upstreamCredential(
  request: CredentialRequest,
  deps: UpstreamDeps,
): Promise<UpstreamCredential> {
  const { server } = request
  const { tokens } = deps
  const claims = claimsOf(request, deps)
  const alone = server.upstream.pattern !== 'token_exchange'
  const [credential, transaction] = await Promise.all([
    withoutChain(claims, request, deps),
    transactionFor(server, claims, { tokens, alone }),
  ])
  if (transaction === undefined) return credential
  return {
    headers: { ...credential.headers, [HEADER_TRANSACTION_TOKEN]: transaction.token },
    expiresAt: Math.min(credential.expiresAt, transaction.expiresAt),
    ends: [...credential.ends, transaction.ends],
  }
}

/** The claims of token 2, whether it is minted or not. */
function claimsOf(
  { subject, grant, server, scopes }: CredentialRequest,
  { tokens, clock }: UpstreamDeps,
): MintedClaims {
  return nextLineage(subject, {
    actor: gatewayActor(tokens.issuer, server),
    clientId: GATEWAY,
    audience: server.url,
    scopes,
    now: nowSeconds(clock),
    grantEndsAt: Math.floor(grantedUntil(grant, server.key) / 1000),
  })
}

/** What it is called with, whatever it is told of the chain. */
async function withoutChain(
  claims: MintedClaims,
  { subject, server: { upstream } }: CredentialRequest,
  { tokens }: UpstreamDeps,
): Promise<UpstreamCredential> {
  if (upstream.pattern === 'token_exchange') {
    const token = await tokens.mint(claims)
    const headers = { authorization: `Bearer ${token}` }
    return { headers, expiresAt: claims.exp, ends: [endsOf(claims, token)] }
  }
  // The record took time to write, and what is not minted asks nobody.
  if (tokens.revoked(subject)) throw new Refusal('revoked', 'something that it ends with was revoked')
  const headers = upstream.pattern === 'pre_injected' ? { [upstream.header]: upstream.value.reveal() } : {}
  return { headers, expiresAt: claims.exp, ends: [subject] }
}
