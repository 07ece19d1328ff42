import type { ClientCredential } from '#secrets'

/** A resource behind an MCP server. */
export interface Api {
  readonly key: string
  readonly name: string
  /** Its resource identifier, and the audience of token 3. */
  readonly resource: string
  /** Inside our trust domain: with its token comes a transaction token. */
  readonly internal: boolean
  /** How it authenticates when it follows the revocation feed. One that does not has none. */
  readonly credential: ClientCredential | undefined
  /** Its vocabulary, each scope in words for the consent page. */
  readonly scopes: Readonly<Record<string, string>>
  /** The provider whose ids of users its tokens carry in `sub`; undefined: our own account ids. */
  readonly subject: string | undefined
  /** How the user must have authenticated for it; undefined: anyhow. */
  readonly authentication: Authentication | undefined
}

/** What an API asks of a sign-in (RFC 9470). What is undefined is not asked. */
export interface Authentication {
  /** A token of it ends when the sign-in is so old. */
  readonly maxAgeSeconds: number | undefined
  /** One of these is its `acr`. */
  readonly acrValues: readonly string[] | undefined
}
