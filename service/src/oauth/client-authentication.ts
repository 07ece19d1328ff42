import { createHash, timingSafeEqual } from 'node:crypto'
import {
  ASSERTION_TYPE_JWT,
  CLOCK_SKEW_SECONDS,
  parseClientAssertion,
  parseStrictJson,
  Refusal,
  SIGNING_ALGORITHM,
} from '@tetrapod/protocol'
import { compactVerify, decodeProtectedHeader, type JWTVerifyGetKey } from 'jose'
import { type Clock, Fault, hashed, isObject, nowSeconds, type Secret } from '#kernel'
import { fault } from './faults.ts'
import type { ReplayStore } from './state-store.ts'

/** A party of the catalogue that can prove who it is. */
export interface Client {
  readonly id: string
  readonly kind: 'agent' | 'server' | 'api'
  readonly proof: { readonly keys: JWTVerifyGetKey } | { readonly secret: Secret }
}

/** What a request carries to prove who sends it (RFC 6749 §2.3, RFC 7523 §2.2). */
export interface ClientProof {
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
  readonly client_assertion?: string | undefined
  readonly client_assertion_type?: string | undefined
  /** The `Authorization` header. */
  readonly authorization?: string | undefined
}

export interface ClientAuthenticationDeps {
  readonly issuer: string
  readonly find: (id: string) => Client | undefined
  readonly replay: ReplayStore
  readonly clock: Clock
}

/**
 * Authenticates the sender of a request by exactly one method, the one its catalogue entry has.
 *
 * Throws `oauth.client_unauthenticated` whatever is wrong: which part it was stays in the detail.
 */
export async function authenticateClient(
  proof: ClientProof,
  deps: ClientAuthenticationDeps,
): Promise<Client> {
  const { id, secret } = claimed(proof)
  const client = deps.find(id)
  if (client === undefined) throw refused('unknown client')
  if (secret !== undefined) {
    if (!('secret' in client.proof)) throw refused('the client has no secret')
    if (!equal(secret, client.proof.secret.reveal())) throw refused('wrong secret')
    return client
  }
  if (!('keys' in client.proof)) throw refused('the client has no key')
  await checkAssertion(proof.client_assertion ?? '', { id, keys: client.proof.keys }, deps)
  return client
}

/** Who the sender says it is, by the one method it uses. */
function claimed(proof: ClientProof): { readonly id: string; readonly secret: string | undefined } {
  const basic = proof.authorization === undefined ? undefined : basicCredentials(proof.authorization)
  const methods = [basic, proof.client_secret, proof.client_assertion].filter(
    (method) => method !== undefined,
  )
  if (methods.length !== 1) throw refused('exactly one authentication method')
  const id = basic?.id ?? (proof.client_assertion === undefined ? proof.client_id : assertedSubject(proof))
  if (id === undefined || (proof.client_id !== undefined && proof.client_id !== id))
    throw refused('client_id mismatch')
  return { id, secret: basic?.secret ?? proof.client_secret }
}

/** RFC 6749 §2.3.1: both parts form-encoded. */
function basicCredentials(authorization: string): { readonly id: string; readonly secret: string } {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1]
  const [id, secret] = encoded === undefined ? [] : splitOnce(Buffer.from(encoded, 'base64').toString(), ':')
  if (!id || !secret) throw refused('malformed Authorization header')
  return { id: formDecoded(id), secret: formDecoded(secret) }
}

function assertedSubject({ client_assertion = '', client_assertion_type }: ClientProof): string | undefined {
  if (client_assertion_type !== ASSERTION_TYPE_JWT) throw refused('client_assertion_type')
  try {
    const payload = parseStrictJson(Buffer.from(client_assertion.split('.')[1] ?? '', 'base64url'))
    return isObject(payload) && typeof payload['sub'] === 'string' ? payload['sub'] : undefined
  } catch (cause) {
    throw refused('the assertion is not a JWT', cause)
  }
}

async function checkAssertion(
  assertion: string,
  { id, keys }: { readonly id: string; readonly keys: JWTVerifyGetKey },
  { issuer, replay, clock }: ClientAuthenticationDeps,
): Promise<void> {
  const now = nowSeconds(clock)
  try {
    const { payload } = await compactVerify(assertion, keys, { algorithms: [SIGNING_ALGORITHM] })
    const claims = parseStrictJson(payload)
    const { typ } = decodeProtectedHeader(assertion)
    const { jti, expiresAt } = parseClientAssertion(typ, claims, { issuer, clientId: id, now })
    if (!(await replay.use(replayKey(id, jti), expiresAt + CLOCK_SKEW_SECONDS, now)))
      throw new Refusal('replay', 'used before')
  } catch (cause) {
    // The client's keys could not be fetched: that says nothing of the assertion.
    if (cause instanceof Fault) throw cause
    throw refused('the assertion does not hold', cause)
  }
}

/** As the library computes it, so that an assertion used at one of its endpoints is used up at ours, and the reverse. */
function replayKey(issuer: string, jti: string): string {
  return hashed(`${issuer}${jti}`)
}

function refused(detail: string, cause?: unknown) {
  return fault.client_unauthenticated({ detail, cause })
}

function equal(a: string, b: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(a), digest(b))
}

function splitOnce(value: string, separator: string): readonly [string, string] | readonly [] {
  const at = value.indexOf(separator)
  return at === -1 ? [] : [value.slice(0, at), value.slice(at + 1)]
}

function formDecoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', '%20'))
  } catch (cause) {
    throw refused('malformed Authorization header', cause)
  }
}
