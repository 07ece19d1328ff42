import type { Grant } from '#grants'
import type { StateRow } from '#oauth'
import type { RevocationEntry } from '#revocation'
import type { Sealed } from '#vault'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, onTestFinished, test } from 'vitest'
import { emptyDirectory, opened, type Place, places } from './backends.fixture.ts'
import { openStorage } from './index.ts'

const bundle = { replica: 'a', at: 1, records: 1, body: new Uint8Array(2000) }
const entry: RevocationEntry = { kind: 'grant', idHash: 'h', at: 5, expiresAt: 1000 }
const grant: Grant = {
  id: 'g1',
  version: 1,
  user: 'u',
  agent: 'a',
  redirectUris: [],
  mounts: {},
  createdAt: 1,
  expiresAt: 1,
  revokedAt: undefined,
}
const state: StateRow = {
  model: 'Session',
  idHash: 'h1',
  version: 1,
  sealed: new Uint8Array([4]) as Sealed,
  grantId: 'g1.f1',
  uidHash: 'uid',
  consumedAt: 3,
  expiresAt: 1000,
}

test('the directory and every file in it are their owner’s alone', async () => {
  const directory = join(emptyDirectory(), 'made', 'here')
  const storage = await opened({ directory })
  await storage.leases.create('a')
  await storage.bundles.append({ ...bundle, sequence: 1 }, 1)
  await storage.replay.use('jti', 1000, 900)
  expect(mode(directory)).toBe('700')
  const files = readdirSync(directory).sort()
  expect(files).toEqual([
    'lock',
    'replay.db',
    'replay.db-shm',
    'replay.db-wal',
    'tetrapod.db',
    'tetrapod.db-shm',
    'tetrapod.db-wal',
  ])
  expect(files.filter((file) => mode(join(directory, file)) !== '600')).toEqual([])
})

test('a second Tetrapod on the directory is told so, and the first one goes on', async () => {
  const directory = emptyDirectory()
  const first = await opened({ directory })
  await expect(openStorage({ directory })).rejects.toMatchObject({ code: 'storage.locked' })
  await first.leases.create('a')
  await first.bundles.append({ ...bundle, sequence: 1 }, 1)
  await first.close()
  expect(await (await opened({ directory })).bundles.last('a')).toBe(1)
})

describe.each(places)('storage on %s', (_, place) => {
  test('closing and opening again keeps a row of every store', async () => {
    const at = await place()
    const before = await opened(at)
    const sealed = new Uint8Array([1, 2, 3]) as Sealed
    const times = { createdAt: 1, signsAt: 2, revokedAt: undefined }
    const key = { kid: 'k1', ...times, algorithm: 'ES256' as const, sealed }
    const session = { id: 's1', account: 'u1', authTime: 1, acr: 'pwd', expiresAt: 2 }
    await before.secrets.insert('tickets', sealed)
    await before.signingKeys.update(() => [key])
    await before.accounts.insert({ id: 'u1', issuer: 'i', subject: 's', createdAt: 1 })
    await before.sessions.insert('hash', session)
    await before.grants.insert(grant)
    await before.revocations.append(entry)
    await before.state.upsert(state)
    await before.replay.use('jti', 1000, 900)
    await before.leases.create('a')
    await before.bundles.append({ ...bundle, sequence: 1 }, 1)
    await before.bundles.settle('a', 1)
    await before.close()

    const after = await opened(at)
    expect(await after.secrets.find('tickets')).toEqual(sealed)
    expect(await after.signingKeys.list()).toEqual([key])
    expect((await after.accounts.byId('u1'))?.subject).toBe('s')
    expect(await after.sessions.find('hash')).toEqual(session)
    expect(await after.grants.list()).toEqual([grant])
    expect(await after.revocations.after(0)).toEqual([{ ...entry, sequence: 1 }])
    expect(await after.state.find('Session', 'h1')).toEqual(state)
    expect(await after.replay.use('jti', 1000, 900)).toBe(false)
    expect(await after.bundles.after('a', 0, 10)).toEqual([{ ...bundle, sequence: 1 }])
    expect(await after.bundles.settled('a')).toBe(1)
    expect(await after.leases.list()).toEqual([{ replica: 'a', term: 1, beat: 0, held: true }])
  })

  test('a killed process keeps others out while it lives, loses no row it confirmed, and leaves nothing to clean up', async () => {
    const at = await place()
    const writer = startWriter(at)
    const confirmed: number[] = []
    for await (const line of createInterface({ input: writer.stdout })) {
      confirmed.push(Number(line))
      if (confirmed.length === 1) {
        await expect(openStorage(at)).rejects.toMatchObject({ code: 'storage.locked' })
      }
      if (confirmed.length === 100) writer.kill('SIGKILL')
    }
    if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit')
    expect(writer.signalCode).toBe('SIGKILL')

    const { bundles, replay } = await opened(at)
    const kept = await bundles.after('a', 0, 1_000_000)
    expect(kept.map(({ sequence }) => sequence)).toEqual(expect.arrayContaining(confirmed))
    expect(kept.length).toBe(await bundles.last('a'))
    expect(await replay.use(`jti ${confirmed.at(-1)}`, 1000, 900)).toBe(false)
  })

  test('what was asked before closing is done, and what is asked after is refused', async () => {
    const at = await place()
    const storage = await opened(at)
    await storage.grants.insert(grant)
    await storage.leases.create('a')
    const before = Promise.all([
      storage.grants.revoke('g1', 5, entry),
      ...[1, 2, 3].map((sequence) => storage.bundles.append({ ...bundle, sequence }, 1)),
    ])
    await new Promise(setImmediate)
    await Promise.all([storage.close(), storage.close(), before])

    const closed = { code: 'storage.closed' }
    await expect(storage.bundles.last('a')).rejects.toMatchObject(closed)
    await expect(storage.grants.revoke('g1', 5, entry)).rejects.toMatchObject(closed)
    await expect(storage.replay.use('jti', 1000, 900)).rejects.toMatchObject(closed)
    const again = await opened(at)
    expect(await again.bundles.last('a')).toBe(3)
    expect((await again.grants.find('g1'))?.revokedAt).toBe(5)
    expect(await again.revocations.after(0)).toHaveLength(1)
  })
})

test('a place that is no directory, and a file that is no database, are told apart; both leave nothing open', async () => {
  const directory = emptyDirectory()
  const file = join(directory, 'file')
  writeFileSync(file, '')
  await expect(openStorage({ directory: file })).rejects.toMatchObject({ code: 'storage.unopenable' })

  for (const name of ['tetrapod.db', 'replay.db']) {
    const directory = emptyDirectory()
    writeFileSync(join(directory, name), 'this is not a database, whatever its name says')
    await expect(openStorage({ directory })).rejects.toMatchObject({ code: 'storage.damaged' })
    writeFileSync(join(directory, name), '')
    await opened({ directory })
  }
})

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

/** A process that confirms each row on its standard output once the store has resolved it. */
function startWriter({
  directory,
  database,
}: Place): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const code = `
    import { openStorage } from ${module('./index.ts')}
    import { Secret } from ${module('../kernel/index.ts')}
    const { DIRECTORY: directory, DATABASE: url } = process.env
    const database = url === undefined ? undefined : new Secret(url)
    const { bundles, leases, replay } = await openStorage({ directory, database })
    await leases.create('a')
    const body = new Uint8Array(2000)
    for (let sequence = 1; ; sequence += 1) {
      await Promise.all([
        bundles.append({ replica: 'a', sequence, at: 1, records: 1, body }, 1),
        replay.use('jti ' + sequence, 1000, 900),
      ])
      process.stdout.write(sequence + '\\n')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { DIRECTORY: directory, ...(database === undefined ? {} : { DATABASE: database.reveal() }) },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
