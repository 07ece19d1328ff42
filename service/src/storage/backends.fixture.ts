import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openStorage, type Storage } from './index.ts'

/** Makes an empty place for a test and returns the function that opens it, again and again; both end with the test. */
export type Backend = () => () => Promise<Storage>

/** Every backend keeps every store's promises: the contract tests run over this list. */
export const backends: readonly (readonly [string, Backend])[] = [
  [
    'sqlite',
    () => {
      const directory = emptyDirectory()
      return () => opened(directory)
    },
  ],
]

export function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-storage-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export async function opened(directory: string): Promise<Storage> {
  const storage = await openStorage({ directory, now: () => 1_700_000_000_000 })
  onTestFinished(() => storage.close())
  return storage
}

/** Runs `call` fifty times at once and counts how often it was true. */
export async function winnersOfFifty(call: (attempt: number) => Promise<boolean>): Promise<number> {
  const results = await Promise.all(Array.from({ length: 50 }, (_, attempt) => call(attempt)))
  return results.filter(Boolean).length
}
