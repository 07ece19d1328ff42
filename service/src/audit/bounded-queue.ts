interface Weighed {
  /** About how many bytes it will take in a bundle. */
  readonly bytes: number
}

export interface Bounds {
  readonly records: number
  readonly bytes: number
}

export interface BoundedQueue<T> {
  /** False when there is no room: then nothing was added. */
  add(item: T): boolean
  /** From the front, at most so much, but one at least where there is one. */
  take(bounds: Bounds): readonly T[]
  takeAll(): readonly T[]
  size(): number
}

/** First in, first out, bounded by number and by bytes. */
export function boundedQueue<T extends Weighed>(max: Bounds): BoundedQueue<T> {
  let items: readonly T[] = []
  let added: T[] = []
  let bytes = 0

  function take(bounds: Bounds): readonly T[] {
    items = [...items, ...added]
    added = []
    const count = fitting(items, bounds)
    const taken = items.slice(0, count)
    items = items.slice(count)
    bytes -= total(taken)
    return taken
  }

  return {
    add(item) {
      if (items.length + added.length >= max.records || bytes + item.bytes > max.bytes) return false
      added.push(item)
      bytes += item.bytes
      return true
    },
    take,
    takeAll: () => take({ records: Infinity, bytes: Infinity }),
    size: () => items.length + added.length,
  }
}

function fitting(items: readonly Weighed[], { records, bytes }: Bounds): number {
  let room = bytes
  const beyond = items.findIndex((item, i) => {
    room -= item.bytes
    return i >= records || (i > 0 && room < 0)
  })
  return beyond === -1 ? items.length : beyond
}

function total(items: readonly Weighed[]): number {
  return items.reduce((sum, item) => sum + item.bytes, 0)
}
