import type { Scopes } from '@tetrapod/protocol'
import type { Authentication } from '#apis'
import { Fault, type Kind } from '#kernel'

/**
 * What comes of asking for a credential (DESIGN §6): one of these seven, each with one public answer. A request that is wrong in
 * itself never came to be one: what is wrong with it is thrown.
 */
export type Outcome<Issued extends object> =
  (Readonly<Issued> & { readonly outcome: 'issued' }) | Hindrance | Failure

/** What the user has to do first. */
export type Hindrance =
  /** Open a page of ours. */
  | { readonly outcome: 'login_required'; readonly interactionUri: string }
  /** Agree to these scopes, in the vocabulary of the mount. */
  | { readonly outcome: 'consent_required'; readonly scopes: Scopes }
  /** Sign in again, so (RFC 9470). */
  | { readonly outcome: 'step_up'; readonly authentication: Authentication }

/** It is not permitted, Tetrapod is configured so that it cannot be, or something that it takes is not there right now. */
export interface Failure {
  readonly outcome: 'denied' | 'misconfigured' | 'unavailable'
  readonly fault: Fault
}

/** What an exchange at the token endpoint answers with. `expiresIn` in seconds. */
export type ExchangeAnswer = Outcome<{
  readonly token: string
  /** Beside the token, for an API of the trust domain. */
  readonly transactionToken: string | undefined
  readonly expiresIn: number
  readonly scopes: Scopes
}>

const failures: Readonly<Partial<Record<Kind, Failure['outcome']>>> = {
  denied: 'denied',
  internal: 'misconfigured',
  unavailable: 'unavailable',
}

/** What was thrown, as the outcome that it is. Throws it again where it is none: a bug, or a wrong request. */
export function failureOf(error: unknown): Failure {
  const outcome = error instanceof Fault ? failures[error.kind] : undefined
  if (!(error instanceof Fault) || outcome === undefined) throw error
  return { outcome, fault: error }
}
