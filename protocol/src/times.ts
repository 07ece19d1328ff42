import { CLOCK_SKEW_SECONDS } from './names.ts'
import { Refusal } from './refusal.ts'

/** When a JWT counts (RFC 7519 §4.1.4 to §4.1.6), in seconds. */
export interface Times {
  readonly exp: number
  readonly nbf?: number | undefined
  readonly iat?: number | undefined
}

/**
 * Checks `exp`, `nbf` and `iat` against `now` (seconds) with the accepted clock skew. Part of every claims validator;
 * also asked again on every use of a remembered signature. Throws {@link Refusal} `expired`, `claims`, `not_yet`.
 */
export function checkTimes({ exp, nbf, iat }: Times, now: number): void {
  if (exp + CLOCK_SKEW_SECONDS <= now) throw new Refusal('expired', 'the token has expired')
  if (iat !== undefined && exp <= iat) throw new Refusal('claims', 'the token expires before it is issued')
  if (Math.max(nbf ?? 0, iat ?? 0) > now + CLOCK_SKEW_SECONDS)
    throw new Refusal('not_yet', 'the token is not valid yet')
}

/** {@link checkTimes}, and `claims` for a JWT that ends more than `secondsMax` ahead: what may be stolen lives shortly. */
export function checkShortLived(times: Times, secondsMax: number, now: number): void {
  if (times.exp > now + secondsMax + CLOCK_SKEW_SECONDS)
    throw new Refusal('claims', `it lives longer than ${secondsMax} s`)
  checkTimes(times, now)
}

/** For what has no end of its own: made at most `window` seconds ago or ahead. Throws {@link Refusal} `expired`, `not_yet`. */
export function checkFresh(iat: number, window: number, now: number): void {
  if (iat < now - window) throw new Refusal('expired', `made more than ${window} s ago`)
  if (iat > now + window) throw new Refusal('not_yet', `made more than ${window} s ahead`)
}
