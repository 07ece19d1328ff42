/** Runs tasks one after the other, in the order they came. A task that fails does not hold up the next. */
export type Queue = <Value>(task: () => Promise<Value>) => Promise<Value>

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const next = last.then(task, task)
    last = next.catch(() => {})
    return next
  }
}
