import { FEED_STALE_MS } from '@tetrapod/protocol'
import type { Ticker } from './ticker.ts'

/** Whether what was read last is new enough to answer by. */
export interface Freshness {
  readonly current: boolean
  /** Notes a reading that began then (`elapsed` of the ticker) and succeeded. */
  read(began: number): void
}

/** Calls `turned` when it goes stale, and when it is current again: by itself, without being asked. */
export function createFreshness(
  { ticker, signal }: { readonly ticker: Ticker; readonly signal: AbortSignal },
  turned: (current: boolean) => void,
): Freshness {
  let readAt = -Infinity
  let current = false
  const left = () => readAt + FEED_STALE_MS - ticker.elapsed()
  const watch = async () => {
    while (left() >= 0 && !signal.aborted) await ticker.sleep(left() + 1, signal)
    if (signal.aborted) return
    current = false
    turned(false)
  }
  return {
    get current() {
      return left() >= 0
    },
    read(began) {
      const first = readAt === -Infinity
      readAt = began
      if (current || left() < 0) return
      current = true
      if (!first) turned(true)
      void watch()
    },
  }
}
