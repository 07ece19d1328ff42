import { setTimeout } from 'node:timers/promises'
import { type Clock, systemClock } from '@tetrapod/protocol'

/** What reaches outside: the network and the time. Handed in by tests and by those who have a client of their own. */
export interface Io {
  readonly fetch?: typeof fetch
  readonly clock?: Clock
  /** Milliseconds since some moment, by a clock that nobody sets. */
  readonly elapsed?: () => number
  /** Resolves after so many milliseconds, or once the signal is aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

export function ioOf({
  fetch = globalThis.fetch,
  clock = systemClock,
  elapsed = () => performance.now(),
  sleep = systemSleep,
}: Io): Required<Io> {
  return { fetch, clock, elapsed, sleep }
}

/** Keeps no process alive. */
async function systemSleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal, ref: false }).catch(() => {})
}
