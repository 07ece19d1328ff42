import { type AccessToken, Refusal, TYP_ACCESS_TOKEN } from '@tetrapod/protocol'
import { createVerifier } from '@tetrapod/server-sdk'
import { decodeJwt, SignJWT } from 'jose'
import { nowSeconds } from '#kernel'
import type { Revocable } from '#revocation'
import { type LineageClaims, type Login, type MintedClaims, rootLineage } from './lineage.ts'
import type { SigningKey } from './signing-key.ts'
import { openSigningKeys, type SigningKeys, type SigningKeysDeps } from './signing-keys.ts'

/** Our own tokens: their keys, how they are made, whether one holds. */
export interface Tokens {
  readonly issuer: string
  /** What signs, and what verifies. Private parts are for the library that signs token 1, and for nobody else. */
  readonly keys: SigningKeys
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
  /** Calls `stop` once a verified token is revoked, or what it came from or was signed with; at once where it is. Returns what ends the watch. */
  onRevoked(token: AccessToken, stop: () => void): () => void
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
  const revoked = (token: Traced) => revocables(token).some(([kind, id]) => revocation.revoked(kind, id))

  return {
    issuer,
    keys,
    root: (login) => rootLineage(issuer, login),
    async mint(claims) {
      const { signing } = await keys.current()
      if (revoked({ jti: claims.jti, delegation: claims.dlg, keyId: signing.kid }))
        throw new Refusal('revoked', 'what it comes from was revoked')
      const header = { alg: signing.algorithm, typ: TYP_ACCESS_TOKEN, kid: signing.kid }
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
type Traced = Pick<AccessToken, 'jti' | 'delegation' | 'keyId'>

/** The audience that a token names, unverified. */
function claimedAudience(token: string): string {
  try {
    return String(decodeJwt(token).aud)
  } catch {
    throw new Refusal('malformed', 'not a JWT')
  }
}

/** What a token ends with: its grant, its login, every token that it came from, itself, the key that signed it. */
function revocables({ jti, keyId, delegation: { gid, anc } }: Traced): readonly Revocable[] {
  const [family = '', ...ancestors] = anc
  const tokens = [...ancestors, jti].map((id) => ['token', id] as const)
  const key = keyId === undefined ? [] : [['key', keyId] as const]
  return [['grant', gid], ['family', family], ...tokens, ...key]
}
