/** Runs a work when it is its turn. */
export type Bulkhead = <T>(work: () => Promise<T>) => Promise<T>

/**
 * Keeps costly work from taking everything: at most `atOnce` run at the same time, at most `waitingMax` more wait in
 * line. Any beyond is refused at once with what `full` makes.
 */
export function createBulkhead(limits: {
  readonly atOnce: number
  readonly waitingMax: number
  readonly full: () => Error
}): Bulkhead {
  const { atOnce, waitingMax, full } = limits
  const line: (() => void)[] = []
  let running = 0

  const turn = async () => {
    if (running < atOnce) {
      running += 1
      return
    }
    if (line.length >= waitingMax) throw full()
    await new Promise<void>((resolve) => line.push(resolve))
  }
  return async (work) => {
    await turn()
    try {
      return await work()
    } finally {
      // A place is handed on, so that nobody slips in between.
      const next = line.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
