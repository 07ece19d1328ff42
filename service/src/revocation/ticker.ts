import { setTimeout } from 'node:timers/promises'

/** Time that only goes on: a clock that is set must not make old news look new. Handed in so that tests play it. */
export interface Ticker {
  /** Milliseconds since some moment. */
  elapsed(): number
  /** Resolves after so many milliseconds, or once the signal is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

/** Keeps no process alive. */
export const systemTicker: Ticker = {
  elapsed: () => performance.now(),
  async sleep(milliseconds, signal) {
    await setTimeout(milliseconds, undefined, { signal, ref: false }).catch(() => {})
  },
}
