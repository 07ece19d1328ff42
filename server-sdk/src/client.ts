import { randomUUID } from 'node:crypto'
import {
  ASSERTION_TYPE_JWT,
  type Clock,
  nowSeconds,
  SIGNING_ALGORITHM,
  TYP_CLIENT_ASSERTION,
} from '@tetrapod/protocol'
import { SignJWT } from 'jose'
import type { ClientKey } from './client-key.ts'

/** Who this server or API is when it asks for the next token or follows the revocation feed: its catalogue key, and what proves it. */
export type Client =
  { readonly id: string; readonly key: ClientKey } | { readonly id: string; readonly secret: string }

const ASSERTION_SECONDS = 60

/** The form members that authenticate a client: `private_key_jwt` (RFC 7523 §2.2) or its secret (RFC 6749 §2.3.1). */
export async function clientAuthentication(
  client: Client,
  issuer: string,
  clock: Clock,
): Promise<Readonly<Record<string, string>>> {
  if ('secret' in client) return { client_id: client.id, client_secret: client.secret }
  return {
    client_id: client.id,
    client_assertion_type: ASSERTION_TYPE_JWT,
    client_assertion: await assertion(client.id, client.key, issuer, nowSeconds(clock)),
  }
}

/** The same proof for a request without a form: the assertion as Bearer, or the secret as Basic (RFC 6749 §2.3.1). */
export async function clientAuthorization(client: Client, issuer: string, clock: Clock): Promise<string> {
  if ('key' in client) return `Bearer ${await assertion(client.id, client.key, issuer, nowSeconds(clock))}`
  return `Basic ${Buffer.from(`${formEncoded(client.id)}:${formEncoded(client.secret)}`).toString('base64')}`
}

function formEncoded(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1)
}

/** RFC 7523bis: the issuer is the sole audience, so that an assertion is of no use at another server. */
function assertion(id: string, { kid, privateKey }: ClientKey, issuer: string, now: number): Promise<string> {
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: TYP_CLIENT_ASSERTION, kid })
    .setIssuer(id)
    .setSubject(id)
    .setAudience(issuer)
    .setIssuedAt(now)
    .setExpirationTime(now + ASSERTION_SECONDS)
    .sign(privateKey)
}
