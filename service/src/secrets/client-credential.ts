import type { Secret } from '#kernel'

/** What a catalogue party proves itself with at our token endpoint: keys it publishes, or a shared secret. */
export type ClientCredential =
  | { readonly method: 'private_key_jwt'; readonly jwksUri: string }
  | { readonly method: 'client_secret'; readonly secret: Secret }
