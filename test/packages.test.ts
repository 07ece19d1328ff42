import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildPackages, type Built } from '../bin/packages/build.ts'
import { ask, goodToken, refusals } from '../server-sdk/src/test-refusals.ts'
import { install, installSdks, sdkFolders } from './packages/consumer.ts'
import {
  command,
  freeCompany,
  type Place,
  type Ports,
  program,
  stopped,
  writePrograms,
} from './packages/place.ts'
import { programsOf, readReadme } from './packages/readme.ts'
import { serve, servers, startService, walk } from './packages/story.ts'
import { alone, callTool, guardedPrograms, servedFor } from './packages/table.ts'
import { findNodes } from './support/nodes.ts'
import { run, type Running } from './support/run.ts'
import { root } from './support/sources.ts'

let directory = ''
let built: readonly Built[] = []
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tetrapod-packages-'))
  built = await buildPackages(join(directory, 'released'))
}, 120_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('a tarball', () => {
  const folders = ['protocol', 'server-sdk', 'agent-sdk', 'service'] as const
  const tarballOf = (folder: string) =>
    built.find(({ name }) => name === `@tetrapod/${folder}`)?.tarball ?? ''
  const released = (folder: string, file: string) => join(directory, 'released/stage', folder, file)
  const contents = async (folder: string) => {
    const { output } = await run(['tar', '-tzf', tarballOf(folder)]).ended
    return output
      .trimEnd()
      .split('\n')
      .map((line) => line.replace('package/', ''))
  }

  test.each(folders)('of %s holds the license, a README, compiled code, and no test', async (folder) => {
    const files = await contents(folder)
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    const allowed =
      folder === 'service'
        ? /^(dist\/.*\.js|bin\/tetrapod\.js)$/
        : /^(dist\/.*\.(js|d\.ts|d\.ts\.map)|src\/.*\.ts)$/
    const others = files.filter(
      (file) => !allowed.test(file) && !['LICENSE', 'README.md', 'package.json'].includes(file),
    )
    expect(others).toEqual([])
    expect(files.filter((file) => /\.(test|fixture)\.|\btest-|\/test\/|vectors/.test(file))).toEqual([])
  })

  test.each(folders)('of %s says what it needs, in exact versions where it is ours', async (folder) => {
    const manifest: unknown = JSON.parse(await readFile(released(folder, 'package.json'), 'utf8'))
    expect(manifest).toMatchObject({
      name: `@tetrapod/${folder}`,
      license: 'Apache-2.0',
      type: 'module',
      engines: { node: folder === 'service' ? '>=24' : '>=20.12' },
    })
    for (const member of ['private', 'devDependencies', 'scripts'])
      expect(manifest).not.toHaveProperty(member)
    const { version, dependencies } = manifest as { version: string; dependencies: Record<string, string> }
    const ours = Object.entries(dependencies).filter(([name]) => name.startsWith('@tetrapod/'))
    expect(ours.filter(([, asked]) => asked !== version)).toEqual([])
  })

  test('leads from every declaration to its source, and says nothing of where it was made', async () => {
    const files = await contents('server-sdk')
    for (const file of files.filter((name) => name.endsWith('.map'))) {
      const map: unknown = JSON.parse(await readFile(released('server-sdk', file), 'utf8'))
      const { sources } = map as { readonly sources: readonly string[] }
      expect(sources.map((source) => join(dirname(file), source))).toEqual([
        file.replace('dist/', 'src/').replace('.d.ts.map', '.ts'),
      ])
      expect(files).toEqual(expect.arrayContaining(sources.map((source) => join(dirname(file), source))))
    }
    expect(
      (
        await run([
          'grep',
          '-rlF',
          root,
          join(directory, 'released/stage'),
          '--include=*.js',
          '--include=*.map',
        ]).ended
      ).output,
    ).toBe('')
  })
})

test('five lines more protect an MCP server', async () => {
  const change = (await readReadme('server-sdk')).changes.get('crm.ts')
  const { added, removed } = change ?? { added: Infinity, removed: 0 }
  expect(added - removed).toBeLessThanOrEqual(5)
  expect(removed).toBeLessThanOrEqual(3)
})

describe('what the READMEs show runs from the sources:', () => {
  story(async () => {
    const home = join(directory, 'sources')
    const place = {
      directory: home,
      node: process.execPath,
      programs: await programsOf(sdkFolders),
      runnable: (file: string) => file,
      service: { directory: home, path: dirname(process.execPath) },
    }
    return { place, furnish: () => symlink(join(root, 'node_modules'), join(home, 'node_modules')) }
  })
})

const nodes = findNodes()
describe.runIf(nodes !== undefined)('installed into empty projects,', () => {
  const { 20: node20, 24: node24 } = nodes ?? { 20: '', 24: '' }
  const project = (name: string) => join(directory, name)
  let programs: ReadonlyMap<string, string> = new Map()
  beforeAll(async () => {
    const sdks = built.filter(({ name }) => name !== '@tetrapod/service')
    const service = built.filter(({ name }) => name !== '@tetrapod/agent-sdk')
    ;[programs] = await Promise.all([
      installSdks(project('sdks'), { 20: node20, 24: node24 }, sdks),
      install(project('service'), node24, service),
    ])
  }, 180_000)

  const placeAt = (folder: string): Place => ({
    directory: join(project('sdks'), folder),
    node: join(node20, 'node'),
    programs,
    runnable: (file) => file.replace(/\.ts$/, '.js'),
    service: { directory: project('service'), path: node24 },
  })

  describe('the SDKs on Node 20 and the service on Node 24, what the READMEs show runs:', () => {
    story(async () => ({ place: placeAt('story') }))
  })

  describe.each(guardedPrograms)('on Node 20, $file on $framework', (guarded) => {
    test('lets in who may, and answers all others as every guard does', async () => {
      const { endpoint, running } = await servedFor(placeAt('table'), guarded)
      onTestFinished(() => stopped(running))
      expect(await callTool(endpoint, 'crm.read')).toMatchObject({
        status: 200,
        body: expect.stringContaining('alice') as string,
      })
      expect(await callTool(endpoint, 'crm.write')).toMatchObject({
        status: 403,
        challenge: expect.stringMatching(/error="insufficient_scope".* scope="crm\.read"/) as string,
      })
      for (const { name, sent, path, method, status, challenge } of refusals) {
        const answer = await ask(endpoint, await sent(endpoint), {
          ...(path && { path }),
          ...(method && { method }),
        })
        const saysWhat = challenge === undefined ? undefined : (expect.stringContaining(challenge) as string)
        expect.soft(answer, name).toMatchObject({ status, challenge: saysWhat })
      }
    }, 60_000)
  })

  test('verify.ts tells a good token from another', async () => {
    const { endpoint, running } = await servedFor(placeAt('verify'), alone)
    onTestFinished(() => stopped(running))
    const [, value = ''] = await goodToken(endpoint)
    const place = placeAt('verify')
    const text = (programs.get('verify.js') ?? '')
      .replace('http://127.0.0.1:4000', endpoint.issuer.issuer)
      .replace('http://127.0.0.1:4001/mcp', endpoint.resource)
    await writeFile(join(place.directory, 'verify.js'), text)
    const verify = (token: string) => program(place, 'verify.ts', token).ended
    expect(await verify(value.replace('Bearer ', ''))).toEqual({ code: 0, output: 'u1\n' })
    expect(await verify('nonsense')).toMatchObject({
      code: 1,
      output: expect.stringContaining("code: 'malformed'") as string,
    })
  })

  test('on Node 20 the command says which Node it needs', async () => {
    const service = { directory: project('service'), path: node20 }
    expect(await command({ ...placeAt('service'), service }, 'npx tetrapod help').ended).toEqual({
      code: 1,
      output: expect.stringMatching(
        /^Tetrapod needs Node 24 or newer; this is v20\..*npm install node@26/,
      ) as string,
    })
  })

  test('what the READMEs tell to install is what was installed', async () => {
    const lines = await Promise.all(
      [...sdkFolders, 'service'].map(async (folder) => (await readReadme(folder)).commands),
    )
    const asked = lines
      .flat()
      .filter((line) => line.startsWith('npm install '))
      .flatMap((line) => line.split(' ').slice(2))
    const has = await Promise.all(
      ['sdks', 'service'].map((name) => readFile(join(project(name), 'package.json'), 'utf8')),
    )
    expect(asked.filter((name) => !has.join().includes(`"${name}"`))).toEqual([])
  })
})

interface Furnished {
  readonly place: Place
  readonly furnish?: () => Promise<void>
}

/** All that the READMEs say. */
function story(open: () => Promise<Furnished>): void {
  let place: Place
  let ports: Ports
  let service: Running | undefined
  let payroll: Running | undefined

  beforeAll(async () => {
    const opened = await open()
    place = opened.place
    ports = await freeCompany()
    await writePrograms(place, ports)
    await opened.furnish?.()
    service = await startService(place, ports)
    payroll = await serve(place, 'payroll.ts', ports.origin(4002))
  }, 120_000)
  afterAll(async () => void (await Promise.all([stopped(service), stopped(payroll)])))

  test.each(Object.entries(servers))(
    '%s answers the agent: %s',
    async (file, says) => {
      const result: unknown = JSON.parse(await walk(place, ports, file as keyof typeof servers))
      expect(result).toMatchObject({ content: [{ type: 'text', text: says }] })
    },
    60_000,
  )

  test('who-acted.ts prints what it says, and refuses what it says', async () => {
    const text = (await readReadme('protocol')).files.get('who-acted.ts') ?? ''
    const [first, second, refusal = ''] = [...text.matchAll(/\) \/\/ (.*)/g)].map(([, comment]) => comment)
    const { code, output } = await program(place, 'who-acted.ts').ended
    expect(code).toBe(1)
    expect(output.split('\n').slice(0, 2)).toEqual([first, second])
    expect(output).toContain(refusal.replace('throws ', ''))
  })
}
