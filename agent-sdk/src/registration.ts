import { isObject } from '@tetrapod/protocol'
import type { Client, Proof } from './client.ts'
import type { ClientKey } from './client-key.ts'
import type { TokenStore } from './token-store.ts'

/** How an agent is registered at one authorization server, and until when. */
export interface Registration {
  readonly client: Client
  /** The redirect URI it registered: with another one it registers anew. */
  readonly redirectUri: string
  /** Seconds since the epoch; undefined: until the server forgets it. */
  readonly expiresAt: number | undefined
}

/** Keeps a registration under the issuer that gave it. Its key is not kept here: the application has it. */
export function saveRegistration(
  store: TokenStore,
  issuer: string,
  { client, ...registration }: Registration,
): Promise<void> {
  const { proof } = client
  const secret = 'secret' in proof ? proof.secret : undefined
  const kid = 'key' in proof ? proof.key.kid : undefined
  const value = { ...registration, clientId: client.id, method: proof.method, secret, kid }
  return store.save({ issuer }, JSON.stringify(value))
}

/** The registration at an issuer, if it still is one of this agent: of this redirect URI, this key, not expired. */
export async function loadRegistration(
  store: TokenStore,
  issuer: string,
  agent: {
    readonly redirectUri: string
    readonly key?: ClientKey | undefined
    readonly nowSeconds: number
  },
): Promise<Client | undefined> {
  const value = parsed(await store.load({ issuer }))
  const { clientId, expiresAt, redirectUri } = value
  if (typeof clientId !== 'string' || redirectUri !== agent.redirectUri) return undefined
  if (typeof expiresAt === 'number' && expiresAt <= agent.nowSeconds) return undefined
  const proof = proofOf(value, agent.key)
  return proof === undefined ? undefined : { id: clientId, proof }
}

function proofOf(
  { method, secret, kid }: Readonly<Record<string, unknown>>,
  key: ClientKey | undefined,
): Proof | undefined {
  if (method === 'none') return { method }
  if (method === 'private_key_jwt') {
    return key !== undefined && kid === key.kid ? { method, key } : undefined
  }
  const withSecret = method === 'client_secret_basic' || method === 'client_secret_post'
  return withSecret && typeof secret === 'string' ? { method, secret } : undefined
}

function parsed(value: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(value ?? '{}')
    return isObject(read) ? read : {}
  } catch {
    return {}
  }
}
