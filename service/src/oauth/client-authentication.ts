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
import { secretMatches } from './client-secret.ts'
import { fault } from './faults.ts'
import type { ReplayStore } from './state-store.ts'

/** A party that can prove who it is; or a public agent, which cannot. */
export interface Client {
  readonly id: string
  readonly kind: 'agent' | 'server' | 'api'
  readonly proof:
    | { readonly keys: JWTVerifyGetKey; readonly algorithms?: readonly string[] }
    | { readonly secret: Secret }
    | { readonly hashedSecret: string | undefined }
    | { readonly none: true }
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
  readonly find: (id: string) => Promise<Client | undefined>
  /** A public agent counts by its `client_id` alone (RFC 7009 §2.1). Absent: it does not. */
  readonly publicToo?: boolean
  readonly replay: Pick<ReplayStore, 'use'>
  readonly clock: Clock
}

/**
 * Authenticates the sender of a request by exactly one method, the one that was set up for it.
 *
 * Throws `oauth.client_unauthenticated` whatever is wrong: which part it was stays in the detail.
 */
export async function authenticateClient(
  proof: ClientProof,
  deps: ClientAuthenticationDeps,
): Promise<Client> {
  const { id, method, secret } = claimed(proof)
  const client = await deps.find(id)
  if (client === undefined) throw refused('unknown client')
  if (method === 'none') {
    if (deps.publicToo !== true || !('none' in client.proof)) throw refused('no proof')
    return client
  }
  if (secret !== undefined) {
    if (!isSecretOf(client, secret)) throw refused('wrong secret, or the client has none')
    return client
  }
  if (!('keys' in client.proof)) throw refused('the client has no key')
  await checkAssertion(proof.client_assertion ?? '', { id, ...client.proof }, deps)
  return client
}

function isSecretOf({ proof }: Client, shown: string): boolean {
  if ('hashedSecret' in proof) return secretMatches(proof.hashedSecret, shown)
  return 'secret' in proof && equal(shown, proof.secret.reveal())
}

interface Claimed {
  readonly id: string
  readonly method: 'none' | 'one'
  readonly secret: string | undefined
}

/** Who the sender says it is, by the one method it uses. */
function claimed(proof: ClientProof): Claimed {
  const basic = proof.authorization === undefined ? undefined : basicCredentials(proof.authorization)
  const methods = [basic, proof.client_secret, proof.client_assertion].filter(
    (method) => method !== undefined,
  )
  if (methods.length === 0 && proof.client_id !== undefined && proof.client_assertion_type === undefined)
    return { id: proof.client_id, method: 'none', secret: undefined }
  if (methods.length !== 1) throw refused('exactly one authentication method')
  const id = basic?.id ?? (proof.client_assertion === undefined ? proof.client_id : assertedSubject(proof))
  if (id === undefined || (proof.client_id !== undefined && proof.client_id !== id))
    throw refused('client_id mismatch')
  return { id, method: 'one', secret: basic?.secret ?? proof.client_secret }
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
  {
    id,
    keys,
    algorithms = [SIGNING_ALGORITHM],
  }: { readonly id: string; readonly keys: JWTVerifyGetKey; readonly algorithms?: readonly string[] },
  { issuer, replay, clock }: ClientAuthenticationDeps,
): Promise<void> {
  const now = nowSeconds(clock)
  try {
    const { payload } = await compactVerify(assertion, keys, { algorithms: [...algorithms] })
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
