import { formatScope, type Scopes } from '@tetrapod/protocol'

/** Why a journey ended. Stable; an application may switch on it. */
export type JourneyCode =
  | 'agent.redirect_refused'
  | 'agent.issuer_missing'
  | 'agent.metadata_document_refused'
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
  | 'client.unidentified'
  | 'client.method_unsupported'
  | 'registration.refused'
  | 'registration.malformed'
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
  | 'store.failed'

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

/** The token endpoint's no (RFC 6749 §5.2). */
export class TokenRefused extends JourneyFailed {
  /** The server's error code, for what depends on it. */
  readonly error: string

  /** `said` is shown: it holds printable characters alone. */
  constructor(issuer: string, error: string, said: string, advice: string) {
    super('token.refused', `${issuer} refused the token request (${said}). ${advice}`)
    this.error = error
  }
}

/** The MCP server wants a (new) login: begin again with {@link mcpUrl}. No browser is opened behind your back. */
export class LoginRequired extends Error {
  override readonly name = 'LoginRequired'
  readonly mcpUrl: string

  constructor(mcpUrl: string) {
    super(`The login at ${mcpUrl} has ended. Begin a new one for this URL and connect again.`)
    this.mcpUrl = mcpUrl
  }
}

/**
 * The MCP server wants more scopes than this login has: begin again with {@link mcpUrl} and {@link scopes}, which hold
 * what the login had as well (MCP authorization, step-up).
 */
export class StepUpRequired extends Error {
  override readonly name = 'StepUpRequired'
  readonly mcpUrl: string
  readonly scopes: Scopes

  constructor(mcpUrl: string, scopes: Scopes) {
    super(`${mcpUrl} asks for more scopes. Begin a login for ${formatScope(scopes)}, then call again.`)
    this.mcpUrl = mcpUrl
    this.scopes = scopes
  }
}
