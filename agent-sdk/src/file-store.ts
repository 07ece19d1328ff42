import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { JourneyFailed } from './journey-failed.ts'
import { formatKey, type StoreKey, type TokenStore } from './token-store.ts'

/**
 * A store in a folder of files that their owner alone can read (0700, 0600), for agents on the user's own machine: a
 * file for each key, so that processes that share the folder never write over each other's logins. A change is a new
 * file, on the disk before it takes the place of the old one: whoever reads sees one or the other.
 *
 * Its methods throw {@link JourneyFailed} `store.failed`.
 */
export function fileStore(folder: string): TokenStore {
  const fileOf = (key: StoreKey) =>
    join(folder, `${createHash('sha256').update(formatKey(key)).digest('base64url')}.json`)
  return {
    load: (key) => guarded(folder, () => readIfThere(fileOf(key))),
    save: (key, value) => guarded(folder, () => replace(folder, fileOf(key), value)),
    delete: (key) => guarded(folder, () => rm(fileOf(key), { force: true })),
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function replace(folder: string, file: string, value: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const next = `${file}.${randomUUID()}`
  try {
    await writeToDisk(next, value)
    await rename(next, file)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
}

async function writeToDisk(file: string, value: string): Promise<void> {
  const opened = await open(file, 'wx', 0o600)
  try {
    await opened.writeFile(value)
    await opened.sync()
  } finally {
    await opened.close()
  }
}

async function guarded<Value>(folder: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (cause) {
    const message = `The token store in ${folder} cannot be read or written (${codeOf(cause)}). Check who owns it and whether the disk is full.`
    throw new JourneyFailed('store.failed', message, { cause })
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
