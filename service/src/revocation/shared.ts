/**
 * One run of `work` at a time. Who asks while it runs shares the next run with all who ask then: what it finds was there
 * when they asked.
 */
export function shared<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let running: Promise<unknown> | undefined
  let next: Promise<Value> | undefined
  const run = (): Promise<Value> => {
    next = undefined
    const started = work()
    running = started.then(ended, ended)
    return started
  }
  const ended = () => {
    if (next === undefined) running = undefined
  }
  return () => (running === undefined ? run() : (next ??= running.then(run)))
}
