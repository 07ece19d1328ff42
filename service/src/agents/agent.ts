import type { ClientCredential } from '#secrets'

/** An agent that the catalogue names. Its key is its client id. */
export interface Agent {
  readonly key: string
  /** What consent calls it. */
  readonly name: string
  /** Compared character by character. */
  readonly redirectUris: readonly string[]
  readonly credential: ClientCredential
}
