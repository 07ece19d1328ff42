import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { SIGNING_ALGORITHM } from '@tetrapod/protocol'

/** An agent's own private key (ES256, RFC 7517). Keep it where the agent's other secrets are. */
export interface ClientKey extends JWK {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly d: string
  /** The key's thumbprint (RFC 7638). */
  readonly kid: string
}

/** A new key for an agent. Its {@link publicJwks} are what you register at the authorization server. */
export async function generateClientKey(): Promise<ClientKey> {
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
  const { x = '', y = '', d = '' } = await exportJWK(privateKey)
  const key = { kty: 'EC', crv: 'P-256', x, y, d } as const
  return { ...key, kid: await calculateJwkThumbprint(key) }
}

/** The public half of a key, as a JWK set (RFC 7517 §5). */
export function publicJwks({ kty, crv, x, y, kid }: ClientKey): { readonly keys: readonly JWK[] } {
  return { keys: [{ kty, crv, x, y, kid, alg: SIGNING_ALGORITHM, use: 'sig' }] }
}
