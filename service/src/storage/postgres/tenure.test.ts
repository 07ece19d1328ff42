import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '#kernel'
import { emptyDirectory, opened, type Place, postgres } from '../backends.fixture.ts'
import { openStorage } from '../index.ts'
import { bundle, entry, eventually, fresh, HOLDER, query, until } from './postgres.fixture.ts'

describe.runIf(postgres !== undefined)('a PostgreSQL database belongs to one process', () => {
  test('when the connection that says so dies, it is taken again before the next write', async () => {
    const place = await fresh()
    const { bundles } = await opened(place)
    await bundles.append({ ...bundle, sequence: 1 })
    await endHolder(place)
    await until(async () => (await query(place, HOLDER)).length === 0)
    await eventually(() => bundles.append({ ...bundle, sequence: 2 }))
    expect(await query(place, HOLDER)).toHaveLength(1)
    await expect(openStorage({ ...place, directory: emptyDirectory() })).rejects.toMatchObject({
      code: 'storage.locked',
    })
  })

  test('whoever lost it to another process never writes again, even when that one has gone', async () => {
    const place = await fresh()
    const first = await opened(place)
    await first.bundles.append({ ...bundle, sequence: 1 })
    await endHolder(place)
    const second = await opened({ ...place, directory: emptyDirectory() })
    const stopped = { code: 'storage.stopped', kind: 'unavailable' }
    await expect(first.bundles.append({ ...bundle, sequence: 2 })).rejects.toMatchObject(stopped)
    await second.close()
    await expect(first.bundles.append({ ...bundle, sequence: 2 })).rejects.toMatchObject(stopped)
    expect(await query(place, 'select sequence::int from bundles')).toEqual([{ sequence: 1 }])
  })

  test('one that did not notice its loss finds out before it writes over a new connection', async () => {
    const place = await fresh()
    const relay = await proxied(place)
    const first = await opened(relay)
    relay.deafen()
    await endHolder(place)
    const second = await opened({ ...place, directory: emptyDirectory() })
    const write = () => first.bundles.append({ ...bundle, sequence: 1 })
    await expect(write()).rejects.toMatchObject({ code: 'storage.unreachable' })
    await expect(write()).rejects.toMatchObject({ code: 'storage.stopped' })
    expect(await second.bundles.last('a')).toBe(0)
  })

  test('a session of its own that the server still believes in does not keep it out', async () => {
    const place = await fresh()
    const relay = await proxied(place)
    const { bundles } = await opened(relay)
    relay.cut()
    await eventually(() => bundles.append({ ...bundle, sequence: 1 }))
    expect(await query(place, HOLDER)).toHaveLength(1)
  })

  test('a data directory belongs to one process too', async () => {
    const place = await fresh()
    await opened(place)
    const other = { ...(await fresh()), directory: place.directory }
    await expect(openStorage(other)).rejects.toMatchObject({ code: 'storage.locked' })
  })

  test('two schemas of one database are two deployments', async () => {
    const [one, two] = [await opened(await fresh()), await opened(await fresh())]
    await one.revocations.append(entry('h1'))
    expect(await two.revocations.after(0)).toEqual([])
  })
})

async function endHolder(place: Place): Promise<void> {
  await query(place, `select pg_terminate_backend(pid, 5000) from (${HOLDER}) holder`)
}

/** A way to the server that can fail to tell one end what happened at the other. */
async function proxied(place: Required<Place>): Promise<Place & { deafen(): void; cut(): void }> {
  const upstreamPort = Number(new URL(postgres ?? '').port)
  const ways = new Set<{ readonly client: Socket; readonly upstream: Socket; deaf: boolean }>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: upstreamPort, host: '127.0.0.1', allowHalfOpen: true })
    const way = { client, upstream, deaf: false }
    ways.add(way)
    for (const end of [client, upstream]) end.on('error', () => undefined)
    client.pipe(upstream)
    upstream.pipe(client, { end: false })
    upstream.on('end', () => way.deaf || client.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const { client, upstream } of ways) for (const end of [client, upstream]) end.destroy()
    server.close()
  })
  const url = new URL(place.database?.reveal() ?? '')
  url.port = String((server.address() as AddressInfo).port)
  return {
    directory: place.directory,
    database: new Secret(url.href),
    /** The client of today's connections does not learn that the server hung up. */
    deafen: () => {
      for (const way of ways) way.deaf = true
    },
    /** The server does not learn that the client is gone. */
    cut: () => {
      for (const { client } of ways) client.destroy()
    },
  }
}
