import {
  type AccessToken,
  type Endable,
  parseAct,
  Refusal,
  SIGNING_ALGORITHM,
  TYP_ACCESS_TOKEN,
} from '@tetrapod/protocol'
import { createVerifier } from '@tetrapod/server-sdk'
import { type JWK, SignJWT } from 'jose'
import { type Clock, type Fault, nowSeconds } from '#kernel'
import { type Revocation, revocationFault } from '#revocation'
import type { Vault } from '#vault'
import { type LineageClaims, type Login, type MintedClaims, rootLineage } from './lineage.ts'
import { openSigningKeys } from './signing-keys.ts'
import type { SigningKeyStore } from './signing-key-store.ts'

/** Our own tokens: their keys, how they are made, whether one holds. */
export interface Tokens {
  readonly issuer: string
  /** What everybody may fetch (RFC 7517 §5). */
  readonly publicKeys: { readonly keys: readonly JWK[] }
  /** For the library that signs token 1, and for nobody else. The first one signs. */
  readonly privateKeys: { readonly keys: readonly JWK[] }
  /** The lineage claims of token 1. Throws `revocation.stale`. */
  root(login: Login): LineageClaims
  /**
   * Signs, and so issues. What is issued must be on record before. Throws Refusal `revoked` when something it would end with
   * was revoked meanwhile (writing the record takes time), and `revocation.stale` when nobody can tell.
   */
  mint(claims: MintedClaims): Promise<string>
  /**
   * Verifies an access token for one audience: everything that server-sdk's verifier asks and, since we issued it by our
   * own clock, that it has not expired by a second. Throws Refusal. Whether what stands behind it still lives is asked of
   * `broker` (`liveAuthority`).
   */
  verify(token: string, audience: string): Promise<AccessToken>
  /** Throws `revocation.stale` while nobody can tell what was revoked: then no token is accepted and none is given. */
  check(): void
  /** True when something that the token ends with was revoked (`revocablesOf`). Throws `revocation.stale`. */
  revoked(token: AccessToken): boolean
  /**
   * Calls `stop` once such a thing is revoked (Refusal `revoked`), or once nobody can tell any more (`revocation.stale`); at
   * once where it is so. Returns what ends the watch.
   */
  onRevoked(token: AccessToken, stop: (cause: Refusal | Fault) => void): () => void
}

export async function openTokens(deps: {
  readonly issuer: string
  readonly store: SigningKeyStore
  readonly vault: Vault
  readonly revocation: Revocation
  readonly clock: Clock
}): Promise<Tokens> {
  const { issuer, revocation, clock } = deps
  const keys = await openSigningKeys(deps)
  const [signing] = keys
  const byKid = new Map(keys.map((key) => [key.kid, key.publicKey]))
  const verifier = createVerifier({ issuer, keys: (kid) => byKid.get(kid), clock })
  const header = { alg: SIGNING_ALGORITHM, typ: TYP_ACCESS_TOKEN, kid: signing.kid }

  return {
    issuer,
    publicKeys: { keys: keys.map((key) => key.publicJwk) },
    privateKeys: { keys: keys.map((key) => key.privateJwk) },
    root(login) {
      revocation.check()
      return rootLineage(issuer, login)
    },
    async mint(claims) {
      if (revocation.ends(endable(claims, signing.kid))) throw revoked()
      return new SignJWT({ ...claims }).setProtectedHeader(header).sign(signing.privateKey)
    },
    async verify(token, audience) {
      const verified = await verifier.verify(token, audience)
      if (verified.expiresAt <= nowSeconds(clock)) throw new Refusal('expired', 'the token has expired')
      return verified
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

/** A token that is about to be signed, in the words of a verified one. */
function endable(claims: MintedClaims, keyId: string): Endable {
  return {
    issuer: claims.iss,
    subject: claims.sub,
    sessionId: claims.sid,
    jti: claims.jti,
    keyId,
    issuedAt: claims.iat,
    chain: parseAct(claims.act),
    delegation: claims.dlg,
  }
}
