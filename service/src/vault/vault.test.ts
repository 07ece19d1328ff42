import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Keyring } from './keyring.ts'
import { openLocalKeyring } from './local-keyring.ts'
import type { RowKey, Sealed } from './sealed.ts'
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
    const { vault, secrets, keyring, clock } = await setUp()
    const first = await vault.keep('tickets')
    const again = await createVault({ keyring, secrets, clock }).keep('tickets')
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
    const { keyring, clock } = await setUp()
    const secrets = { find: async () => undefined, insert: async () => false }
    const kept = createVault({ keyring, secrets, clock }).keep('tickets')
    await expect(kept).rejects.toMatchObject({ code: 'vault.secret_lost' })
  })
})

describe('the rows of a partition', () => {
  const day = { purpose: 'audit', user: 'u1', partition: 'u1/2026-01-31' } as const
  const entry: RowKey = { ...day, record: 'r1/1', field: 'arguments', version: 0 }

  test('share a data key and still no salt, iv or encryption key', async () => {
    const { vault, calls } = await setUp()
    const [one, two] = await Promise.all([vault.sealer(day), vault.sealer(day)])
    const [a, b] = [parts(one(entry, secret)), parts(two(entry, secret))]
    expect(calls.generate).toBe(1)
    expect(a.wrapped.equals(b.wrapped)).toBe(true)
    expect(a.salt.equals(b.salt)).toBe(false)
    expect(a.iv.equals(b.iv)).toBe(false)
    expect(a.commitment.equals(b.commitment)).toBe(false)
  })

  test('open each for itself, after a restart too', async () => {
    const { vault, secrets, keyring, clock } = await setUp()
    const sealed = (await vault.sealer(day))(entry, secret)
    const restarted = createVault({ keyring, secrets, clock })
    expect(Buffer.from(await restarted.open(entry, sealed))).toEqual(secret)
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
    const { vault, calls, clock } = await setUp()
    const sealed = (await vault.sealer(day))(entry, secret)
    await Promise.all(Array.from({ length: 5 }, () => vault.open(entry, sealed)))
    clock.time += 59_999
    await vault.open(entry, sealed)
    expect(calls.unwrap).toBe(1)
    clock.time += 2
    await vault.open(entry, sealed)
    expect(calls.unwrap).toBe(2)
  })

  test('are unwrapped for their own context: a key in memory serves no other user', async () => {
    const { vault, calls } = await setUp()
    const sealed = (await vault.sealer(day))(entry, secret)
    await vault.open(entry, sealed)
    await expect(vault.open({ ...entry, user: 'u2' }, sealed)).rejects.toMatchObject(unopenable)
    expect(calls.unwrap).toBe(2)
  })

  test('open side by side when two processes have sealed them under a key each', async () => {
    const { vault, secrets, keyring, clock, calls } = await setUp()
    const other = createVault({ keyring, secrets, clock })
    const sealed = [(await vault.sealer(day))(entry, secret), (await other.sealer(day))(entry, secret)]
    for (const one of sealed) expect(Buffer.from(await vault.open(entry, one))).toEqual(secret)
    expect(calls.unwrap).toBe(2)
  })

  test('are tried again after the keyring has failed once', async () => {
    const { secrets, keyring, clock } = await setUp()
    let down = true
    const flaky: Keyring = {
      generate: (...args) => (down ? Promise.reject(new Error('down')) : keyring.generate(...args)),
      unwrap: (...args) => (down ? Promise.reject(new Error('down')) : keyring.unwrap(...args)),
    }
    const vault = createVault({ keyring: flaky, secrets, clock })
    await expect(vault.sealer(day)).rejects.toThrow('down')
    down = false
    const sealed = (await vault.sealer(day))(entry, secret)
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
  const clock = { time: 1_800_000_000_000, now: () => clock.time }
  return { vault: createVault({ keyring, secrets, clock }), keyring, secrets, rows, clock, calls }
}

/** An envelope of a local keyring, cut at fixed places of its own rather than by the parser. */
function parts(sealed: Sealed) {
  const bytes = Buffer.from(sealed)
  const wrappedAt = 4 + bytes.readUInt16BE(2) + 2
  const saltAt = wrappedAt + 60
  return {
    wrapped: bytes.subarray(wrappedAt, saltAt),
    salt: bytes.subarray(saltAt, saltAt + 32),
    commitment: bytes.subarray(saltAt + 32, saltAt + 64),
    iv: bytes.subarray(saltAt + 64, saltAt + 76),
  }
}
