/** Why a journey ended. Stable; an application may switch on it. */
export type JourneyCode =
  | 'agent.redirect_refused'
  | 'network.unreachable'
  | 'network.answer_too_large'
  | 'discovery.url_refused'
  | 'discovery.not_protected'
  | 'discovery.metadata_missing'
  | 'discovery.metadata_malformed'
  | 'discovery.resource_mismatch'
  | 'discovery.issuer_unknown'
  | 'discovery.issuer_mismatch'
  | 'discovery.pkce_unsupported'
  | 'callback.listen_failed'
  | 'callback.abandoned'
  | 'callback.malformed'
  | 'callback.state_unknown'
  | 'callback.issuer_missing'
  | 'callback.issuer_mismatch'
  | 'callback.denied'
  | 'callback.refused'
  | 'token.refused'
  | 'token.malformed'

/**
 * What every step between an MCP URL and a token throws. The message says what to do next; it never holds a code, a
 * token, or words that came over the browser.
 */
export class JourneyFailed extends Error {
  override readonly name = 'JourneyFailed'
  readonly code: JourneyCode

  constructor(code: JourneyCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The MCP server wants a (new) login: begin again with {@link mcpUrl}. Nothing is retried behind your back. */
export class LoginRequired extends Error {
  override readonly name = 'LoginRequired'
  readonly mcpUrl: string

  constructor(mcpUrl: string) {
    super(`The login at ${mcpUrl} has ended. Begin a new one for this URL and connect again.`)
    this.mcpUrl = mcpUrl
  }
}
