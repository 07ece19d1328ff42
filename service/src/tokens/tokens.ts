import { type AccessToken, Refusal, SIGNING_ALGORITHM, TYP_ACCESS_TOKEN } from '@tetrapod/protocol'
import { createVerifier } from '@tetrapod/server-sdk'
import { decodeJwt, type JWK, SignJWT } from 'jose'
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
  /**
   * Reads a token of ours for whom it never was: to whom it belongs, so that they can take it back. Verifies all but the
   * audience, and gives the minute of clock skew that those who accept it give. Throws Refusal.
   */
  identify(token: string): Promise<AccessToken>
  /** True when the token was revoked, or what it came from: its grant, its login, a token before it. */
  revoked(token: AccessToken): boolean
  /** Calls `stop` once a verified token is revoked, or what it came from; at once where it is. Returns what ends the watch. */
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
  const revoked = (token: Traced) => revocables(token).some(([kind, id]) => revocation.revoked(kind, id))
  const header = { alg: SIGNING_ALGORITHM, typ: TYP_ACCESS_TOKEN, kid: signing.kid }

  return {
    issuer,
    publicKeys: { keys: keys.map((key) => key.publicJwk) },
    privateKeys: { keys: keys.map((key) => key.privateJwk) },
    root: (login) => rootLineage(issuer, login),
    async mint(claims) {
      if (revoked({ jti: claims.jti, delegation: claims.dlg }))
        throw new Refusal('revoked', 'what it comes from was revoked')
      return new SignJWT({ ...claims }).setProtectedHeader(header).sign(signing.privateKey)
    },
    async verify(token, audience) {
      const verified = await verifier.verify(token, audience)
      if (verified.expiresAt <= nowSeconds(clock)) throw new Refusal('expired', 'the token has expired')
      return verified
    },
    async identify(token) {
      return verifier.verify(token, claimedAudience(token))
    },
    revoked,
    onRevoked: (token, stop) => revocation.watch(revocables(token), stop),
  }
}

/** What says where a token comes from. */
type Traced = Pick<AccessToken, 'jti' | 'delegation'>

/** The audience that a token names, unverified. */
function claimedAudience(token: string): string {
  try {
    return String(decodeJwt(token).aud)
  } catch {
    throw new Refusal('malformed', 'not a JWT')
  }
}

/** What a token ends with: its grant, its login, every token that it came from, itself. */
function revocables({ jti, delegation: { gid, anc } }: Traced): readonly Revocable[] {
  const [family = '', ...ancestors] = anc
  const tokens = [...ancestors, jti].map((id) => ['token', id] as const)
  return [['grant', gid], ['family', family], ...tokens]
}
