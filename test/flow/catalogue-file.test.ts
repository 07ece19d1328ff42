import { spawn } from 'node:child_process'
import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { build } from '../../service/src/main.ts'
import { findPostgres, type FreshSchema, freshSchema } from '../support/postgres.ts'
import { createReplicas } from '../support/replicas.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { NOTES_SECRET, openWorld, type Started, type World } from '../support/world.ts'

const command = fileURLToPath(new URL('../../service/bin/tetrapod.js', import.meta.url))
const withServer = (text: string, name: string) =>
  text.replace('  notes:\n', `  ${name}: { url: https://${name}.example/mcp }\n  notes:\n`)

let world: World
let file: string
let text: string
afterEach(() => world.close())

/** Which of the servers there could be has a mount. */
async function served(names: readonly string[], at = world.publicUrl): Promise<readonly string[]> {
  const there = names.map(async (name) => {
    const answer = await fetch(`${at}/.well-known/oauth-protected-resource/${name}/mcp`)
    return answer.status === 200 ? [name] : []
  })
  return (await Promise.all(there)).flat()
}
const readiness = async () => (await (await fetch(`${world.publicUrl}/readyz`)).json()) as object
const logged = (words: string) => world.logged.filter((line) => line.includes(words))

describe('the file of a running service', () => {
  beforeEach(async () => {
    world = await openWorld({
      run: async ({ config, dataDirectory, ...rest }: Started) => {
        text = config.text
        await mkdir(join(dataDirectory, 'etc', '..data-1'), { recursive: true })
        file = join(dataDirectory, 'etc', 'tetrapod.yaml')
        await writeFile(file, text)
        const service = await build({ ...rest, config, file, dataDirectory })
        await service.listen()
        return service
      },
    })
  })

  test('counts from the moment on in which it is written', async () => {
    await writeFile(file, withServer(text, 'papers'))
    await expect.poll(() => served(['papers', 'notes'])).toEqual(['papers', 'notes'])
    expect(logged('The configuration was changed')).toHaveLength(1)
  })

  test('counts when an editor puts another in its place', async () => {
    await writeFile(`${file}.swp`, withServer(text, 'papers'))
    await rename(`${file}.swp`, file)
    await expect.poll(() => served(['papers'])).toEqual(['papers'])
  })

  test('counts where it is a link into a directory that is another from one moment on', async () => {
    const etc = join(file, '..')
    const point = async (at: string) => {
      await symlink(at, join(etc, '..data-new'))
      await rename(join(etc, '..data-new'), join(etc, '..data'))
    }
    await writeFile(join(etc, '..data-1', 'tetrapod.yaml'), withServer(text, 'papers'))
    await point('..data-1')
    await rm(file)
    await symlink(join('..data', 'tetrapod.yaml'), file)
    await expect.poll(() => served(['papers'])).toEqual(['papers'])
    await mkdir(join(etc, '..data-2'))
    await writeFile(join(etc, '..data-2', 'tetrapod.yaml'), withServer(text, 'letters'))
    await point('..data-2')
    await expect.poll(() => served(['papers', 'letters'])).toEqual(['letters'])
  })

  test('that is emptied and then written is the one that was written', async () => {
    await truncate(file)
    await writeFile(file, withServer(text, 'papers'))
    await expect.poll(() => served(['papers'])).toEqual(['papers'])
    expect(logged('is refused')).toEqual([])
  })

  test('that is gone changes nothing but what /readyz and the log say, once, until it is back', async () => {
    await rm(file)
    await expect.poll(readiness).toMatchObject({ ready: true, catalogue: 'edit refused' })
    await writeFile(join(file, '..', 'other'), 'x')
    expect(logged('service.configuration_unreadable')).toHaveLength(1)
    expect(await served(['notes'])).toEqual(['notes'])
    await writeFile(file, text)
    await expect.poll(readiness).toMatchObject({ catalogue: 'current' })
  })

  test('that is wrong is told once with its line and column, and the next good one counts', async () => {
    await writeFile(file, text.replace('    url: ', '    ulr: '))
    await expect.poll(readiness).toMatchObject({ ready: true, catalogue: 'edit refused' })
    expect(logged('is refused')).toEqual([expect.stringMatching(/"\d+:5 servers\.crm\.ulr: /)])
    await writeFile(file, withServer(text, 'papers'))
    await expect.poll(() => served(['papers'])).toEqual(['papers'])
    expect(await readiness()).toMatchObject({ catalogue: 'current' })
  })

  test('that is saved again and again ends as it was saved last', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `papers-${n}`)
    for (const name of names) await writeFile(file, withServer(text, name))
    await expect.poll(() => served(names)).toEqual(['papers-19'])
    expect(logged('The configuration was changed').length).toBeLessThan(10)
  })

  test('that says what it said before changes nothing', async () => {
    await writeFile(file, text)
    await writeFile(file, withServer(text, 'papers'))
    await expect.poll(() => served(['papers'])).toEqual(['papers'])
    expect(logged('The configuration was changed')).toHaveLength(1)
  })

  test('is read again by tetrapod reload, which says what changed', async () => {
    await writeFile(file, withServer(text, 'papers'))
    const good = await tetrapod('reload', '--data', world.dataDirectory)
    expect(good).toMatchObject({ code: 0, err: '' })
    expect(good.out).toMatch(/^(added server .*\n)*The configuration is in force\.\n$/)
    expect(await served(['papers'])).toEqual(['papers'])
  })

  test('is read again by tetrapod reload, which says every problem of it', async () => {
    await writeFile(file, text.replace('    url: ', '    ulr: '))
    const bad = await tetrapod('reload', '--data', world.dataDirectory)
    expect([bad.code, bad.out]).toEqual([1, ''])
    expect(bad.err).toMatch(/\n\d+:5 servers\.crm\.ulr: This key is unknown here/)
    expect(bad.err).not.toMatch(/^\s+at /m)
  })

  test('that is gone is what tetrapod reload names', async () => {
    await rm(file)
    const gone = await tetrapod('reload', '--data', world.dataDirectory)
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('cannot be read')])
  })
})

test('a service without a file says so to tetrapod reload', async () => {
  world = await openWorld()
  const { code, err } = await tetrapod('reload', '--data', world.dataDirectory)
  expect([code, err]).toEqual([1, expect.stringContaining('started without a configuration file')])
})

describe.runIf(findPostgres() !== undefined)('two replicas on one file', () => {
  const replicas = createReplicas(2)
  let schema: FreshSchema
  beforeAll(async () => {
    schema = await freshSchema(findPostgres() ?? '')
  })
  beforeEach(async () => {
    world = await openWorld({
      database: schema.url,
      run: async (started) => {
        text = started.config.text
        file = join(started.dataDirectory, 'tetrapod.yaml')
        return replicas.run(started)
      },
    })
  }, 60_000)
  afterAll(() => schema.drop())

  /** How many entries of a kind the feed has. */
  const entries = async (kind: string) => {
    const authorization = `Basic ${Buffer.from(`notes:${NOTES_SECRET}`).toString('base64')}`
    const answer = await fetch(`${world.publicUrl}/revocations?after=0`, { headers: { authorization } })
    const page = (await answer.json()) as { readonly entries: readonly { readonly kind: string }[] }
    return page.entries.filter((it) => it.kind === kind).length
  }
  /** At each of them, whoever is asked. */
  const everywhere = (call: (at: number) => Promise<unknown>) =>
    Promise.all(replicas.all.map((_, at) => call(at)))

  test('both serve what is written, and what it leaves out is one entry of the feed', async () => {
    const one = (await world.signIn('alice')).token() ?? ''
    const { host } = new URL(world.publicUrl)
    const atGateway = async (at: number) => {
      const url = `http://127.0.0.1:${replicas.all[at]?.port}/crm/mcp`
      const params = { name: 'find_customer', arguments: { query: 'a' } }
      return (await send(rpc({ url, token: one, params, headers: { host } }))).status
    }
    expect(await everywhere(atGateway)).toEqual([200, 200])
    await writeFile(file, text.replace('  assistant:', '  successor:'))
    await expect.poll(() => everywhere(atGateway), { timeout: 2000, interval: 10 }).toEqual([401, 401])
    const known = async (at: number) => {
      const { agents } = JSON.parse((await ask(replicas.all[at]?.socket ?? '', 'GET', '/agents')).text) as {
        readonly agents: readonly { readonly id: string }[]
      }
      return agents.map(({ id }) => id)
    }
    await expect.poll(() => everywhere(known)).toEqual([['successor'], ['successor']])
    expect(await entries('agent')).toBe(1)
  })
})

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function tetrapod(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args], { cwd: tmpdir() })
    let [out, err] = ['', '']
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}
