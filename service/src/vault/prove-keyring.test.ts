import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openLocalKeyring } from './local-keyring.ts'
import { proveKeyring } from './prove-keyring.ts'
import type { Sealed } from './sealed.ts'
import type { SecretStore } from './secret-store.ts'
import { createVault } from './vault.ts'

const foreign = { code: 'vault.keyring_foreign', message: expect.stringContaining('Copy keyring.json') }

describe('a keyring', () => {
  test('is proven by the first start, and by every other one that has a copy of it', async () => {
    const database = emptyDatabase()
    const [first, second] = [await replica(database), await replica(database)]
    await first.prove()
    await copyFile(first.file, second.file)
    await second.prove()
    const sealed = await (await first.vault()).seal(row, Buffer.from('x'))
    expect(Buffer.from(await (await second.vault()).open(row, sealed)).toString()).toBe('x')
    await first.prove()
  })

  test('that is not there is refused on a database that has one, and none is made', async () => {
    const database = emptyDatabase()
    await (await replica(database)).prove()
    const before = new Map(database.rows)
    const second = await replica(database)
    await expect(second.prove()).rejects.toMatchObject(foreign)
    expect(existsSync(second.file)).toBe(false)
    expect(database.rows).toEqual(before)
  })

  test('of two first starts at once with two keyrings one has the database, and the other leaves nothing in it', async () => {
    for (let round = 0; round < 10; round += 1) {
      const database = emptyDatabase()
      const both = [await replica(database), await replica(database)]
      const ends = await Promise.allSettled(both.map(({ prove }) => prove()))
      const winner = both[ends.findIndex(({ status }) => status === 'fulfilled')]
      expect(ends.map(({ status }) => status).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
        'fulfilled',
        'rejected',
      ])
      expect(ends.find((end) => end.status === 'rejected')?.reason).toMatchObject(foreign)
      await winner?.prove()
    }
  })

  test('that was copied before it had a key for every purpose is refused', async () => {
    const database = emptyDatabase()
    const [first, second] = [await replica(database), await replica(database)]
    await first.prove()
    const { keys } = JSON.parse(await readFile(first.file, 'utf8')) as { keys: Record<string, string> }
    delete keys['local/oauth/1']
    await writeFile(second.file, JSON.stringify({ keys }), { mode: 0o600 })
    await expect(second.prove()).rejects.toMatchObject(foreign)
  })

  test('is not blamed for a database that cannot be read', async () => {
    const database = emptyDatabase()
    database.store.find = () => Promise.reject(new Error('connection lost'))
    await expect((await replica(database)).prove()).rejects.toThrow('connection lost')
  })
})

const row = { purpose: 'oauth', record: 'r', field: 'f', version: 1 } as const

function emptyDatabase() {
  const rows = new Map<string, Sealed>()
  const store: { -readonly [K in keyof SecretStore]: SecretStore[K] } = {
    find: async (name) => rows.get(name),
    async insert(name, sealed) {
      if (rows.has(name)) return false
      rows.set(name, sealed)
      return true
    },
  }
  return { rows, store }
}

/** A data directory on a database. */
async function replica({ store }: ReturnType<typeof emptyDatabase>) {
  const directory = await mkdtemp(join(tmpdir(), 'tetrapod-keyring-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'keyring.json')
  const vault = async () =>
    createVault({
      keyring: await openLocalKeyring({ file }),
      secrets: store,
      partitionKeys: { find: async () => undefined, insert: async () => true },
      clock: { now: () => 1 },
    })
  return { file, vault, prove: async () => proveKeyring(await vault()) }
}
