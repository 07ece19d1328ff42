import { createSecretKey } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLocalKeyring } from './local-keyring.ts'
import { writeRecord } from './record.ts'
import type { RowKey, Sealed } from './sealed.ts'
import { createVault } from './vault.ts'

interface Vector {
  readonly key: RowKey
  readonly kekName: string
  readonly kek: string
  /** The key-encryption key of the row in `dataKey`, where the record is of a partition. */
  readonly kekOfPartition?: string
  /** The sealed data key of the partition. */
  readonly dataKey?: string
  readonly dek: string
  readonly wrapped: string
  readonly salt: string
  readonly iv: string
  readonly plaintext: string
  readonly sealed: string
}

// vectors.py made them: another implementation, another language.
const vectors = JSON.parse(
  readFileSync(new URL('vectors.json', import.meta.url), 'utf8'),
) as readonly Vector[]

test('there are vectors for every purpose, with and without user, provider and partition', () => {
  expect(vectors.map(({ key }) => key.purpose)).toEqual(['signing', 'service', 'oauth', 'audit', 'audit'])
})

test.each(vectors)('what another implementation sealed for $key.purpose opens here', async (vector) => {
  const file = join(mkdtempSync(join(tmpdir(), 'vectors-')), 'keyring.json')
  const keys = {
    [vector.kekOfPartition ?? vector.kekName]: Buffer.from(vector.kek, 'hex').toString('base64url'),
  }
  writeFileSync(file, JSON.stringify({ keys }), { mode: 0o600 })
  const secrets = { find: async () => undefined, insert: async () => false }
  const dataKey = Buffer.from(vector.dataKey ?? '', 'hex') as Uint8Array as Sealed
  const vault = createVault({
    keyring: await openLocalKeyring({ file }),
    secrets,
    partitionKeys: { find: async () => dataKey, insert: async () => false },
    clock: { now: () => 1_800_000_000_000 },
  })

  const opened = await vault.open(vector.key, Buffer.from(vector.sealed, 'hex'))
  expect(Buffer.from(opened).toString('hex')).toBe(vector.plaintext)
})

test.each(vectors)('what is sealed here for $key.purpose is the same to the byte', (vector) => {
  const dataKey = {
    kekName: vector.kekName,
    dek: createSecretKey(vector.dek, 'hex'),
    wrapped: Buffer.from(vector.wrapped, 'hex'),
  }
  const fresh = { salt: Buffer.from(vector.salt, 'hex'), iv: Buffer.from(vector.iv, 'hex') }
  const sealed = writeRecord(vector.key, dataKey, Buffer.from(vector.plaintext, 'hex'), fresh)
  expect(Buffer.from(sealed).toString('hex')).toBe(vector.sealed)
})
