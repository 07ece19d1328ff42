import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freeCompany, type Place, type Ports, program, stopped } from './packages/place.ts'
import { readReadme } from './packages/readme.ts'
import { serve, servers, startService, walk, writePrograms } from './packages/story.ts'
import type { Running } from './support/run.ts'
import { root } from './support/sources.ts'

describe('what the READMEs show runs', () => {
  describe('from the sources', () => {
    story(async (directory) => {
      await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
      return { directory, node: process.execPath, path: dirname(process.execPath), runnable: (file) => file }
    })
  })
})

/** All that the READMEs say, done in an empty directory. */
function story(furnish: (directory: string) => Promise<Place>): void {
  let directory = ''
  let place: Place
  let ports: Ports
  let service: Running | undefined
  let payroll: Running | undefined

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tetrapod-readmes-'))
    ports = await freeCompany()
    place = await furnish(directory)
    await writePrograms(place, ports)
    service = await startService(place, ports)
    payroll = await serve(place, 'payroll.ts', ports.origin(4002))
  }, 120_000)
  afterAll(async () => {
    await Promise.all([stopped(service), stopped(payroll)])
    await rm(directory, { recursive: true, force: true })
  })

  test.each(Object.entries(servers))('%s answers the agent: %s', async (file, says) => {
    const result: unknown = JSON.parse(await walk(place, ports, file as keyof typeof servers))
    expect(result).toMatchObject({ content: [{ type: 'text', text: says }] })
  })

  test('who-acted.ts prints what it says, and refuses what it says', async () => {
    const said = [
      ...((await readReadme('protocol')).files.get('who-acted.ts') ?? '').matchAll(/\) \/\/ (.*)/g),
    ]
    const [first, second, refusal = ''] = said.map(([, comment]) => comment ?? '')
    const { code, output } = await program(place, 'who-acted.ts').ended
    expect(code).toBe(1)
    expect(output.split('\n').slice(0, 2)).toEqual([first, second])
    expect(output).toContain(refusal.replace('throws ', ''))
  })
}
