import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Fault } from '#kernel'
import { followedFile } from './follow-file.ts'
import type { Reloaded } from './reload.ts'

const RELOADED: Reloaded = { digest: 'd', added: [], removed: [], warnings: [] }

/** A file that says `first`, followed by a service that was started with it. */
async function followed(failures: readonly Fault[] = []) {
  const directory = await mkdtemp(join(tmpdir(), 'tetrapod-follow-'))
  const file = join(directory, 'tetrapod.yaml')
  await writeFile(file, 'first')
  const loaded: string[] = []
  const refused: unknown[] = []
  const write = () => {}
  const state = { pauses: 0 }
  const end = followedFile({
    file,
    text: 'first',
    reloading: {
      refuse: (error) => void refused.push(error),
      async reload(text) {
        const failure = failures[loaded.push(text) - 1]
        if (failure !== undefined) throw failure
        return RELOADED
      },
    },
    ticker: {
      elapsed: () => 0,
      async sleep() {
        state.pauses++
        await new Promise((resolve) => setImmediate(resolve))
      },
    },
    log: { info: write, warn: write, error: write },
  }).follow()
  onTestFinished(async () => {
    end()
    await rm(directory, { recursive: true, force: true })
  })
  return { file, loaded, refused, state }
}

test('what the service was started with, or has already, is not loaded again', async () => {
  const { file, loaded, state } = await followed()
  await expect.poll(() => state.pauses).toBeGreaterThan(0)
  await rm(file)
  await writeFile(`${file}.new`, 'second')
  await writeFile(file, 'second')
  await expect.poll(() => loaded.at(-1)).toBe('second')
  expect(loaded).not.toContain('first')
})

test('what is wrong is not tried again; what could not be done now is, until it is', async () => {
  const unavailable = new Fault('audit.unavailable', 'unavailable', 'Not now.')
  const wrong = new Fault('catalogue.invalid', 'invalid', 'Mend it.')
  const { file, loaded, state } = await followed([unavailable, unavailable, wrong])
  await expect.poll(() => state.pauses).toBeGreaterThan(0)
  await writeFile(file, 'second')
  await expect.poll(() => loaded).toEqual(['second', 'second', 'second'])
})
