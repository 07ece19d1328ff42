import type { Clock } from '@tetrapod/protocol'

/** Takes one. Returns 0 when there was one to take, else the seconds until there will be. */
export type TokenBucket = () => number

/** Allows `burst` at once and `perSecond` in the long run. */
export function createTokenBucket(deps: {
  readonly perSecond: number
  readonly burst: number
  readonly clock: Clock
}): TokenBucket {
  const { perSecond, burst, clock } = deps
  let left = burst
  let at = clock.now()
  return () => {
    const now = clock.now()
    // A clock that was set back takes nothing away.
    left = Math.min(burst, left + (Math.max(0, now - at) / 1000) * perSecond)
    at = now
    if (left < 1) return Math.ceil((1 - left) / perSecond)
    left -= 1
    return 0
  }
}
