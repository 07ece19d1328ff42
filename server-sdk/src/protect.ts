import type { IncomingMessage, ServerResponse } from 'node:http'
import { formatScope } from '@tetrapod/protocol'
import { createAdmission, type VerifiedAuth } from './admission.ts'
import { type Answer, challenged, send } from './answer.ts'
import { InsufficientScope } from './errors.ts'
import { checkOptions, type ProtectOptions } from './protect-options.ts'

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
 * query and fragment.
 */
export function protect(options: ProtectOptions): Protection {
  checkOptions(options)
  const { admit, close } = createAdmission(options)

  return {
    guard: (handler) => async (request, response) => {
      const { method = 'GET', url = '/', headersDistinct } = request
      const header = (name: string) => headersDistinct[name] ?? []
      const admitted = await admit({ method, target: url, header })
      if (admitted.outcome === 'answered') return send(response, admitted.answer)
      const { auth } = admitted
      try {
        await handler(Object.assign(request, { method, url, auth }), response)
      } catch (error) {
        if (!(error instanceof InsufficientScope) || response.headersSent) throw error
        send(response, insufficient(error, auth.resourceMetadataUrl))
      }
    },
    close,
  }
}

function insufficient({ scopes }: InsufficientScope, resourceMetadataUrl: string): Answer {
  return challenged(403, {
    error: 'insufficient_scope',
    scope: formatScope(scopes),
    resource_metadata: resourceMetadataUrl,
  })
}
