import type { Families, Family } from '#grants'
import { type Clock, hashed, type Secret } from '#kernel'
import { createRefreshTokenIds, type RefreshTokenIds } from './refresh-token-ids.ts'
import type { StateRow, StateStore } from './state-store.ts'

/** The library's name for the model. */
export const REFRESH_TOKEN = 'RefreshToken'
/** How long a refresh token waits for its use. What ends a login for good is its grant. */
export const REFRESH_IDLE_SECONDS = 14 * 24 * 3600
/**
 * For this long a token that was used leads to the same next token again (RFC 9700 §4.14.2): of calls that run side by
 * side, and of an answer that was lost on its way, nobody is thrown out.
 */
export const REFRESH_AGAIN_MS = 10_000
/** A used row stays longer than a request that found it can run. */
const USED_KEPT_MS = 10 * 60_000

/** What a refresh token is worth now. */
export type RefreshTokenState =
  | { readonly status: 'unknown' }
  /** Its login was ended, or its grant was revoked or ran out. */
  | { readonly status: 'ended'; readonly family: string }
  /** Not used in time, or used before and not just now. */
  | { readonly status: 'expired' | 'used'; readonly login: Family }
  | { readonly status: 'usable'; readonly login: Family; readonly row: StateRow }

/** The refresh tokens of all logins: for the library's adapter, for introspection and for revocation. */
export interface RefreshTokens extends RefreshTokenIds {
  /** Changes nothing: also a token that was used before is only looked at. */
  look(token: string): Promise<RefreshTokenState>
  /** Marks it used: of several at once each gets the same next one. False when that was too long ago. */
  use(token: string): Promise<boolean>
}

export interface RefreshTokensDeps {
  readonly key: Secret<Uint8Array>
  readonly state: StateStore
  readonly families: Families
  readonly clock: Clock
}

export function createRefreshTokens({ key, state, families, clock }: RefreshTokensDeps): RefreshTokens {
  const ids = createRefreshTokenIds(key)
  const justUsed = ({ consumedAt }: StateRow) =>
    // Also where the clock was set back, or is another replica's: not for longer than that.
    consumedAt !== undefined && Math.abs(clock.now() - consumedAt) < REFRESH_AGAIN_MS
  return {
    ...ids,
    async look(token) {
      const family = ids.familyOf(token)
      if (family === undefined) return { status: 'unknown' }
      const login = await families.live(family)
      if (login === undefined) return { status: 'ended', family }
      const row = await state.find(REFRESH_TOKEN, hashed(token))
      if (row?.consumedAt === undefined) return unused(login, row, clock.now())
      return justUsed(row) ? { status: 'usable', login, row } : { status: 'used', login }
    },
    async use(token) {
      const [id, now] = [hashed(token), clock.now()]
      if (await state.consume(REFRESH_TOKEN, id, now, now + USED_KEPT_MS)) return true
      const row = await state.find(REFRESH_TOKEN, id)
      return row !== undefined && justUsed(row)
    },
  }
}

/** Without a row it was used, unless the whole login rested for so long that none of its tokens can have one. */
function unused(login: Family, row: StateRow | undefined, now: number): RefreshTokenState {
  if (row === undefined) {
    return { status: now - login.usedAt < REFRESH_IDLE_SECONDS * 1000 ? 'used' : 'expired', login }
  }
  return (row.expiresAt ?? 0) > now ? { status: 'usable', login, row } : { status: 'expired', login }
}
