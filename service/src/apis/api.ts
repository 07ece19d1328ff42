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
}
