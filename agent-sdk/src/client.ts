import { importJWK } from 'jose'
import { type ClientAuth, ClientSecretPost, modifyAssertion, None, PrivateKeyJwt } from 'oauth4webapi'
import { SIGNING_ALGORITHM, TYP_CLIENT_ASSERTION } from '@tetrapod/protocol'
import type { ClientKey } from './client-key.ts'

/** How a client proves itself at the token endpoint (RFC 7591 §2). */
export type Proof =
  | { readonly method: 'none' }
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly key: ClientKey }

/** Who the agent is at one authorization server, and at no other. */
export interface Client {
  readonly id: string
  readonly proof: Proof
}

/**
 * The proof for one request. An assertion's only audience is the issuer (rfc7523bis), so that no other server can use
 * it; each has an id of its own.
 */
export async function clientAuthentication(proof: Proof): Promise<ClientAuth> {
  if (proof.method === 'none') return None()
  if (proof.method === 'private_key_jwt') return assertionOf(proof.key)
  return proof.method === 'client_secret_basic' ? basic(proof.secret) : ClientSecretPost(proof.secret)
}

/**
 * RFC 6749 §2.3.1: id and secret are form-encoded, then a Basic credential. Encoded as a form is, and no further:
 * there are servers that do not decode.
 */
function basic(secret: string): ClientAuth {
  return (_server, { client_id: id }, _body, headers) => {
    const [user, password] = [id, secret].map((value) =>
      new URLSearchParams({ value }).toString().slice('value='.length),
    )
    headers.set('authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`)
  }
}

async function assertionOf(key: ClientKey): Promise<ClientAuth> {
  const imported = await importJWK({ ...key }, SIGNING_ALGORITHM)
  if (imported instanceof Uint8Array) throw new TypeError('an agent key is an EC key')
  return PrivateKeyJwt({ key: imported, kid: key.kid }, { [modifyAssertion]: setType })
}

function setType(header: Record<string, unknown>): void {
  header['typ'] = TYP_CLIENT_ASSERTION
}
