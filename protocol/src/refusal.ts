/** Why a token, chain or assertion was refused. Stable; for logs, audit and tests, never for the presenter. */
export type RefusalCode =
  | 'malformed'
  | 'type'
  | 'algorithm'
  | 'header'
  | 'key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet'
  | 'claims'
  | 'binding'
  | 'nonce'
  | 'chain'
  | 'depth'
  | 'loop'
  | 'subject'
  | 'replay'
  | 'revoked'
  | 'grant'
  | 'user'
  | 'actor'
  | 'agent'
  | 'presenter'
  | 'may_act'
  | 'resource'
  | 'delegation'

/**
 * What verification throws. The code says which rule refused; the presenter is told none of it, so that a
 * token endpoint or a resource is no oracle.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode

  constructor(code: RefusalCode, detail: string) {
    super(detail)
    this.code = code
  }
}
