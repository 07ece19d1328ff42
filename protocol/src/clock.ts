/** Time, handed in so that tests can set it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** Whole seconds since the epoch, rounded down: the unit of `iat` and `exp` (RFC 7519 §2, NumericDate). */
export function nowSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000)
}
