import {
  protectedResourceMetadataUrl,
  Refusal,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_TRANSACTION_TOKEN,
} from '@tetrapod/protocol'
import { type Answer, challenged, documentAnswer, notFound, unavailable } from './answer.ts'
import { createApiFetch } from './api-fetch.ts'
import { type Caller, createCaller } from './caller.ts'
import { documentsOf } from './documents.ts'
import { RevocationsUnavailable } from './errors.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { ioOf } from './io.ts'
import { createReader, type Presented } from './presented.ts'
import type { ProtectOptions } from './protect-options.ts'
import type { Received } from './received.ts'
import { remoteKeys } from './remote-keys.ts'
import { followRevocations, type Revocations } from './revocations.ts'
import { createVerifier } from './verifier.ts'

/** What the MCP SDK calls `AuthInfo`, of a verified token. */
export interface VerifiedAuth {
  readonly token: string
  readonly clientId: string
  readonly scopes: string[]
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly resource: URL
  readonly resourceMetadataUrl: string
  readonly extra: { readonly caller: Caller }
}

export type Admitted =
  | { readonly outcome: 'admitted'; readonly auth: VerifiedAuth }
  | { readonly outcome: 'answered'; readonly answer: Answer }

export interface Admission {
  /** Decides about one request: who sends it, or what to answer instead. Never throws. */
  readonly admit: (received: Received) => Promise<Admitted>
  /** Stops following the revocation feed; with a client, nobody is let in afterwards. */
  readonly close: () => void
}

/** The rules of one resource, the same under every web framework: each adapter asks here and decides nothing. */
export function createAdmission(options: ProtectOptions): Admission {
  const { pathname } = new URL(options.resource)
  const documents = documentsOf(options)
  const revocations = followed(options)
  const authenticate = createAuthentication(options, revocations)

  return {
    async admit(received) {
      const path = received.target.split('?', 1)[0] ?? received.target
      const document = documents.get(path)
      if (document !== undefined) return answered(documentAnswer(received.method, document))
      if (pathname !== '/' && path !== pathname) return answered(notFound)
      return authenticate(received)
    },
    close: revocations.close,
  }
}

function followed({ issuer, client, ...io }: ProtectOptions): Revocations {
  if (client !== undefined) return followRevocations(issuer, client, io)
  return { check: () => Promise.resolve(), close: () => {} }
}

/** Who sends a request, or the challenge for it. */
function createAuthentication(
  options: ProtectOptions,
  revocations: Revocations,
): (received: Received) => Promise<Admitted> {
  const { issuer, resource, client, credential = 'token_exchange' } = options
  const { fetch, clock } = ioOf(options)
  const verifier = createVerifier({ issuer, keys: remoteKeys(issuer, { fetch, clock }), clock })
  const read = createReader({ resource, credential, client: client?.id }, verifier)
  const exchange = client === undefined ? noClient : createExchange(issuer, client, { fetch, clock })
  const resourceMetadataUrl = protectedResourceMetadataUrl(resource)

  const callerFor = ({ token, verified }: Presented): Caller => {
    const type = 'clientId' in verified ? TOKEN_TYPE_ACCESS_TOKEN : TOKEN_TYPE_TRANSACTION_TOKEN
    const exchangeFor: Caller['exchangeFor'] = (api, scopes) => exchange(token, api, scopes, type)
    const means = { exchangeFor, fetch: createApiFetch(exchangeFor, fetch) }
    return createCaller(verified, means, resourceMetadataUrl)
  }
  const authOf = (presented: Presented): VerifiedAuth => {
    const { token, verified } = presented
    return {
      token,
      clientId: 'clientId' in verified ? verified.clientId : verified.requester,
      scopes: [...verified.scopes],
      expiresAt: verified.expiresAt,
      resource: new URL(resource),
      resourceMetadataUrl,
      extra: { caller: callerFor(presented) },
    }
  }

  return async (received) => {
    try {
      const presented = await read(received)
      if (presented === undefined)
        return answered(challenged(401, { resource_metadata: resourceMetadataUrl }))
      for (const token of presented.all) await revocations.check(token)
      return { outcome: 'admitted', auth: authOf(presented) }
    } catch (error) {
      return answered(answerTo(error, resourceMetadataUrl))
    }
  }
}

/** A token that is refused is not told why; one that nobody could check is neither refused nor accepted. */
function answerTo(error: unknown, resourceMetadataUrl: string): Answer {
  if (error instanceof Refusal)
    return challenged(401, { error: 'invalid_token', resource_metadata: resourceMetadataUrl })
  const known = error instanceof RevocationsUnavailable
  return unavailable(known ? error.message : 'Tokens cannot be verified right now. Retry.')
}

function answered(answer: Answer): Admitted {
  return { outcome: 'answered', answer }
}

const noClient: Exchange = () =>
  Promise.reject(
    new Error('Give protect() a client: without one this resource cannot ask for the next token'),
  )
