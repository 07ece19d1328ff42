import { type Challenge, formatChallenge, formatScope } from '@tetrapod/protocol'

/** A whole answer of the guard: everything but a verified request gets one. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

const NEXT_STEP = {
  401: 'Present an access token for this resource; the document at resource_metadata names who issues it.',
  403: 'Present an access token with every scope of the challenge.',
}

/** RFC 6750 §3: what is missing, never why a token was not good enough. */
export function challenged(status: keyof typeof NEXT_STEP, challenge: Challenge): Answer {
  return {
    status,
    headers: { 'www-authenticate': formatChallenge(challenge), 'cache-control': 'no-store' },
    body: { error: challenge.error ?? 'unauthorized', error_description: NEXT_STEP[status] },
  }
}

/** The token is neither good nor bad: who could tell is not there. */
export function unavailable(sentence: string): Answer {
  return {
    status: 503,
    headers: { 'retry-after': '5', 'cache-control': 'no-store' },
    body: { error: 'temporarily_unavailable', error_description: sentence },
  }
}

export const notFound: Answer = { status: 404, headers: {}, body: { error: 'not_found' } }

/** A public document, for who asks with GET or HEAD. */
export function documentAnswer(method: string, body: unknown): Answer {
  if (method === 'GET' || method === 'HEAD')
    return { status: 200, headers: { 'cache-control': 'max-age=300' }, body }
  return { status: 405, headers: { allow: 'GET, HEAD' }, body: { error: 'method_not_allowed' } }
}

/** RFC 6750 §3.1: every scope that the operation needs. */
export function insufficient(scopes: readonly string[], resourceMetadataUrl: string): Answer {
  return challenged(403, {
    error: 'insufficient_scope',
    scope: formatScope(scopes),
    resource_metadata: resourceMetadataUrl,
  })
}

export function responseOf({ status, headers, body }: Answer): Response {
  return Response.json(body, { status, headers })
}
