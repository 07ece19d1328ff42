import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openRevocation, type PlacedEntry, type RevocationEntry } from '#revocation'
import { createVault, openLocalKeyring } from '#vault'
import { AHEAD_MS, REREAD_MS, RETIRED_MS } from './key-schedule.ts'
import { openSigningKeys } from './signing-keys.ts'
import type { SigningKeyRow, SigningKeyStore } from './signing-key-store.ts'

const NOW = 1_800_000_000_000

test('all processes sign with the same key at every moment, without a word between them', async () => {
  const { open, clock } = await shared()
  const [one, two] = [await open(), await open()]
  const { kid } = await one.keys.rotate({ now: false })
  const first = (await one.keys.current()).signing.kid
  const signing = async () =>
    Promise.all([one, two].map(async ({ keys }) => (await keys.current()).signing.kid))
  expect(await signing()).toEqual([first, first])
  clock.time = NOW + AHEAD_MS - 1
  expect(await signing()).toEqual([first, first])
  clock.time = NOW + AHEAD_MS
  expect(await signing()).toEqual([kid, kid])
})

test('every process publishes a new key long enough before it signs', async () => {
  const { open, clock } = await shared()
  const [one, two] = [await open(), await open()]
  const { kid, signsAt } = await one.keys.rotate({ now: false })
  clock.time = NOW + REREAD_MS
  const { published } = await two.keys.current()
  expect(published.map((key) => key.kid)).toContain(kid)
  expect(signsAt - clock.time).toBeGreaterThanOrEqual(300_000)
})

test('a token by a key that another process has let sign at once is verified at once', async () => {
  const { open, clock } = await shared()
  const [one, two] = [await open(), await open()]
  const { kid } = await one.keys.rotate({ now: true })
  clock.time += 1000
  expect((await two.keys.find(kid))?.kid).toBe(kid)
})

test('rows are read every thirty seconds at most, and for invented ids once a second at most', async () => {
  const { open, clock, reads } = await shared()
  const { keys } = await open()
  const { kid } = (await keys.current()).signing
  clock.time += REREAD_MS
  reads.count = 0
  for (let i = 0; i < 10; i++) {
    await keys.current()
    await keys.find(kid)
  }
  expect(reads.count).toBe(1)
  clock.time += 1000
  for (const invented of ['x', 'y', 'z']) expect(await keys.find(invented)).toBeUndefined()
  expect(reads.count).toBe(2)
  expect(keys.find(kid)).not.toBeInstanceOf(Promise)
})

test('one that has retired verifies until the last token it signed is dead, and no longer', async () => {
  const { open, clock } = await shared()
  const { keys } = await open()
  const old = (await keys.current()).signing.kid
  await keys.rotate({ now: true })
  clock.time = NOW + RETIRED_MS - 1
  expect((await keys.find(old))?.kid).toBe(old)
  clock.time = NOW + RETIRED_MS
  expect(await keys.find(old)).toBeUndefined()
  expect((await keys.current()).published.map(({ kid }) => kid)).not.toContain(old)
})

test('a key that was revoked verifies nowhere from then on, and the feed says so', async () => {
  const { open, entries } = await shared()
  const { keys, revocation } = await open()
  const { kid } = (await keys.current()).signing
  await keys.revoke(kid)
  expect(await keys.find(kid)).toBeUndefined()
  expect((await keys.current()).signing.kid).not.toBe(kid)
  expect(revocation.revoked('key', kid)).toBe(true)
  expect(entries).toMatchObject([{ kind: 'key' }])
  // Longer than anybody goes on with keys that cannot be read again.
  expect((entries[0]?.expiresAt ?? 0) - NOW).toBeGreaterThan(3_600_000)
})

test('a process that hears of it by the feed alone signs with the replacement, before it reads the rows in time', async () => {
  const { open } = await shared()
  const [one, two] = [await open(), await open()]
  const { kid } = (await two.keys.current()).signing
  await one.keys.revoke(kid)
  await two.revocation.read()
  expect(await two.keys.find(kid)).toBeUndefined()
  expect((await two.keys.current()).signing.kid).toBe((await one.keys.current()).signing.kid)
})

test('while the rows cannot be read, what was read last serves on', async () => {
  const { open, clock, reads } = await shared()
  const { keys } = await open()
  const { kid } = (await keys.current()).signing
  reads.fail = true
  clock.time += REREAD_MS
  expect([(await keys.current()).signing.kid, (await keys.find(kid))?.kid]).toEqual([kid, kid])
})

test('a later key may be of another algorithm, and both verify', async () => {
  const { open } = await shared()
  await open()
  const { keys } = await open('Ed25519')
  expect((await keys.current()).signing.algorithm).toBe('ES256')
  await keys.rotate({ now: true })
  const { signing, published } = await keys.current()
  expect(signing.publicJwk).toEqual({
    kty: 'OKP',
    crv: 'Ed25519',
    x: expect.any(String),
    kid: signing.kid,
    use: 'sig',
    alg: 'Ed25519',
  })
  expect(published.map(({ algorithm }) => algorithm)).toEqual(['Ed25519', 'ES256'])
})

/** One store, on which processes are opened. */
async function shared() {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-keys-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const keyring = await openLocalKeyring({ file: join(directory, 'keyring.json') })
  const clock = { time: NOW, now: () => clock.time }
  const none = { find: async () => undefined, insert: async () => false }
  const vault = createVault({ keyring, secrets: none, partitionKeys: none, clock })
  let rows: readonly SigningKeyRow[] = []
  const entries: PlacedEntry[] = []
  const reads = { count: 0, fail: false }
  const append = (entry: RevocationEntry) => entries.push({ ...entry, sequence: entries.length + 1 })
  const store: SigningKeyStore = {
    async list() {
      reads.count++
      if (reads.fail) throw new Error('down')
      return rows
    },
    async update(change, entry) {
      const written = change(rows)
      rows = [...rows.filter(({ kid }) => written.every((row) => row.kid !== kid)), ...written]
      if (entry !== undefined) append(entry)
      return rows
    },
  }
  const feed = {
    append: async (entry: RevocationEntry) => append(entry),
    after: async (sequence: number) => entries.filter((entry) => entry.sequence > sequence),
    sweep: async () => {},
  }
  const open = async (algorithm: 'ES256' | 'Ed25519' = 'ES256') => {
    const revocation = await openRevocation({ store: feed, clock })
    return {
      revocation,
      keys: await openSigningKeys({ store, vault, revocation, clock, algorithm: () => algorithm }),
    }
  }
  return { open, clock, entries, reads }
}
