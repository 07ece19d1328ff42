import { type Answer, insufficient, responseOf } from './answer.ts'

/** The keys of the issuer cannot be read right now, so that a token can be neither accepted nor refused. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** What was revoked is not known right now, so that no token can be accepted. */
export class RevocationsUnavailable extends Error {
  override readonly name = 'RevocationsUnavailable'
}

/**
 * The caller lacks a scope. Thrown in a handler of a plain API, the guard answers with the challenge for it; where a
 * framework catches it first, it carries what that framework answers an error with.
 */
export class InsufficientScope extends Error {
  override readonly name = 'InsufficientScope'
  /** Every scope the operation needs, held or not: what the caller has to ask for. */
  readonly scopes: readonly string[]
  readonly answer: Answer
  /** What Express looks for in an error. */
  readonly status: number
  readonly headers: Answer['headers']

  constructor(scopes: readonly string[], resourceMetadataUrl: string) {
    super(`This operation needs the scopes: ${scopes.join(' ')}`)
    this.scopes = scopes
    this.answer = insufficient(scopes, resourceMetadataUrl)
    this.status = this.answer.status
    this.headers = this.answer.headers
  }

  /** What Hono looks for in an error. */
  getResponse(): Response {
    return responseOf(this.answer)
  }
}

/** What a token endpoint answers when it refuses (RFC 6749 §5.2). */
export interface TokenError {
  readonly error: string
  readonly error_description?: string
  /** With `consent_required`: what to ask the user for, in the vocabulary of the resource that was called. */
  readonly scope?: string
  /** With `interaction_required`: where the user has to go first. */
  readonly interaction_uri?: string
  /** With `insufficient_user_authentication` (RFC 9470): how the user has to sign in, one of these, */
  readonly acr_values?: readonly string[]
  /** and how many seconds ago at most. */
  readonly max_age?: number
}

/** The authorization server refused the next token; asking again for the same brings nothing. */
export class ExchangeRefused extends Error implements TokenError {
  override readonly name = 'ExchangeRefused'
  readonly error: string
  readonly error_description?: string
  readonly scope?: string
  readonly interaction_uri?: string
  readonly acr_values?: readonly string[]
  readonly max_age?: number

  constructor(answer: TokenError) {
    super(sentenceOf(answer))
    const { error, error_description, scope, interaction_uri, acr_values, max_age } = answer
    this.error = error
    if (error_description !== undefined) this.error_description = error_description
    if (scope !== undefined) this.scope = scope
    if (interaction_uri !== undefined) this.interaction_uri = interaction_uri
    if (acr_values !== undefined) this.acr_values = acr_values
    if (max_age !== undefined) this.max_age = max_age
  }
}

/** The authorization server cannot be reached or does not speak its protocol; asking again later may help. */
export class ExchangeUnavailable extends Error {
  override readonly name = 'ExchangeUnavailable'
}

/** What a tool may answer with as it is: it tells the user where to go. */
function sentenceOf({ error, error_description, interaction_uri }: TokenError): string {
  const said = error_description === undefined ? error : `${error}: ${error_description}`
  return interaction_uri === undefined ? said : `${said} ${interaction_uri}`
}
