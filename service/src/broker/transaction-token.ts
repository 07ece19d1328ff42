import type { Endable, TransactionToken } from '@tetrapod/protocol'
import type { Server } from '#servers'
import { endsOf, type MintedClaims, type Tokens, transactionClaims } from '#tokens'

/** A transaction token, when it expires (seconds since the epoch), and what it ends with. */
export interface MintedTransaction {
  readonly token: string
  readonly expiresAt: number
  readonly ends: Endable
}

/**
 * The transaction token that carries the chain to a party of the trust domain, beside the credential of these claims, or
 * `alone` where that credential is not ours. Undefined: the party is outside, and is told nothing.
 *
 * Throws Refusal `revoked`, and `revocation.stale`.
 */
export async function transactionFor(
  { key, internal }: { readonly key: string; readonly internal: boolean },
  hop: MintedClaims,
  { tokens, alone }: { readonly tokens: Pick<Tokens, 'mintTransaction'>; readonly alone: boolean },
): Promise<MintedTransaction | undefined> {
  if (!internal) return undefined
  const claims = transactionClaims(hop, { to: key, alone })
  const token = await tokens.mintTransaction(claims)
  return { token, expiresAt: claims.exp, ends: endsOf(claims, token) }
}

/**
 * Steps 6 and 7 of an exchange, for a transaction token: a server presents the one that names it, and tells so who called
 * it with a credential that does not say. Throws Refusal.
 */
export function transactionSubject(
  { key }: Server,
  token: string,
  { tokens }: { readonly tokens: Pick<Tokens, 'verifyTransaction'> },
): Promise<TransactionToken> {
  return tokens.verifyTransaction(token, key)
}
