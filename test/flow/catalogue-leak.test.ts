import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { rpc, send } from '../support/wire.ts'
import { openWorld } from '../support/world.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is still needed, in bytes. */
async function heap(): Promise<number> {
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  return process.memoryUsage().heapUsed
}

const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

test('what an edit replaces holds nothing: no memory, no connection, no timer', async () => {
  const world = await openWorld()
  try {
    const token = (await world.signIn('alice', { server: 'notes' })).token()
    const echo = { name: 'echo', arguments: { text: 'x' } }
    const edits = async (count: number) => {
      for (let n = 0; n < count; n++) {
        await world.edit((text) => text.replace('name: Notes', `name: Notes ${n}`))
        expect((await send(rpc({ url: world.mount('notes'), token, params: echo }))).status).toBe(200)
      }
    }
    await edits(20)
    const before = await heap()
    await edits(60)
    // One deployment that something still knows has more than 300 kB.
    expect(((await heap()) - before) / 60).toBeLessThan(60_000)
    // Idle connections end by themselves, but not so soon.
    await expect.poll(sockets, { timeout: 1000 }).toBeLessThan(6)
  } finally {
    await world.close()
  }
}, 60_000)
