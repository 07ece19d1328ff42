import type { Clock, Log } from '#kernel'
import { type BackOff, createBackOff } from './back-off.ts'
import { type Bulkhead, createBulkhead } from './bulkhead.ts'
import { fault } from './faults.ts'

/** Hashes run in threads that the database and the files need too: more at once would stall every call. */
const HASHES_AT_ONCE = 2
const HASHES_WAITING_MAX = 16
/** When somebody who found no place in the line should come again, in seconds. */
const BUSY_SECONDS = 2

/** What holds back who tries passwords. It outlives the users: whoever guesses gains nothing from an edit of the catalogue. */
export interface Attempts {
  readonly backOff: BackOff
  readonly inTurn: Bulkhead
}

export function createAttempts({ clock, log }: { readonly clock: Clock; readonly log: Log }): Attempts {
  return {
    backOff: createBackOff({ clock, log }),
    inTurn: createBulkhead({
      atOnce: HASHES_AT_ONCE,
      waitingMax: HASHES_WAITING_MAX,
      full: () => fault.busy({ data: { retry_after: BUSY_SECONDS } }),
    }),
  }
}
