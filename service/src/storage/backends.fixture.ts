import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Family } from '#grants'
import { Secret } from '#kernel'
import { findPostgres, freshSchema } from '../../../test/support/postgres.ts'
import { openStorage, type Storage, type StorageOptions } from './index.ts'

/** Makes an empty place for a test and returns the function that opens it, again and again; both end with the test. */
export type Backend = () => () => Promise<Storage>

/** Where a database lies. */
export type Place = Pick<StorageOptions, 'directory' | 'database'>

export const postgres = findPostgres()

/** Empty places, one for each call, gone with the test. */
export const places: readonly (readonly [string, () => Promise<Place>])[] = [
  ['sqlite', async () => ({ directory: emptyDirectory() })],
  ...(postgres === undefined ? [] : [['postgres', () => emptySchema(postgres)] as const]),
]

/** Every backend keeps every store's promises: the contract tests run over this list. */
export const backends: readonly (readonly [string, Backend])[] = places.map(([name, place]) => [
  name,
  () => {
    const made = place()
    return async () => opened(await made)
  },
])

export function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-storage-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export async function emptySchema(server: string): Promise<Required<Place>> {
  const directory = emptyDirectory()
  const { url, drop } = await freshSchema(server)
  onTestFinished(drop)
  return { directory, database: new Secret(url) }
}

export async function opened(place: Place): Promise<Storage> {
  const storage = await openStorage({ ...place, now: () => 1_700_000_000_000 })
  onTestFinished(() => storage.close())
  return storage
}

/** Runs `call` fifty times at once and counts how often it was true. */
export async function winnersOfFifty(call: (attempt: number) => Promise<boolean>): Promise<number> {
  const results = await Promise.all(Array.from({ length: 50 }, (_, attempt) => call(attempt)))
  return results.filter(Boolean).length
}

/** A login in a session that goes on, as a browser begins it. */
export async function begin({ sessions, families }: Storage, family: Family): Promise<boolean> {
  const { session: id, user: account } = family
  const cookie = `cookie of ${id}`
  const session = { id, account, authTime: 1, acr: 'pwd', expiresAt: 2_000_000_000 }
  if ((await sessions.find(cookie)) === undefined) await sessions.insert(cookie, session)
  return families.insert(family)
}
