import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { watchFile } from './watch-file.ts'

const idle = () => new Promise((resolve) => setImmediate(resolve))

/** A watched file, and the pauses that were asked for. */
async function watched(answers: readonly boolean[] = [], directory?: string) {
  const made = await mkdtemp(join(tmpdir(), 'tetrapod-watch-'))
  const stop = new AbortController()
  onTestFinished(async () => {
    stop.abort()
    await rm(made, { recursive: true })
  })
  const pauses: number[] = []
  const failures: unknown[] = []
  const state = { looks: 0 }
  const file = join(directory ?? made, 'tetrapod.yaml')
  watchFile({
    file,
    signal: stop.signal,
    ticker: {
      elapsed: () => 0,
      async sleep(milliseconds) {
        pauses.push(milliseconds)
        await idle()
      },
    },
    look: async () => answers[state.looks++] ?? false,
    failed: (error) => failures.push(error),
  })
  return { file, directory: made, pauses, failures, state, stop }
}

test('is looked at once at first, and after each change of its own alone', async () => {
  const { file, directory, state } = await watched()
  await expect.poll(() => state.looks).toBe(1)
  await writeFile(join(directory, 'other.yaml'), 'x')
  await writeFile(file, 'x')
  await expect.poll(() => state.looks).toBeGreaterThan(1)
})

test('is looked at again although nothing happened where that was asked for, and no longer once it was not', async () => {
  const { pauses, state } = await watched([true, true, false])
  await expect.poll(() => state.looks).toBe(3)
  await idle()
  expect([state.looks, pauses]).toEqual([3, [100, 5000, 5000]])
})

test('is looked at no more after the end', async () => {
  const { file, state, stop } = await watched()
  await expect.poll(() => state.looks).toBe(1)
  stop.abort()
  await writeFile(file, 'x')
  for (let turn = 0; turn < 20; turn++) await idle()
  expect(state.looks).toBe(1)
})

test('says that it cannot be watched where its directory is not there, and is looked at once all the same', async () => {
  const { failures, state } = await watched([], '/nowhere/at/all')
  expect(failures).toHaveLength(1)
  await expect.poll(() => state.looks).toBe(1)
})
