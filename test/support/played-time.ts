/** Time that stands still but for the test: `pass` lets it go on without a reading, `wake` lets the service read. */
export function playedTime() {
  let elapsed = 0
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()
  const wake = (these: (until: number) => boolean) => {
    for (const sleeper of sleepers) {
      if (!these(sleeper.until)) continue
      sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
  return {
    elapsed: () => elapsed,
    sleep: (milliseconds: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
        sleepers.add({ until: elapsed + milliseconds, wake: resolve })
      }),
    /** Wakes whoever waits for seconds; who reads every half second oversleeps. */
    pass(milliseconds: number) {
      const began = elapsed
      elapsed += milliseconds
      wake((until) => until - began > 1000 && until <= elapsed)
    },
    wake: () => wake(() => true),
  }
}
