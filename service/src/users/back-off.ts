import { LRUCache } from 'lru-cache'
import type { Clock, Log } from '#kernel'
import { fault } from './faults.ts'

/** Wrong passwords in a row that are let through without a wait. */
const FREE_TRIES = 5
const WAIT_SECONDS_MAX = 60
/** So many names are remembered; the one tried longest ago is forgotten first. */
const NAMES_MAX = 10_000

/** Slows down who guesses passwords: under one user name, whether there is such a user or not. */
export interface BackOff {
  /** Throws `users.too_many_tries` while the name has to wait. */
  check(name: string): void
  /** One try under a name: `matches` tells whether the password was right. Throws as `check` does, without asking it. */
  attempt(name: string, matches: () => Promise<boolean>): Promise<boolean>
}

export function createBackOff({ clock, log }: { readonly clock: Clock; readonly log: Log }): BackOff {
  const tries = new LRUCache<string, Tries>({ max: NAMES_MAX })
  const check = (name: string) => {
    const waitMs = (tries.get(name)?.notBefore ?? 0) - clock.now()
    if (waitMs > 0) throw fault.too_many_tries({ data: { retry_after: Math.ceil(waitMs / 1000) } })
  }
  return {
    check,
    async attempt(name, matches) {
      check(name)
      // Counted as wrong until it is right: of many tries at the same time each one counts.
      const failed = (tries.get(name)?.failed ?? 0) + 1
      tries.set(name, { failed, notBefore: clock.now() + waitSeconds(failed) * 1000 })
      const right = await matches()
      if (right) tries.delete(name)
      else if (failed === FREE_TRIES)
        log.warn({ failed }, 'wrong passwords in a row for one user name: every further try has to wait')
      return right
    },
  }
}

interface Tries {
  /** In a row. */
  readonly failed: number
  /** Milliseconds since the epoch. */
  readonly notBefore: number
}

function waitSeconds(failed: number): number {
  return failed < FREE_TRIES ? 0 : Math.min(WAIT_SECONDS_MAX, 2 ** (failed - FREE_TRIES + 1))
}
