import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  formatScope,
  protectedResourceMetadataUrl,
  Refusal,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_TRANSACTION_TOKEN,
} from '@tetrapod/protocol'
import { type Answer, challenged, documentAnswer, notFound, send, unavailable } from './answer.ts'
import { createApiFetch } from './api-fetch.ts'
import { type Caller, createCaller } from './caller.ts'
import type { Client } from './client.ts'
import { InsufficientScope, RevocationsUnavailable } from './errors.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { isTrustworthy } from './fetch-json.ts'
import { type Io, ioOf } from './io.ts'
import { createReader, type Credential, type Presented } from './presented.ts'
import { remoteKeys } from './remote-keys.ts'
import { followRevocations, type Revocations } from './revocations.ts'
import { createVerifier } from './verifier.ts'

export interface ProtectOptions extends Io {
  /** Tetrapod's `publicUrl`. */
  readonly issuer: string
  /**
   * Where this resource is: the one audience it accepts. With a path, that path is served and no other (an MCP
   * endpoint); without one, every path is (a plain API).
   */
  readonly resource: string
  /** Every scope this resource knows. */
  readonly scopes: readonly string[]
  /** What people call it. */
  readonly name?: string
  /**
   * Who it is when it asks for the next token and when it follows the revocation feed. Without one it calls no API, and
   * a token it got holds until it expires (at most five minutes), revoked or not.
   */
  readonly client?: Client
  /**
   * What the gateway calls it with: the same as `credential` of this server in the catalogue, `token_exchange` if absent.
   * With anything else it must be `internal` there and have a client here: who calls is then said by the transaction token,
   * and requests with an access token are not let in. With `none` nothing but that token is asked for.
   */
  readonly credential?: Credential
}

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

/** A request that was let in. */
export type GuardedRequest = IncomingMessage & {
  readonly method: string
  readonly url: string
  readonly auth: VerifiedAuth
}
/** What serves requests that were let in. */
export type GuardedHandler = (request: GuardedRequest, response: ServerResponse) => unknown
/** What `createServer` of node:http takes. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export interface Protection {
  /**
   * Lets in requests that carry a token for this resource, and answers all others: with a challenge, or with the
   * documents by which an agent finds its way. A handler that throws `InsufficientScope` before it answers is
   * answered for: 403, and a challenge with the scopes. What else it throws, this throws.
   */
  readonly guard: (handler: GuardedHandler) => Handler
  /** Stops following the revocation feed; with a client, nobody is let in afterwards. */
  readonly close: () => void
}

/**
 * Protects a resource behind Tetrapod. Throws where `issuer` or `resource` is no https URL (or loopback http) without
 * query and fragment, and where a credential that is not ours is empty or has no client beside it.
 */
export function protect(options: ProtectOptions): Protection {
  checkUrl('issuer', options.issuer)
  checkUrl('resource', options.resource)
  checkCredential(options)
  const { pathname } = new URL(options.resource)
  const documents = documentsOf(options)
  const revocations = followed(options)
  const admit = createAdmission(options, revocations)

  return {
    guard: (handler) => async (request, response) => {
      const { method = 'GET', url = '/' } = request
      const path = url.split('?', 1)[0] ?? url
      const document = documents.get(path)
      if (document !== undefined) return send(response, documentAnswer(method, document))
      if (pathname !== '/' && path !== pathname) return send(response, notFound)
      const admitted = await admit(request)
      if ('status' in admitted) return send(response, admitted)
      try {
        await handler(Object.assign(request, { method, url, auth: admitted }), response)
      } catch (error) {
        if (!(error instanceof InsufficientScope) || response.headersSent) throw error
        send(response, insufficient(error, admitted.resourceMetadataUrl))
      }
    },
    close: revocations.close,
  }
}

function followed({ issuer, client, ...io }: ProtectOptions): Revocations {
  if (client !== undefined) return followRevocations(issuer, client, io)
  return { check: () => Promise.resolve(), close: () => {} }
}

/** Decides about one request: who sends it, or what to answer instead. */
function createAdmission(
  options: ProtectOptions,
  revocations: Revocations,
): (request: IncomingMessage) => Promise<VerifiedAuth | Answer> {
  const { issuer, resource, client, credential = 'token_exchange' } = options
  const { fetch, clock } = ioOf(options)
  const verifier = createVerifier({ issuer, keys: remoteKeys(issuer, { fetch, clock }), clock })
  const read = createReader({ resource, credential, client: client?.id }, verifier)
  const exchange = client === undefined ? noClient : createExchange(issuer, client, { fetch, clock })
  const resourceMetadataUrl = protectedResourceMetadataUrl(resource)

  const authOf = ({ token, verified }: Presented): VerifiedAuth => {
    const ours = 'clientId' in verified
    const type = ours ? TOKEN_TYPE_ACCESS_TOKEN : TOKEN_TYPE_TRANSACTION_TOKEN
    const exchangeFor: Caller['exchangeFor'] = (api, scopes) => exchange(token, api, scopes, type)
    return {
      token,
      clientId: ours ? verified.clientId : verified.requester,
      scopes: [...verified.scopes],
      expiresAt: verified.expiresAt,
      resource: new URL(resource),
      resourceMetadataUrl,
      extra: { caller: createCaller(verified, { exchangeFor, fetch: createApiFetch(exchangeFor, fetch) }) },
    }
  }

  return async (request) => {
    try {
      const presented = await read(request)
      if (presented === undefined) return challenged(401, { resource_metadata: resourceMetadataUrl })
      for (const token of presented.all) await revocations.check(token)
      return authOf(presented)
    } catch (error) {
      if (error instanceof Refusal)
        return challenged(401, { error: 'invalid_token', resource_metadata: resourceMetadataUrl })
      const known = error instanceof RevocationsUnavailable
      return unavailable(known ? error.message : 'Tokens cannot be verified right now. Retry.')
    }
  }
}

/** By path: the metadata of the resource (RFC 9728), and the public key of its client. */
function documentsOf({
  issuer,
  resource,
  scopes,
  name,
  client,
}: ProtectOptions): ReadonlyMap<string, unknown> {
  const metadata = {
    resource,
    authorization_servers: [issuer],
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
    ...(name === undefined ? {} : { resource_name: name }),
  }
  return new Map<string, unknown>([
    [new URL(protectedResourceMetadataUrl(resource)).pathname, metadata],
    ...(client !== undefined && 'key' in client
      ? [['/.well-known/jwks.json', { keys: [client.key.publicJwk] }] as const]
      : []),
  ])
}

function insufficient({ scopes }: InsufficientScope, resourceMetadataUrl: string): Answer {
  return challenged(403, {
    error: 'insufficient_scope',
    scope: formatScope(scopes),
    resource_metadata: resourceMetadataUrl,
  })
}

const noClient: Exchange = () =>
  Promise.reject(
    new Error('Give protect() a client: without one this resource cannot ask for the next token'),
  )

function checkUrl(option: string, url: string): void {
  if (isTrustworthy(url) && !/[?#]/.test(url)) return
  throw new Error(`${option} must be an https URL (or loopback http) without query and fragment, not ${url}`)
}

function checkCredential({ credential = 'token_exchange', client }: ProtectOptions): void {
  if (credential === 'token_exchange') return
  if (client === undefined)
    throw new Error('Give protect() a client: transaction tokens name the client they are for')
  if (credential !== 'none' && credential.value === '') throw new Error('credential.value must not be empty')
}
