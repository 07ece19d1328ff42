import { expect, test } from 'vitest'
import { oneAtATime } from './one-at-a-time.ts'

/** A work whose runs the test ends, in turn. */
function held() {
  const runs: { readonly input: string; readonly end: PromiseWithResolvers<string> }[] = []
  const ask = oneAtATime((input: string) => {
    const end = Promise.withResolvers<string>()
    runs.push({ input, end })
    return end.promise
  })
  return { runs, ask }
}
const idle = () => new Promise((resolve) => setImmediate(resolve))

test('who asks while it runs shares one run with all who do, with what was asked last', async () => {
  const { runs, ask } = held()
  const answers = ['a', 'b', 'c'].map((input) => ask(input))
  expect(runs.map(({ input }) => input)).toEqual(['a'])
  runs[0]?.end.resolve('A')
  await idle()
  expect(runs.map(({ input }) => input)).toEqual(['a', 'c'])
  const later = ask('d')
  runs[1]?.end.resolve('C')
  expect(await Promise.all(answers)).toEqual(['A', 'C', 'C'])
  await idle()
  runs[2]?.end.resolve('D')
  expect(await later).toBe('D')
})

test('a run that fails fails for those who asked for it, and the next one runs', async () => {
  const { runs, ask } = held()
  const [first, second] = [ask('a'), ask('b')]
  runs[0]?.end.reject(new Error('no'))
  await expect(first).rejects.toThrow('no')
  await idle()
  runs[1]?.end.resolve('B')
  expect(await second).toBe('B')
  const third = ask('c')
  runs[2]?.end.resolve('C')
  expect(await third).toBe('C')
})
