/** Who wants to be told when one of several keys is heard of. */
export interface Watch {
  /** Calls `stop` the first time one of the keys is. Returns what ends it. */
  add(keys: readonly string[], stop: () => void): () => void
  stop(key: string): void
}

export function createWatch(): Watch {
  const byKey = new Map<string, Set<() => void>>()
  const forget = (key: string, stopped: () => void) => {
    const waiting = byKey.get(key)
    waiting?.delete(stopped)
    if (waiting?.size === 0) byKey.delete(key)
  }
  return {
    add(keys, stop) {
      const end = () => {
        for (const key of keys) forget(key, stopped)
      }
      const stopped = () => {
        end()
        stop()
      }
      for (const key of keys) byKey.set(key, (byKey.get(key) ?? new Set()).add(stopped))
      return end
    },
    stop(key) {
      for (const stopped of byKey.get(key) ?? []) stopped()
    },
  }
}
