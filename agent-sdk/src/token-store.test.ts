import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileStore } from './file-store.ts'
import { formatKey, memoryStore, type StoreKey, type TokenStore } from './token-store.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tetrapod-store-'))
})
afterAll(() => rm(folder, { recursive: true }))

const stores: Readonly<Record<string, () => TokenStore>> = {
  memory: memoryStore,
  files: () => fileStore(join(folder, 'files')),
}
const key: StoreKey = { issuer: 'https://as', resource: 'https://mcp/a', clientId: 'c' }

describe.each(Object.entries(stores))('a store in %s', (_, open) => {
  test('gives back what was saved last, until it is deleted', async () => {
    const store = open()
    expect(await store.load(key)).toBeUndefined()
    await store.save(key, 'one')
    await store.save(key, 'two')
    expect(await store.load(key)).toBe('two')
    await store.delete(key)
    await store.delete(key)
    expect(await store.load(key)).toBeUndefined()
  })

  test('keeps apart what differs in issuer, resource, client or user', async () => {
    const store = open()
    await store.save(key, 'mine')
    const others: readonly StoreKey[] = [
      { issuer: key.issuer },
      { ...key, issuer: 'https://as/' },
      { ...key, resource: 'https://mcp/b' },
      { ...key, clientId: 'd' },
      { ...key, user: 'ada' },
    ]
    for (const other of others) expect(await store.load(other)).toBeUndefined()
    await Promise.all(others.map((other, index) => store.save(other, `${index}`)))
    expect(await Promise.all(others.map((other) => store.load(other)))).toEqual(['0', '1', '2', '3', '4'])
    expect(await store.load(key)).toBe('mine')
  })
})

test('no two keys are written alike', () => {
  const keys = fc.record({
    issuer: fc.string(),
    resource: fc.string({ minLength: 1 }),
    user: fc.string({ minLength: 1 }),
  })
  fc.assert(
    fc.property(keys, keys, (one, other) => {
      expect(formatKey(one) === formatKey(other)).toBe(
        one.issuer === other.issuer && one.resource === other.resource && one.user === other.user,
      )
    }),
  )
})

test.each([' ', ',', '"', '","'])('nor do they when a part holds %j', (mark) => {
  const one = formatKey({ issuer: `a${mark}b`, resource: 'c' })
  expect(one).not.toBe(formatKey({ issuer: 'a', resource: `b${mark}c` }))
})

describe('a store in files', () => {
  test('is readable by its owner alone, and leaves nothing half written behind', async () => {
    const own = join(folder, 'own')
    await Promise.all(['a', 'b', 'c'].map((value) => fileStore(own).save(key, value)))
    expect((await stat(own)).mode & 0o777).toBe(0o700)
    const files = await readdir(own)
    expect(files).toHaveLength(1)
    for (const file of files) expect((await stat(join(own, file))).mode & 0o777).toBe(0o600)
  })

  test('is read by the next process', async () => {
    const own = join(folder, 'next')
    await fileStore(own).save(key, 'kept')
    expect(await fileStore(own).load(key)).toBe('kept')
  })

  test('that cannot be written says so, without the value', async () => {
    const file = join(folder, 'a-file')
    await writeFile(file, '')
    const saved = fileStore(file).save(key, 'sesame')
    await expect(saved).rejects.toMatchObject({ code: 'store.failed' })
    await expect(saved).rejects.not.toThrow('sesame')
  })
})
