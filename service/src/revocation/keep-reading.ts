import type { Ticker } from './ticker.ts'

/** Calls `heard` when there may be something new to read. Returns what ends it. Nothing depends on its being called. */
export type WakeUp = (heard: () => void) => () => void

/** How often the feed is read, in milliseconds. */
export const READ_MS = 500

/** Reads again and again: every half second, and at once when woken. Whether it succeeds is for `read` to note. */
export function keepReading({
  read,
  wakeUp,
  ticker,
  signal,
}: {
  readonly read: () => Promise<unknown>
  readonly wakeUp: WakeUp
  readonly ticker: Ticker
  readonly signal: AbortSignal
}): void {
  let pause = new AbortController()
  const wake = () => pause.abort()
  const end = wakeUp(wake)
  signal.addEventListener('abort', wake, { once: true })
  const readOn = async () => {
    while (!signal.aborted) {
      await ticker.sleep(READ_MS, pause.signal)
      // What wakes while it is being read may have come too late for it.
      pause = new AbortController()
      if (!signal.aborted) await read().catch(() => {})
    }
    end()
  }
  void readOn()
}
