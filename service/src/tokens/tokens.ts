import {
  type AccessToken,
  type Endable,
  type Lineage,
  parseAct,
  Refusal,
  type TransactionToken,
  TYP_ACCESS_TOKEN,
  TYP_TRANSACTION_TOKEN,
} from '@tetrapod/protocol'
import { createVerifier } from '@tetrapod/server-sdk'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { type Fault, nowSeconds } from '#kernel'
import { revocationFault } from '#revocation'
import {
  type LineageClaims,
  type Login,
  type MintedClaims,
  rootLineage,
  type TransactionClaims,
} from './lineage.ts'
import type { SigningKey } from './signing-key.ts'
import { openSigningKeys, type SigningKeys, type SigningKeysDeps } from './signing-keys.ts'

/** Our own tokens: their keys, how they are made, whether one holds. */
export interface Tokens {
  readonly issuer: string
  /** What signs, and what verifies. Private parts are for the library that signs token 1, and for nobody else. */
  readonly keys: SigningKeys
  /** The lineage claims of token 1. Throws `revocation.stale`. */
  root(login: Login): LineageClaims
  /**
   * Signs, and so issues. What is issued must be on record before. Throws Refusal `revoked` when something it would end with
   * was revoked meanwhile (writing the record takes time), and `revocation.stale` when nobody can tell.
   */
  mint(claims: MintedClaims): Promise<string>
  /** The same for a transaction token. */
  mintTransaction(claims: TransactionClaims): Promise<string>
  /**
   * Verifies an access token for one audience: everything that server-sdk's verifier asks and, since we issued it by our
   * own clock, that it has not expired by a second. Throws Refusal. Whether what stands behind it still lives is asked of
   * `broker` (`liveAuthority`).
   */
  verify(token: string, audience: string): Promise<AccessToken>
  /** The same for a transaction token, which `to` alone may exchange. */
  verifyTransaction(token: string, to: string): Promise<TransactionToken>
  /**
   * Reads a token of ours for whom it never was: to whom it belongs, so that they can take it back. Verifies all but the
   * audience, and gives the minute of clock skew that those who accept it give. Throws Refusal.
   */
  identify(token: string): Promise<AccessToken>
  /** Throws `revocation.stale` while nobody can tell what was revoked: then no token is accepted and none is given. */
  check(): void
  /** True when something that the token ends with was revoked (`revocablesOf`). Throws `revocation.stale`. */
  revoked(token: Endable): boolean
  /**
   * Calls `stop` once such a thing is revoked (Refusal `revoked`), or once nobody can tell any more (`revocation.stale`); at
   * once where it is so. Returns what ends the watch.
   */
  onRevoked(token: AccessToken, stop: (cause: Refusal | Fault) => void): () => void
}

export async function openTokens(deps: SigningKeysDeps & { readonly issuer: string }): Promise<Tokens> {
  const { issuer, revocation, clock } = deps
  const keys = await openSigningKeys(deps)
  const publicKey = (key: SigningKey | undefined) => key?.publicKey
  const verifier = createVerifier({
    issuer,
    keys(kid) {
      const found = keys.find(kid)
      return found instanceof Promise ? found.then(publicKey) : publicKey(found)
    },
    clock,
  })

  const signed = async (claims: MintedClaims | TransactionClaims, typ: string): Promise<string> => {
    const { signing } = await keys.current()
    if (revocation.ends(endable(claims, signing.kid))) throw revoked()
    const header = { alg: signing.algorithm, typ, kid: signing.kid }
    return new SignJWT({ ...claims }).setProtectedHeader(header).sign(signing.privateKey)
  }
  /** By our own clock, without the minute that others are given. */
  const unexpired = <Token extends Lineage>(token: Token): Token => {
    if (token.expiresAt <= nowSeconds(clock)) throw new Refusal('expired', 'the token has expired')
    return token
  }

  return {
    issuer,
    keys,
    root(login) {
      revocation.check()
      return rootLineage(issuer, login)
    },
    mint: (claims) => signed(claims, TYP_ACCESS_TOKEN),
    mintTransaction: (claims) => signed(claims, TYP_TRANSACTION_TOKEN),
    async verify(token, audience) {
      return unexpired(await verifier.verify(token, audience))
    },
    async verifyTransaction(token, to) {
      return unexpired(await verifier.verifyTransaction(token, to))
    },
    async identify(token) {
      return verifier.verify(token, claimedAudience(token))
    },
    check: () => revocation.check(),
    revoked: (token) => revocation.ends(token),
    onRevoked: (token, stop) =>
      revocation.watch(token, (why) => stop(why === 'stale' ? revocationFault.stale() : revoked())),
  }
}

function revoked(): Refusal {
  return new Refusal('revoked', 'something that it ends with was revoked')
}

/** The audience that a token names, unverified. */
function claimedAudience(token: string): string {
  try {
    return String(decodeJwt(token).aud)
  } catch {
    throw new Refusal('malformed', 'not a JWT')
  }
}

/** What a token ends with that was just minted from these claims, in the words of a verified one. */
export function endsOf(claims: MintedClaims | TransactionClaims, token: string): Endable {
  return endable(claims, String(decodeProtectedHeader(token).kid))
}

/** A token that is about to be signed, in the words of a verified one. */
function endable(claims: MintedClaims | TransactionClaims, keyId: string): Endable {
  return {
    issuer: claims.iss,
    audience: claims.aud,
    account: claims.dlg.sub ?? claims.sub,
    sessionId: claims.sid,
    jti: claims.jti,
    keyId,
    issuedAt: claims.iat,
    chain: parseAct(claims.act),
    delegation: claims.dlg,
  }
}
