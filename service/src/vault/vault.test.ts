import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Keyring } from './keyring.ts'
import { openLocalKeyring } from './local-keyring.ts'
import type { Partition, RowKey, Sealed } from './sealed.ts'
import { createVault } from './vault.ts'

const row: RowKey = {
  purpose: 'oauth',
  record: 'record-1',
  field: 'payload',
  version: 3,
  user: 'u1',
  provider: 'corp',
}
const secret = Buffer.from('canary-refresh-token')
const unopenable = { code: 'vault.unopenable', kind: 'internal' }

describe('a sealed record', () => {
  test('opens for its row, whatever it holds', async () => {
    const { vault } = await setUp()
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((s) => s !== '-')
    const key = fc.record({
      purpose: fc.constantFrom('service' as const, 'signing' as const, 'oauth' as const, 'audit' as const),
      record: text,
      field: text,
      version: fc.nat(),
    })
    const property = fc.asyncProperty(key, fc.uint8Array({ maxLength: 300 }), async (key, plaintext) => {
      const opened = await vault.open(key, await vault.seal(key, plaintext))
      expect(Buffer.from(opened).equals(Buffer.from(plaintext))).toBe(true)
    })
    await fc.assert(property, { numRuns: 50 })
  })

  test.each<Partial<RowKey>>([
    { purpose: 'audit' },
    { record: 'record-2' },
    { field: 'payload2' },
    { version: 2 },
    { version: 4 },
    { user: 'u2' },
    { provider: 'partner' },
    { partition: 'u1/2026-01-31' },
  ])('does not open for a row with %o', async (other) => {
    const { vault } = await setUp()
    const sealed = await vault.seal(row, secret)
    await expect(vault.open({ ...row, ...other }, sealed)).rejects.toMatchObject(unopenable)
  })

  test.each(['user', 'provider'] as const)('does not open for a row without its %s', async (part) => {
    const { vault } = await setUp()
    const sealed = await vault.seal(row, secret)
    const { [part]: _, ...rest } = row
    await expect(vault.open(rest, sealed)).rejects.toMatchObject(unopenable)
  })

  // The same names in the same order of a joined string: only lengths tell them apart.
  test('does not open where the end of one part became the start of the next', async () => {
    const { vault } = await setUp()
    const sealed = await vault.seal({ ...row, provider: 'ab', user: 'c' }, secret)
    await expect(vault.open({ ...row, provider: 'a', user: 'bc' }, sealed)).rejects.toMatchObject(unopenable)
  })

  test('does not open with any byte changed', async () => {
    const { vault } = await setUp()
    const sealed = await vault.seal(row, secret)
    for (const at of sealed.keys()) {
      const changed = Uint8Array.from(sealed)
      changed[at]! ^= 0x01
      await expect(vault.open(row, changed), `byte ${at}`).rejects.toMatchObject(unopenable)
    }
  })

  test('does not open cut short anywhere, nor with bytes added', async () => {
    const { vault } = await setUp()
    const sealed = await vault.seal(row, secret)
    for (const length of sealed.keys()) {
      await expect(vault.open(row, sealed.subarray(0, length)), `${length}`).rejects.toMatchObject(unopenable)
    }
    await expect(vault.open(row, Buffer.concat([sealed, Buffer.alloc(1)]))).rejects.toMatchObject(unopenable)
  })

  test('does not open under a format or suite that is not ours', async () => {
    const { vault } = await setUp()
    const sealed = await vault.seal(row, secret)
    for (const head of [
      [0, 1],
      [2, 1],
      [1, 0],
      [1, 2],
    ]) {
      const changed = Buffer.concat([Uint8Array.from(head), sealed.subarray(2)])
      const refused = { ...unopenable, detail: expect.stringMatching(/^unknown (format|suite)$/) }
      await expect(vault.open(row, changed)).rejects.toMatchObject(refused)
    }
  })

  test('does not open with another keyring, though its keys have the same names', async () => {
    const sealed = await (await setUp()).vault.seal(row, secret)
    await expect((await setUp()).vault.open(row, sealed)).rejects.toMatchObject(unopenable)
  })

  test('shares no data key, salt or iv with another, be it of the same row', async () => {
    const { vault } = await setUp()
    const [a, b] = [parts(await vault.seal(row, secret)), parts(await vault.seal(row, secret))]
    expect(a.wrapped.equals(b.wrapped)).toBe(false)
    expect(a.salt.equals(b.salt)).toBe(false)
    expect(a.iv.equals(b.iv)).toBe(false)
  })

  test('says nothing of what it holds, sealed or refused', async () => {
    const { vault } = await setUp()
    const sealed = await vault.seal(row, secret)
    expect(Buffer.from(sealed).includes(secret)).toBe(false)
    const error: unknown = await vault.open({ ...row, user: 'u2' }, sealed).catch((error: unknown) => error)
    expect(inspect(error, { depth: 9 })).not.toContain('canary')
  })
})

test.each<Partial<RowKey>>([
  { user: '-' },
  { provider: '' },
  { record: '' },
  { record: 'x'.repeat(4097) },
  { record: '\ud800' },
  { partition: '-' },
  { version: -1 },
  { version: 1.5 },
])('a row key that could be mistaken for another is refused: %o', async (part) => {
  const { vault } = await setUp()
  await expect(vault.seal({ ...row, ...part }, secret)).rejects.toMatchObject({
    code: 'vault.row_key_invalid',
  })
})

describe('a secret of the service', () => {
  test('is 32 bytes, the same after a restart, and prints nothing', async () => {
    const { vault, open } = await setUp()
    const first = await vault.keep('tickets')
    const again = await open().keep('tickets')
    expect(first.reveal()).toHaveLength(32)
    expect(Buffer.from(again.reveal())).toEqual(Buffer.from(first.reveal()))
    expect(inspect(first)).toBe('[secret]')
  })

  test('has one value when many ask for it first', async () => {
    const { vault } = await setUp()
    const all = await Promise.all(Array.from({ length: 10 }, () => vault.keep('cookies')))
    expect(new Set(all.map((one) => Buffer.from(one.reveal()).toString('hex'))).size).toBe(1)
  })

  test('differs from every other, and does not open under another name', async () => {
    const { vault, rows } = await setUp()
    const [a, b] = [await vault.keep('tickets'), await vault.keep('cookies')]
    expect(Buffer.from(a.reveal()).equals(Buffer.from(b.reveal()))).toBe(false)
    rows.set('cookies', rows.get('tickets')!)
    await expect(vault.keep('cookies')).rejects.toMatchObject(unopenable)
  })

  test('is refused when the store neither takes nor finds it', async () => {
    const { keyring, partitionKeys, clock } = await setUp()
    const secrets = { find: async () => undefined, insert: async () => false }
    const kept = createVault({ keyring, secrets, partitionKeys, clock }).keep('tickets')
    await expect(kept).rejects.toMatchObject({ code: 'vault.secret_lost' })
  })
})

describe('the rows of a partition', () => {
  const day = { purpose: 'audit', user: 'u1', partition: 'u1/2026-01-31' } as const
  const entry: RowKey = { ...day, record: 'r1/1', field: 'arguments', version: 0 }

  test('share a data key that lies apart from them, and still no salt, iv or encryption key', async () => {
    const { vault, calls, partitionKeys } = await setUp()
    const [one, two] = await Promise.all([vault.sealer(day), vault.sealer(day)])
    const [a, b] = [parts(one(entry, secret)), parts(two(entry, secret))]
    expect(calls.generate).toBe(1)
    expect(partitionKeys.rows.size).toBe(1)
    expect([a.wrapped.length, b.wrapped.length]).toEqual([0, 0])
    expect(a.salt.equals(b.salt)).toBe(false)
    expect(a.iv.equals(b.iv)).toBe(false)
    expect(a.commitment.equals(b.commitment)).toBe(false)
  })

  test('open each for itself, after a restart too', async () => {
    const { vault, open } = await setUp()
    const sealed = (await vault.sealer(day))(entry, secret)
    expect(Buffer.from(await open().open(entry, sealed))).toEqual(secret)
  })

  test('are erased with the key of their partition, in every process within 60 seconds', async () => {
    const { vault, partitionKeys, clock, open } = await setUp()
    const sealed = (await vault.sealer(day))(entry, secret)
    partitionKeys.rows.clear()
    await expect(open().open(entry, sealed)).rejects.toMatchObject(unopenable)
    clock.time += 60_001
    await expect(vault.open(entry, sealed)).rejects.toMatchObject(unopenable)
    const again = (await vault.sealer(day))(entry, secret)
    expect(Buffer.from(await vault.open(entry, again))).toEqual(secret)
    await expect(vault.open(entry, sealed)).rejects.toMatchObject(unopenable)
  })

  test('do not open with a data key that an envelope brings along', async () => {
    const { vault } = await setUp()
    await vault.sealer(day)
    const { partition: _, ...alone } = entry
    const sealed = await vault.seal(alone, secret)
    await expect(vault.open(entry, sealed)).rejects.toMatchObject(unopenable)
    const forged = await vault.seal(entry, secret)
    await expect(vault.open(entry, forged)).rejects.toMatchObject({ detail: 'not of a partition' })
  })

  test.each<Partial<RowKey>>([
    { record: 'r1/2' },
    { user: 'u2' },
    { partition: 'u1/2026-02-01' },
    { purpose: 'oauth' },
  ])('do not open for a row with %o, the key being in memory', async (other) => {
    const { vault } = await setUp()
    const sealed = (await vault.sealer(day))(entry, secret)
    await vault.open(entry, sealed)
    await expect(vault.open({ ...entry, ...other }, sealed)).rejects.toMatchObject(unopenable)
    const { partition: _, ...alone } = entry
    await expect(vault.open(alone, sealed)).rejects.toMatchObject(unopenable)
  })

  test('are sealed by their own sealer only', async () => {
    const { vault } = await setUp()
    const seal = await vault.sealer(day)
    for (const other of [{ user: 'u2' }, { partition: 'u1/2026-02-01' }, { purpose: 'oauth' as const }]) {
      const refused = expect.objectContaining({ code: 'vault.wrong_partition' })
      expect(() => seal({ ...entry, ...other }, secret)).toThrow(refused)
    }
  })

  test('cost one unwrapping in 60 seconds, and not a second longer', async () => {
    const { vault, open, calls, clock } = await setUp()
    const sealed = (await vault.sealer(day))(entry, secret)
    const reader = open()
    await Promise.all(Array.from({ length: 5 }, () => reader.open(entry, sealed)))
    clock.time += 59_999
    await reader.open(entry, sealed)
    expect(calls.unwrap).toBe(1)
    clock.time += 2
    await reader.open(entry, sealed)
    expect(calls.unwrap).toBe(2)
  })

  test('have one key, whichever of two processes sealed them, however close together they began', async () => {
    const { vault, open, partitionKeys } = await setUp()
    const other = open()
    const sealers = await Promise.all([vault.sealer(day), other.sealer(day)])
    for (const seal of sealers) {
      const sealed = seal(entry, secret)
      for (const reader of [vault, other])
        expect(Buffer.from(await reader.open(entry, sealed))).toEqual(secret)
    }
    expect(partitionKeys.rows.size).toBe(1)
  })

  test('are tried again after the keyring has failed once', async () => {
    const { secrets, keyring, partitionKeys, clock } = await setUp()
    let down = true
    const flaky: Keyring = {
      generate: (...args) => (down ? Promise.reject(new Error('down')) : keyring.generate(...args)),
      unwrap: (...args) => (down ? Promise.reject(new Error('down')) : keyring.unwrap(...args)),
    }
    const vault = createVault({ keyring: flaky, secrets, partitionKeys, clock })
    await expect(vault.sealer(day)).rejects.toThrow('down')
    down = false
    const sealed = (await vault.sealer(day))(entry, secret)
    clock.time += 60_001
    down = true
    await expect(vault.open(entry, sealed)).rejects.toThrow('down')
    down = false
    expect(Buffer.from(await vault.open(entry, sealed))).toEqual(secret)
  })
})

async function setUp() {
  const file = join(mkdtempSync(join(tmpdir(), 'vault-')), 'keyring.json')
  const local = await openLocalKeyring({ file })
  const calls = { generate: 0, unwrap: 0 }
  const keyring: Keyring = {
    generate: (...args) => ((calls.generate += 1), local.generate(...args)),
    unwrap: (...args) => ((calls.unwrap += 1), local.unwrap(...args)),
  }
  const rows = new Map<string, Sealed>()
  const secrets = {
    find: async (name: string) => rows.get(name),
    insert: async (name: string, value: Sealed) => !rows.has(name) && rows.set(name, value).size > 0,
  }
  const partitionKeys = memoryPartitionKeys()
  const clock = { time: 1_800_000_000_000, now: () => clock.time }
  const open = () => createVault({ keyring, secrets, partitionKeys, clock })
  return { vault: open(), open, keyring, secrets, partitionKeys, rows, clock, calls }
}

function memoryPartitionKeys() {
  const rows = new Map<string, Sealed>()
  const id = ({ purpose, user, partition }: Partition) => JSON.stringify([purpose, user, partition])
  return {
    rows,
    find: async (partition: Partition) => rows.get(id(partition)),
    insert: async (partition: Partition, key: Sealed) =>
      !rows.has(id(partition)) && rows.set(id(partition), key).size > 0,
  }
}

/** An envelope of a local keyring, cut at fixed places of its own rather than by the parser. */
function parts(sealed: Sealed) {
  const bytes = Buffer.from(sealed)
  const wrappedAt = 4 + bytes.readUInt16BE(2) + 2
  const saltAt = wrappedAt + bytes.readUInt16BE(wrappedAt - 2)
  return {
    wrapped: bytes.subarray(wrappedAt, saltAt),
    salt: bytes.subarray(saltAt, saltAt + 32),
    commitment: bytes.subarray(saltAt + 32, saltAt + 64),
    iv: bytes.subarray(saltAt + 64, saltAt + 76),
  }
}
