import { describe, expect, test } from 'vitest'
import type { SigningKeyRow } from '#tokens'
import type { Sealed } from '#vault'
import { emptyDirectory, opened, postgres } from '../backends.fixture.ts'
import { openStorage } from '../index.ts'
import { entry, fresh } from './postgres.fixture.ts'

const sealed = (byte: number) => new Uint8Array([byte]) as Sealed
const signingKey = (n: number): SigningKeyRow => {
  return {
    kid: `k${n}`,
    createdAt: 1,
    signsAt: 1,
    algorithm: 'ES256',
    revokedAt: undefined,
    sealed: sealed(n),
  }
}

describe.runIf(postgres !== undefined)('a PostgreSQL database', () => {
  test('is shared: two first starts at once end with one of everything', async () => {
    const place = await fresh()
    const [one, other] = await Promise.all([opened(place), opened({ ...place, directory: emptyDirectory() })])
    const both = [one, other] as const
    const written = await Promise.all(both.map(({ secrets }, n) => secrets.insert('tickets', sealed(n))))
    expect(written.filter(Boolean)).toHaveLength(1)
    const first = (n: number) => (rows: readonly SigningKeyRow[]) => (rows.length > 0 ? [] : [signingKey(n)])
    await Promise.all(both.map(({ signingKeys }, n) => signingKeys.update(first(n))))
    expect(await one.signingKeys.list()).toHaveLength(1)
    expect(await one.secrets.find('tickets')).toEqual(await other.secrets.find('tickets'))
    expect(await one.signingKeys.list()).toEqual(await other.signingKeys.list())
  })

  test('what may be used once is used once, whoever is asked', async () => {
    const place = await fresh()
    const [one, other] = [await opened(place), await opened({ ...place, directory: emptyDirectory() })]
    const uses = Array.from({ length: 50 }, (_, n) => (n % 2 ? one : other).replay.use('jti', 1000, 900))
    expect((await Promise.all(uses)).filter(Boolean)).toHaveLength(1)
  })

  test('of one schema is one deployment, of another another', async () => {
    const [one, two] = [await opened(await fresh()), await opened(await fresh())]
    await one.revocations.append(entry('h1'))
    expect(await two.revocations.after(0)).toEqual([])
  })

  test('does not share its data directory: that belongs to one process', async () => {
    const place = await fresh()
    await opened(place)
    const other = { ...(await fresh()), directory: place.directory }
    await expect(openStorage(other)).rejects.toMatchObject({ code: 'storage.locked' })
  })
})
