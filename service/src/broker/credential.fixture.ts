import { type AccessToken, parseAccessToken, revocablesOf } from '@tetrapod/protocol'
import type { Grant } from '#grants'
import type { Server } from '#servers'
import type { MintedClaims, TransactionClaims } from '#tokens'
import { createCredentialCache } from './credential-cache.ts'
import { type CredentialRequest, upstreamCredential } from './upstream-credential.ts'

export const ISSUER = 'https://gw.example'
/** Seconds since the epoch. */
export const NOW = 1_800_000_000

export const server: Server = {
  key: 'crm',
  name: 'Customers',
  url: 'https://crm.internal/mcp',
  mount: `${ISSUER}/crm/mcp`,
  internal: false,
  upstream: { pattern: 'token_exchange' },
  credential: undefined,
  calls: {},
  scopes: {},
  tools: {},
}

export const tokenOne = {
  iss: ISSUER,
  aud: server.mount,
  sub: 'u1',
  client_id: 'planner',
  jti: 'jti-1',
  iat: NOW,
  exp: NOW + 300,
  scope: 'crm.read crm.write',
  auth_time: NOW,
  acr: 'pwd',
  sid: 'session-1',
  sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'alice' },
  txn: 'txn-1',
  act: { iss: ISSUER, sub: 'planner' },
  dlg: { gid: 'g1', hop: 1, rem: 7, anc: ['family-1'] },
}

export const grant: Grant = {
  id: 'g1',
  version: 1,
  user: 'u1',
  agent: 'planner',
  mounts: {},
  redirectUris: [],
  createdAt: 0,
  expiresAt: (NOW + 86_400) * 1000,
  revokedAt: undefined,
}

/** Token 1 as the gateway verified it. */
export function verified(claims: object = tokenOne): AccessToken {
  const header = { typ: 'at+jwt', kid: 'k1' }
  return parseAccessToken(header, claims, { issuer: ISSUER, audience: server.mount, now: NOW })
}

export function requestOf(change: Partial<CredentialRequest> = {}): CredentialRequest {
  return { subject: verified(), grant, server, scopes: new Set(['crm.read']), ...change }
}

/** A cache in front of the real thing, whose clock, keys and revocations a test plays. */
export function openCache(options: { readonly entriesMax?: number } = {}) {
  const played = { now: NOW * 1000, elapsed: 0, keyId: 'k1', signing: Promise.resolve() }
  const minted: MintedClaims[] = []
  const revoked = new Set<string>()
  const failures: Error[] = []
  const clock = { now: () => played.now }
  const tokens = {
    issuer: ISSUER,
    mint: async (claims: MintedClaims) => {
      const failure = failures.pop()
      if (failure !== undefined) throw failure
      minted.push(claims)
      await played.signing
      return signedBy(played.keyId, claims.jti)
    },
    mintTransaction: async (claims: TransactionClaims) => signedBy(played.keyId, claims.jti),
    revoked: (token: Parameters<typeof revocablesOf>[0]) =>
      revocablesOf(token).some(({ kind, id }) => revoked.has(`${kind} ${id}`)),
  }
  const obtain = createCredentialCache({
    obtain: (request) => upstreamCredential(request, { tokens, clock }),
    tokens,
    clock,
    elapsed: () => played.elapsed,
    ...options,
  })
  return {
    obtain,
    played,
    minted,
    /** `kind id` of what was revoked. */
    revoked,
    /** What the next mints throw. */
    failures,
    /** Time goes by, for the clock too. */
    pass(seconds: number) {
      played.now += seconds * 1000
      played.elapsed += seconds * 1000
    },
  }
}

/** Looks like a token: its header names the key. */
export function signedBy(kid: string, jti: string): string {
  return `${Buffer.from(JSON.stringify({ alg: 'ES256', kid })).toString('base64url')}.${jti}.`
}
