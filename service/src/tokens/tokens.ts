import {
  type AccessToken,
  type Delegation,
  Refusal,
  SIGNING_ALGORITHM,
  TYP_ACCESS_TOKEN,
} from '@tetrapod/protocol'
import { createVerifier } from '@tetrapod/server-sdk'
import { type JWK, SignJWT } from 'jose'
import { type Clock, nowSeconds } from '#kernel'
import type { Revocable, Revocation } from '#revocation'
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
  /** The lineage claims of token 1. */
  root(login: Login): LineageClaims
  /**
   * Signs, and so issues. What is issued must be on record before. Throws Refusal `revoked` when grant or login were
   * revoked meanwhile: writing the record takes time.
   */
  mint(claims: MintedClaims): Promise<string>
  /**
   * Verifies an access token for one audience: everything that server-sdk's verifier asks and, since we issued it by our
   * own clock, that it has not expired by a second. Throws Refusal. Whether what stands behind it still lives is asked of
   * `broker` (`liveAuthority`).
   */
  verify(token: string, audience: string): Promise<AccessToken>
  /** True when the grant of a token, or the login it came from, was revoked. */
  revoked(token: AccessToken): boolean
  /** Calls `stop` once the grant or the login of a verified token is revoked; at once where it is. Returns what ends the watch. */
  onRevoked(token: AccessToken, stop: () => void): () => void
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
  const gone = (delegation: Delegation, session: string) =>
    revocables(delegation, session).some(([kind, id]) => revocation.revoked(kind, id))
  const header = { alg: SIGNING_ALGORITHM, typ: TYP_ACCESS_TOKEN, kid: signing.kid }

  return {
    issuer,
    publicKeys: { keys: keys.map((key) => key.publicJwk) },
    privateKeys: { keys: keys.map((key) => key.privateJwk) },
    root: (login) => rootLineage(issuer, login),
    async mint(claims) {
      if (gone(claims.dlg, claims.sid)) throw new Refusal('revoked', 'its grant or its login was revoked')
      return new SignJWT({ ...claims }).setProtectedHeader(header).sign(signing.privateKey)
    },
    async verify(token, audience) {
      const verified = await verifier.verify(token, audience)
      if (verified.expiresAt <= nowSeconds(clock)) throw new Refusal('expired', 'the token has expired')
      return verified
    },
    revoked: ({ delegation, sessionId }) => gone(delegation, sessionId),
    onRevoked: ({ delegation, sessionId }, stop) => revocation.watch(revocables(delegation, sessionId), stop),
  }
}

/** What a token ends with. */
function revocables({ gid, anc }: Delegation, session: string): readonly Revocable[] {
  return [
    ['grant', gid],
    ['family', anc[0] ?? ''],
    ['session', session],
  ]
}
