import {
  type AccessToken,
  type Actor,
  GATEWAY,
  HEADER_TRANSACTION_TOKEN,
  Refusal,
  type Scopes,
} from '@tetrapod/protocol'
import { type Clock, nowSeconds } from '#kernel'
import { type Grant, grantedUntil } from '#grants'
import type { Server } from '#servers'
import { type MintedClaims, nextLineage, type Tokens } from '#tokens'
import { transactionFor } from './transaction-token.ts'

/** What the gateway sends upstream: request headers. */
export interface UpstreamCredential {
  readonly headers: RequestHeaders
}

type RequestHeaders = Readonly<Record<string, string>>

interface UpstreamDeps {
  readonly tokens: Pick<Tokens, 'issuer' | 'mint' | 'mintTransaction' | 'revoked'>
  readonly clock: Clock
}

/** The gateway's node in a chain: it acts as the mount it was called at. */
export function gatewayActor(issuer: string, server: Server): Actor {
  return { iss: issuer, sub: server.mount, client_id: GATEWAY }
}

/**
 * What the gateway calls the server with: token 2, or what the operator keeps for it, or nothing; and for an internal server
 * the transaction token that carries the chain beside whichever it is. Minted in process from token 1, which the gateway has
 * verified for this mount, with the scopes of this one operation. The caller has the decision on record before.
 *
 * Throws Refusal `depth`, `loop`, `subject`, and `revoked` whatever the pattern.
 */
export async function upstreamCredential(
  request: {
    readonly subject: AccessToken
    readonly grant: Grant
    readonly server: Server
    readonly scopes: Scopes
  },
  deps: UpstreamDeps,
): Promise<UpstreamCredential> {
  const { subject, grant, server, scopes } = request
  const { tokens, clock } = deps
  const claims = nextLineage(subject, {
    actor: gatewayActor(tokens.issuer, server),
    clientId: GATEWAY,
    audience: server.url,
    scopes,
    now: nowSeconds(clock),
    grantEndsAt: Math.floor(grantedUntil(grant, server.key) / 1000),
  })
  // The record took time to write, and a credential that is not ours asks nobody.
  if (tokens.revoked(subject)) throw new Refusal('revoked', 'something that it ends with was revoked')
  const alone = server.upstream.pattern !== 'token_exchange'
  const [credential, transaction] = await Promise.all([
    withoutChain(claims, server, deps),
    transactionFor(server, claims, { tokens, alone }),
  ])
  const chain = transaction === undefined ? {} : { [HEADER_TRANSACTION_TOKEN]: transaction }
  return { headers: { ...credential, ...chain } }
}

/** What it is called with, whatever it is told of the chain. */
async function withoutChain(
  claims: MintedClaims,
  { upstream }: Server,
  { tokens }: UpstreamDeps,
): Promise<RequestHeaders> {
  switch (upstream.pattern) {
    case 'token_exchange':
      return { authorization: `Bearer ${await tokens.mint(claims)}` }
    case 'pre_injected':
      return { [upstream.header]: upstream.value.reveal() }
    case 'none':
      return {}
  }
}
