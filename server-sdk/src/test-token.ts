import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Clock, SigningAlgorithm } from '@tetrapod/protocol'

// Tokens as the issuer of a test signs them, and everything an attacker could sign instead.

/** A time that stands still until the test moves it. */
export interface TestClock extends Clock {
  pass(seconds: number): void
}

export const START_SECONDS = 1_800_000_000

export function testClock(seconds: number = START_SECONDS): TestClock {
  let now = seconds * 1000
  return { now: () => now, pass: (seconds) => (now += seconds * 1000) }
}

export interface TestKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly publicJwk: JWK
}

export async function testKey(kid: string, alg: SigningAlgorithm = 'ES256'): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    kid,
    privateKey,
    publicKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
  }
}

export type Claims = Readonly<Record<string, unknown>>

/** The claims of token 2 of the worked chain: the user `u1`, the agent `planner`, the gateway, for the server `crm`. */
export function testClaims(issuer: string, audience: string, overrides: Claims = {}): Claims {
  return {
    iss: issuer,
    aud: audience,
    sub: 'u1',
    client_id: 'gateway',
    jti: 'jti-2',
    iat: START_SECONDS,
    exp: START_SECONDS + 300,
    scope: 'crm.read',
    auth_time: START_SECONDS - 60,
    acr: 'urn:example:pwd',
    sid: 'session-1',
    sub_id: { format: 'iss_sub', iss: 'https://idp.example', sub: 'alice' },
    txn: 'txn-1',
    act: {
      iss: issuer,
      sub: 'https://gw.example/crm/mcp',
      client_id: 'gateway',
      act: { iss: issuer, sub: 'planner' },
    },
    dlg: { gid: 'grant-1', hop: 2, rem: 5, anc: ['family-1', 'jti-1'] },
    ...overrides,
  }
}

/** Signs claims, or any bytes, under any header: what the header says is not what the key is. */
export async function signed(
  payload: Claims | Uint8Array,
  key: Pick<TestKey, 'kid' | 'privateKey'>,
  header: Claims = {},
): Promise<string> {
  const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload))
  return new CompactSign(bytes)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header })
    .sign(key.privateKey)
}

/** The same token under another header, its signature untouched: for what must be refused before any cryptography. */
export function reheaded(token: string, change: Claims): string {
  const [encoded = '', payload = '', signature = ''] = token.split('.')
  const header = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as Claims
  return [base64url(JSON.stringify({ ...header, ...change })), payload, signature].join('.')
}

export function base64url(value: string): string {
  return Buffer.from(value).toString('base64url')
}

/** The claims of the transaction token that was issued beside token 2, for `crm`. */
export function testTransactionClaims(issuer: string, overrides: Claims = {}): Claims {
  const { client_id: requester, ...lasting } = testClaims(issuer, new URL(issuer).host)
  return {
    ...lasting,
    jti: 'txn-jti',
    exp: START_SECONDS + 60,
    req_wl: requester,
    dlg: { gid: 'grant-1', hop: 2, rem: 5, anc: ['family-1', 'jti-1', 'jti-2'], to: 'crm' },
    ...overrides,
  }
}
