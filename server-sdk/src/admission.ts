import { bearerToken, protectedResourceMetadataUrl, Refusal } from '@tetrapod/protocol'
import { type Answer, challenged, documentAnswer, notFound, unavailable } from './answer.ts'
import { type Caller, createCaller } from './caller.ts'
import { documentsOf } from './documents.ts'
import { RevocationsUnavailable } from './errors.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { ioOf } from './io.ts'
import type { ProtectOptions } from './protect-options.ts'
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

/** A request as it arrived, whatever carried it here. */
export interface Received {
  readonly method: string
  /** The request target (RFC 9112 §3.2): a path and a query, or whatever else was sent. */
  readonly target: string
  /** Every value of a header field, by its name in lower case. */
  readonly header: (name: string) => readonly string[]
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

function createAuthentication(
  options: ProtectOptions,
  revocations: Revocations,
): (received: Received) => Promise<Admitted> {
  const { issuer, resource, client } = options
  const { fetch, clock } = ioOf(options)
  const verifier = createVerifier({ issuer, keys: remoteKeys(issuer, { fetch, clock }), clock })
  const exchange = client === undefined ? noClient : createExchange(issuer, client, { fetch, clock })
  const resourceMetadataUrl = protectedResourceMetadataUrl(resource)

  const authOf = async (token: string): Promise<VerifiedAuth> => {
    const verified = await verifier.verify(token, resource)
    await revocations.check(verified)
    const exchangeFor: Caller['exchangeFor'] = (api, scopes) => exchange(token, api, scopes)
    return {
      token,
      clientId: verified.clientId,
      scopes: [...verified.scopes],
      expiresAt: verified.expiresAt,
      resource: new URL(resource),
      resourceMetadataUrl,
      extra: { caller: createCaller(verified, exchangeFor, resourceMetadataUrl) },
    }
  }

  return async ({ header }) => {
    const sent = header('authorization')
    if (sent.length === 0) return answered(challenged(401, { resource_metadata: resourceMetadataUrl }))
    const invalid = answered(
      challenged(401, { error: 'invalid_token', resource_metadata: resourceMetadataUrl }),
    )
    const token = sent.length === 1 ? bearerToken(sent[0]) : undefined
    if (token === undefined) return invalid
    try {
      return { outcome: 'admitted', auth: await authOf(token) }
    } catch (error) {
      if (error instanceof Refusal) return invalid
      const known = error instanceof RevocationsUnavailable
      return answered(unavailable(known ? error.message : 'Tokens cannot be verified right now. Retry.'))
    }
  }
}

function answered(answer: Answer): Admitted {
  return { outcome: 'answered', answer }
}

const noClient: Exchange = () =>
  Promise.reject(
    new Error('Give protect() a client: without one this resource cannot ask for the next token'),
  )
