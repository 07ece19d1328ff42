import type { IncomingMessage, ServerResponse } from 'node:http'
import { ASSERTION_TYPE_JWT, bearerToken, type RevocationPage } from '@tetrapod/protocol'
import { asFault, type Handler, sendJson } from '#http'
import type { Feed, FeedPage } from '#revocation'
import {
  authenticateClient,
  type ClientAuthenticationDeps,
  type ClientProof,
} from './client-authentication.ts'
import { fault } from './faults.ts'

export interface RevocationFeedDeps {
  readonly clients: ClientAuthenticationDeps
  readonly feed: Feed
}

/** No request waits longer (seconds): proxies give up on silent ones. */
const WAIT_SECONDS_MAX = 25

/**
 * `GET /revocations?after=N&wait=25`: what was revoked since, for those who verify tokens by themselves. A request without
 * a body: the client's assertion travels as the Bearer token, its secret as Basic (docs/revocation.md).
 */
export function revocationFeed({ clients, feed }: RevocationFeedDeps): Handler {
  return async (request, response) => {
    const { id, kind } = await authenticateClient(proofOf(request), clients).catch((error: unknown) => {
      if (asFault(error).kind === 'unauthenticated')
        response.setHeader('www-authenticate', 'Bearer realm="revocations", Basic realm="revocations"')
      throw error
    })
    if (kind === 'agent') throw fault.feed_not_for_agents()
    const { after, wait } = queryOf(request)
    const page = await feed.read({ reader: id, after, until: untilOver(response, wait) })
    if (response.destroyed) return
    // A reader would ask again on the connection it has, and so keep open a service that ends.
    sendJson(response, 200, asSent(page), feed.closed ? { connection: 'close' } : {})
  }
}

function proofOf({ headersDistinct }: IncomingMessage): ClientProof {
  const [authorization, ...others] = headersDistinct['authorization'] ?? []
  // Which of two was meant is not ours to guess: neither counts.
  if (others.length > 0) return {}
  const assertion = bearerToken(authorization)
  return assertion === undefined
    ? { authorization }
    : { client_assertion: assertion, client_assertion_type: ASSERTION_TYPE_JWT }
}

function queryOf({ method, url = '' }: IncomingMessage): { readonly after: number; readonly wait: number } {
  const query = new URLSearchParams(url.split('?')[1])
  const number = (name: string) => {
    const [text = '0', ...others] = query.getAll(name)
    return others.length === 0 && /^\d{1,15}$/.test(text) ? Number(text) : NaN
  }
  const [after, wait] = [number('after'), number('wait')]
  if (method !== 'GET' || Number.isNaN(after) || !(wait <= WAIT_SECONDS_MAX))
    throw fault.feed_request_malformed()
  return { after, wait }
}

/** Aborted when it is time to answer, or nobody is there to be answered. */
function untilOver(response: ServerResponse, seconds: number): AbortSignal {
  if (seconds === 0) return AbortSignal.abort()
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return AbortSignal.any([gone.signal, AbortSignal.timeout(seconds * 1000)])
}

function asSent({ sequence, entries, more, reset }: FeedPage): RevocationPage {
  return {
    sequence,
    entries: entries.map(({ sequence, kind, idHash, at, expiresAt }) => ({
      sequence,
      kind,
      id_hash: idHash,
      at,
      expires_at: expiresAt,
    })),
    ...(more ? { more } : {}),
    ...(reset ? { reset } : {}),
  }
}
