import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, privatePostgres } from '../support/postgres.ts'
import { meta, rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

describe.runIf(findPostgres() !== undefined)('a service whose PostgreSQL goes away', () => {
  const server = privatePostgres()
  let world: World
  beforeAll(async () => {
    world = await openWorld({ database: await server.start() })
  })
  afterAll(async () => {
    await world.close()
    await server.remove()
  })

  test('refuses while it is away, lets nothing through unrecorded, says so, and goes on when it is back', async () => {
    const token = (await world.signIn('alice')).token() ?? ''
    const ready = async () => (await fetch(`${world.publicUrl}/readyz`)).status
    const call = async () => {
      const params = { name: 'my_commission', arguments: {}, _meta: meta }
      return (await send(rpc({ url: world.mount('crm'), token, params }))).status
    }
    const atTheServer = () =>
      world.received.filter(({ party, method }) => party === 'crm' && method === 'POST').length
    expect([await call(), await ready()]).toEqual([200, 200])

    const before = atTheServer()
    await server.stop()
    expect([await call(), await ready()]).toEqual([503, 503])
    expect(atTheServer()).toBe(before)

    await server.start()
    expect([await call(), await ready()]).toEqual([200, 200])

    await server.restart()
    expect([await call(), await ready()]).toEqual([200, 200])
  })
})
