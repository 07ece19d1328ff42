/**
 * One run of `work` at a time. Of what is asked while it runs the last counts: all who asked share the one run that comes
 * next, with what was asked last.
 */
export function oneAtATime<Input, Output>(
  work: (input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  let running: Promise<unknown> | undefined
  let next: { input: Input; readonly run: Promise<Output> } | undefined
  const start = (input: Input): Promise<Output> => {
    const run = work(input)
    const ended = () => {
      if (running === over) running = undefined
    }
    const over: Promise<void> = run.then(ended, ended)
    running = over
    return run
  }
  const after = async (before: Promise<unknown>, first: Input): Promise<Output> => {
    await before
    const input = next === undefined ? first : next.input
    next = undefined
    return start(input)
  }
  return (input) => {
    if (next !== undefined) {
      next.input = input
      return next.run
    }
    if (running === undefined) return start(input)
    next = { input, run: after(running, input) }
    return next.run
  }
}
