import type { Scopes } from '@tetrapod/protocol'

/**
 * What comes of asking for a credential (DESIGN §6). What is refused, or cannot be had now, is thrown as a Fault: kinds
 * `denied`, `internal` and `unavailable` are the other outcomes.
 */
export type ExchangeAnswer =
  | {
      readonly outcome: 'issued'
      readonly token: string
      /** Seconds. */
      readonly expiresIn: number
      readonly scopes: Scopes
    }
  /** Names the scopes to ask the user for, in the vocabulary of the mount. */
  | { readonly outcome: 'consent_required'; readonly scopes: Scopes }
