import { createHash, timingSafeEqual } from 'node:crypto'
import {
  type AccessToken,
  bearerToken,
  checkBeside,
  HEADER_TRANSACTION_TOKEN,
  Refusal,
  type TransactionToken,
} from '@tetrapod/protocol'
import type { Received } from './received.ts'
import type { Verifier } from './verifier.ts'

/** A value that the operator keeps for this server: the same in every request, whoever calls. */
export interface StaticCredential {
  readonly pattern: 'pre_injected'
  /** The request header that carries it; `authorization` if absent. */
  readonly header?: string
  /** All of the header's value: `Bearer ...` too. */
  readonly value: string
}

/**
 * What the gateway calls a server with, in the words of the catalogue (`credential`). With `none` whoever reaches the server
 * and holds a transaction token for it is let in: close the network around it.
 */
export type Credential = 'token_exchange' | 'none' | StaticCredential

/** What a request presented, verified: the token that the server may exchange, and all tokens that must still hold. */
export interface Presented {
  readonly token: string
  readonly verified: AccessToken | TransactionToken
  readonly all: readonly (AccessToken | TransactionToken)[]
}

/**
 * Reads what a request presents: an access token for `resource`, which a transaction token issued beside it may accompany;
 * or, where the credential is not ours, that credential and the transaction token that names this client. Undefined: it
 * presents nothing. Throws {@link Refusal}, and what the verifier throws.
 */
export type ReadPresented = (request: Received) => Promise<Presented | undefined>

export function createReader(
  { resource, credential, client }: ReaderOptions,
  verifier: Verifier,
): ReadPresented {
  if (credential === 'token_exchange')
    return (request) => withAccessToken(request, resource, client, verifier)
  const holds = credential === 'none' ? () => true : createComparison(credential)
  return async (request) => {
    const given = holds(request)
    if (given === undefined) return undefined
    const token = transactionTokenOf(request)
    if (token === undefined && credential === 'none') return undefined
    if (!given || token === undefined) throw new Refusal('malformed', 'not what the gateway sends')
    const verified = await verifier.verifyTransaction(token, client)
    return { token, verified, all: [verified] }
  }
}

interface ReaderOptions {
  readonly resource: string
  readonly credential: Credential
  /** The client id of this server; undefined: it has none. */
  readonly client: string | undefined
}

async function withAccessToken(
  request: Received,
  resource: string,
  client: string | undefined,
  verifier: Verifier,
): Promise<Presented | undefined> {
  const sent = request.header('authorization')
  if (sent.length === 0) return undefined
  const token = sent.length === 1 ? bearerToken(sent[0]) : undefined
  if (token === undefined) throw new Refusal('malformed', 'not one bearer token')
  const beside = transactionTokenOf(request)
  const verified = await verifier.verify(token, resource)
  if (beside === undefined) return { token, verified, all: [verified] }
  const transaction = await verifier.verifyTransaction(beside, client)
  checkBeside(transaction, verified)
  return { token, verified, all: [verified, transaction] }
}

/** The one transaction token of a request, or undefined. Throws Refusal `malformed` for several: which was meant is not ours to guess. */
function transactionTokenOf({ header }: Received): string | undefined {
  const sent = header(HEADER_TRANSACTION_TOKEN)
  if (sent.length > 1) throw new Refusal('malformed', 'two transaction tokens')
  return sent[0]
}

/** Whether a request carries the credential, exactly once: compared in constant time, lengths too. Undefined: it carries none. */
function createComparison({ header = 'authorization', value }: StaticCredential) {
  const expected = digest(value)
  const name = header.toLowerCase()
  return (request: Received): boolean | undefined => {
    const sent = request.header(name)
    if (sent.length === 0) return undefined
    return sent.length === 1 && timingSafeEqual(digest(sent[0] ?? ''), expected)
  }
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
