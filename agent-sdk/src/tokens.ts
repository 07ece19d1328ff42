import { formatScope, isObject, parseScope, type Scopes } from '@tetrapod/protocol'
import type { TokenAnswer } from './token-endpoint.ts'

/** What one login has: the access token, and the means to get the next. */
export interface Tokens {
  readonly accessToken: string
  /** Seconds since the epoch; undefined when the authorization server does not say. */
  readonly expiresAt: number | undefined
  /** What was granted. */
  readonly scopes: Scopes
  /** What was asked for: a step-up asks for it again, and for more. */
  readonly requested: Scopes
  readonly refreshToken: string | undefined
}

export function firstTokens(answer: TokenAnswer, requested: Scopes): Tokens {
  const { token, expiresAt, scopes = requested, refreshToken } = answer
  return { accessToken: token, expiresAt, scopes, requested, refreshToken }
}

/** What an answer to a refresh leaves out stays as it was: the refresh token (RFC 6749 §6), the scopes (§5.1). */
export function mergeTokens(before: Tokens, answer: TokenAnswer): Tokens {
  const { token, expiresAt, scopes = before.scopes, refreshToken = before.refreshToken } = answer
  return { accessToken: token, expiresAt, scopes, requested: before.requested, refreshToken }
}

/** As a store keeps them. {@link parseTokens} reads it back. */
export function formatTokens({ scopes, requested, ...tokens }: Tokens): string {
  return JSON.stringify({ ...tokens, scopes: formatScope(scopes), requested: formatScope(requested) })
}

/** Undefined for what {@link formatTokens} did not write: then there are no tokens, and a login makes new ones. */
export function parseTokens(value: string | undefined): Tokens | undefined {
  try {
    const read: unknown = JSON.parse(value ?? 'null')
    if (!isObject(read)) return undefined
    const { accessToken, expiresAt, refreshToken, scopes, requested } = read
    if (typeof accessToken !== 'string' || typeof scopes !== 'string' || typeof requested !== 'string') {
      return undefined
    }
    return {
      accessToken,
      expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined,
      scopes: parseScope(scopes),
      requested: parseScope(requested),
      refreshToken: typeof refreshToken === 'string' ? refreshToken : undefined,
    }
  } catch {
    return undefined
  }
}
