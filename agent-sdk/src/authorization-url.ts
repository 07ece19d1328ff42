import { calculatePKCECodeChallenge } from 'oauth4webapi'
import { formatScope } from '@tetrapod/protocol'
import type { PendingLogin } from './pending-logins.ts'

/** What an application may say about a login it begins. */
export interface LoginOptions {
  /**
   * Whose login it is, where one agent acts for many: its tokens are kept under that name. Without it, `begin` keeps
   * them in the login alone, and `login` as those of the one user of this agent.
   */
  readonly user?: string
  /** Instead of the scopes the MCP server asks for. */
  readonly scopes?: Iterable<string>
  /** Whom we expect, so that the sign-in page need not ask (OpenID Connect Core §3.1.2.1). */
  readonly loginHint?: string
  /** `consent` asks anew, `login` signs in anew, `none` shows no page at all. */
  readonly prompt?: 'consent' | 'login' | 'none'
}

/** The authorization request (RFC 6749 §4.1.1) with PKCE (RFC 7636) and the resource (RFC 8707), as a URL. */
export async function authorizationUrl(
  { destination, client, redirectUri, scopes, verifier }: PendingLogin,
  state: string,
  { loginHint, prompt }: LoginOptions,
): Promise<string> {
  const url = new URL(destination.server.authorizationEndpoint)
  const parameters = {
    response_type: 'code',
    client_id: client.id,
    redirect_uri: redirectUri,
    state,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    resource: destination.resource,
    scope: scopes === undefined || scopes.size === 0 ? undefined : formatScope(scopes),
    login_hint: loginHint,
    prompt,
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url.href
}
