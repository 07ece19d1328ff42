import type { Clock, Scopes } from '@tetrapod/protocol'
import type { Kept } from './keeper.ts'
import type { TokenStore } from './token-store.ts'

/** What must be remembered between sending a browser away and its return (MCP authorization, RFC 9700 §4.4.2). */
export interface PendingLogin extends Kept {
  /** Where its tokens go. */
  readonly store: TokenStore
  readonly redirectUri: string
  /** What is asked for; undefined: what the authorization server thinks fit. */
  readonly scopes: Scopes | undefined
  readonly verifier: string
}

export interface PendingLogins {
  add(state: string, login: PendingLogin): void
  /** The login of this state, once, and not after ten minutes. */
  take(state: string): PendingLogin | undefined
}

const LIFETIME_MS = 600_000
const LOGINS_MAX = 1000

/** Pending logins in memory. When there are 1000, the oldest makes room: what never returns cannot fill it. */
export function createPendingLogins(clock: Clock): PendingLogins {
  const logins = new Map<string, { readonly login: PendingLogin; readonly until: number }>()
  return {
    add(state, login) {
      const [oldest] = logins.keys()
      if (logins.size >= LOGINS_MAX && oldest !== undefined) logins.delete(oldest)
      logins.set(state, { login, until: clock.now() + LIFETIME_MS })
    },
    take(state) {
      const found = logins.get(state)
      logins.delete(state)
      return found !== undefined && clock.now() < found.until ? found.login : undefined
    },
  }
}
