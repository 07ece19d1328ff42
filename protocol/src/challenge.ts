/** The members of a Bearer challenge (RFC 6750 §3, RFC 9728 §5.1). No `error`: no token was presented. */
export interface Challenge {
  readonly error?: 'invalid_token' | 'insufficient_scope' | 'invalid_request'
  /** Every scope the operation needs, in one challenge. */
  readonly scope?: string
  readonly resource_metadata: string
}

/** Writes a `WWW-Authenticate` value. Members hold URLs, scope tokens and error codes: nothing that needs escaping. */
export function formatChallenge(challenge: Challenge): string {
  const members = Object.entries(challenge).map(([name, value]) => `${name}="${value}"`)
  return `Bearer ${members.join(', ')}`
}

/** Reads an `Authorization` value: the Bearer token, or undefined (RFC 6750 §2.1). */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization ?? '')?.[1]
}
