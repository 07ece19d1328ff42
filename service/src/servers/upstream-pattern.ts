import type { Secret } from '#kernel'

/**
 * How the gateway comes by what it calls a server with (DESIGN §6): a token that we mint for this caller and call, a value
 * that the operator keeps, the same for everybody, or nothing at all.
 */
export type UpstreamPattern =
  | { readonly pattern: 'token_exchange' }
  | { readonly pattern: 'none' }
  | {
      readonly pattern: 'pre_injected'
      /** The name of the request header, in lower case. */
      readonly header: string
      /** Sent as it is. */
      readonly value: Secret
    }
