import { createAdmission } from './admission.ts'
import { type GuardedHandler, guardOf, type Handler, type Middleware, middlewareOf } from './serve-node.ts'
import { type FetchHandler, type GuardedFetch, webOf } from './serve-web.ts'
import { checkOptions, type ProtectOptions } from './protect-options.ts'

/**
 * One resource behind Tetrapod. However it is served, requests that carry a token for it are let in, and all others are
 * answered: with a challenge, or with the documents by which an agent finds its way.
 */
export interface Protection {
  /**
   * For node:http. A handler that throws `InsufficientScope` before it answers is answered for: 403, and a challenge
   * with the scopes. What else it throws, this throws.
   */
  readonly guard: (handler: GuardedHandler) => Handler
  /**
   * For Express 4 and 5: to be used by the app itself, before its routes. What is registered before it is not
   * protected. Express answers an `InsufficientScope` that reaches it with 403 and the challenge.
   */
  readonly middleware: () => Middleware
  /** For Hono and all that speak the Fetch standard: the handler is told who calls. `InsufficientScope` as in `guard`. */
  readonly web: (handler: GuardedFetch) => FetchHandler
  /** Stops following the revocation feed; with a client, nobody is let in afterwards. */
  readonly close: () => void
}

/**
 * Protects a resource behind Tetrapod. Throws where `issuer` or `resource` is no https URL (or loopback http) without
 * query and fragment, and where a credential that is not ours is empty or has no client beside it.
 */
export function protect(options: ProtectOptions): Protection {
  checkOptions(options)
  const { admit, close } = createAdmission(options)
  return {
    guard: (handler) => guardOf(admit, handler),
    middleware: () => middlewareOf(admit),
    web: (handler) => webOf(admit, handler),
    close,
  }
}
