import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fault } from './faults.ts'
import type { DatabaseFile } from './worker.ts'

export interface DatabaseFiles {
  readonly data: DatabaseFile
  readonly replay: DatabaseFile
}

/**
 * Makes the directory and its files where absent, readable by their owner alone; what SQLite puts beside a
 * database takes that database's mode. Throws `storage.unopenable`.
 */
export function prepareDirectory(directory: string): DatabaseFiles {
  const lock = join(directory, 'lock')
  const data = join(directory, 'tetrapod.db')
  const replay = join(directory, 'replay.db')
  makeFiles(directory, [lock, data, replay])
  return { data: { file: data, synchronous: 'FULL', lock }, replay: { file: replay, synchronous: 'NORMAL' } }
}

/** The lock of a directory without a database in it: a file that holds nothing. Throws as {@link prepareDirectory}. */
export function prepareLock(directory: string): DatabaseFile {
  const lock = join(directory, 'lock')
  makeFiles(directory, [lock])
  return { file: ':memory:', synchronous: 'NORMAL', lock }
}

function makeFiles(directory: string, files: readonly string[]): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const file of files) closeSync(openSync(file, 'a', 0o600))
  } catch (cause) {
    throw fault.unopenable({ detail: directory, cause })
  }
}
