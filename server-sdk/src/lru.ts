/** A map that holds at most so many entries: the one used longest ago makes room. */
export interface Lru<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
}

/** A `Map` iterates in the order of insertion: what is inserted again on every use is forgotten last. */
export function createLru<Value>(entriesMax: number): Lru<Value> {
  const entries = new Map<string, Value>()
  const put = (key: string, value: Value): void => {
    entries.delete(key)
    entries.set(key, value)
  }
  return {
    get(key) {
      const value = entries.get(key)
      if (value !== undefined) put(key, value)
      return value
    },
    set(key, value) {
      put(key, value)
      const [oldest] = entries.keys()
      if (entries.size > entriesMax && oldest !== undefined) entries.delete(oldest)
    },
    delete(key) {
      entries.delete(key)
    },
  }
}
