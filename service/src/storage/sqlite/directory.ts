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
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const file of [lock, data, replay]) closeSync(openSync(file, 'a', 0o600))
  } catch (cause) {
    throw fault.unopenable({ detail: directory, cause })
  }
  return { data: { file: data, synchronous: 'FULL', lock }, replay: { file: replay, synchronous: 'NORMAL' } }
}
