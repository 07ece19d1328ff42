import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { build } from '../../service/src/main.ts'
import { systemTicker } from '../../service/src/revocation/index.ts'
import { openWorld, type Started } from '../support/world.ts'

test('a start that fails once everything is open leaves nothing that reads on, and the next one works', async () => {
  let started: Started | undefined
  let closed: Promise<void> | undefined
  const world = await openWorld({
    async run(options) {
      started = options
      const service = await build(options)
      await service.listen()
      closed = undefined
      return { socket: service.socket, close: () => (closed ??= service.close()) }
    },
  })
  try {
    await world.service.close()
    if (started === undefined) throw new Error('it was started')
    const database = new DatabaseSync(join(world.dataDirectory, 'tetrapod.db'))
    database.exec(
      `create trigger full_disk before update on catalogue begin select raise(abort, 'full'); end`,
    )
    const waiting = new Set<AbortSignal>()
    const ticker = {
      elapsed: () => systemTicker.elapsed(),
      sleep: (milliseconds: number, signal: AbortSignal) => {
        waiting.add(signal)
        return systemTicker.sleep(milliseconds, signal)
      },
    }
    const text = started.config.text.replace('name: Notes', 'name: Other notes')
    const failed = build({ ...started, ticker, config: { ...started.config, text } })
    await expect(failed).rejects.toThrow()
    expect(waiting.size).toBeGreaterThan(0)
    expect([...waiting].filter(({ aborted }) => !aborted)).toEqual([])
    database.exec('drop trigger full_disk')
    database.close()
    await world.restart()
    expect((await fetch(`${world.publicUrl}/readyz`)).status).toBe(200)
  } finally {
    await world.close()
  }
})
