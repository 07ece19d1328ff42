import { existsSync } from 'node:fs'
import { glob, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declareAll } from '../bin/docs/errors-page.ts'
import { whatToCheck } from '../bin/docs/what-to-check.ts'
import { released } from '../bin/packages/released.ts'
import { companyAt } from '../demo/src/company.ts'
import { checkPorts } from '../demo/src/launcher/ports.ts'
import { declaredFaults } from '../service/src/kernel/index.ts'
import { lines } from './support/architecture.ts'
import { type Ended, run, type Running } from './support/run.ts'
import { code, readSources, root } from './support/sources.ts'

interface Page {
  readonly path: string
  readonly text: string
}

const pages: Page[] = []
for await (const path of glob(['*.md', '*/*.md', 'docs/**/*.md'], {
  cwd: root,
  exclude: ['node_modules/**'],
})) {
  if (!path.startsWith('node_modules')) pages.push({ path, text: await readFile(join(root, path), 'utf8') })
}
const pageAt = (path: string) => pages.find((page) => page.path === path)?.text ?? ''
const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}

/**
 * The lines of every `sh` block, but for those that need a database (`test/flow/replicas.test.ts` runs them) and those for a
 * reader who has no checkout (`test/packages.test.ts`).
 */
const elsewhere = ['docs/replicas.md', ...released.map(({ folder }) => `${folder}/README.md`)]
const runHere = pages.filter(({ path }) => !elsewhere.includes(path))
const commands = runHere.flatMap(({ path, text }) =>
  [...text.matchAll(/^```sh\n([^]*?)^```/gm)]
    .flatMap(([, block = '']) => block.split('\n').filter((line) => line.trim() !== ''))
    .map((command) => ({ path, command })),
)

/** A place where five ports in a row are free. */
async function freeCompany(): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  return checkPorts(companyAt(port)).then(() => port, freeCompany)
}

describe('every command of the documents works', () => {
  let data = ''
  let port = 0
  let walked: Ended
  let company: Running
  let welcome = ''
  let startMs = 0
  const npmStart = (...flags: readonly string[]) =>
    run([...(scripts['start'] ?? '').split(' '), '--port', String(port), '--data', data, ...flags])

  /** The first word of a list: the id of the first that is not revoked yet. */
  const firstOf = async (things: string) => {
    const { output } = await run(['node', 'service/bin/tetrapod.js', things, 'list', '--data', data]).ended
    const line = output.split('\n').find((text) => !text.includes('  revoked ')) ?? ''
    return line.split(' ')[0] ?? ''
  }

  // One walk first, so that the company that then stays up has grants and a record to show.
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'tetrapod-docs-'))
    port = await freeCompany()
    walked = await npmStart('--once', '--json').ended
    const began = performance.now()
    company = npmStart()
    welcome = await company.printed(/\n\n$/)
    startMs = performance.now() - began
  })
  afterAll(async () => {
    company.process.kill('SIGTERM')
    await company.ended
    await rm(data, { recursive: true, force: true })
  })

  test('there are some', () => {
    expect(commands.map(({ command }) => command)).toEqual(expect.arrayContaining(['npm start', 'npm test']))
  })

  test.each(commands)('$path: $command', async ({ command }) => {
    if (command === 'npm start') return expect(company.process.exitCode).toBe(null)
    if (command === 'npm start -- --once') return expect(walked).toMatchObject({ code: 0 })
    // Not run from a test: they run the tests. That they exist and lead somewhere is what can be said here.
    const script = /^npm (?:run )?(test|check)$/.exec(command)?.[1]
    if (script !== undefined) return expect(scripts[script]).toMatch(/^node bin\/with-node\.js /)
    expect(command).toMatch(/^node service\/bin\/tetrapod\.js /)
    const words = command
      .replaceAll('.tetrapod', data)
      .replace('GRANT_ID', await firstOf('grants'))
      .replace('AGENT_ID', await firstOf('agents'))
      .split(' ')
    const ended = await run(words.filter((word) => word !== '')).ended
    expect(ended).toEqual({ code: 0, output: expect.stringMatching(/\S/) })
  })

  test('a walk with --json ends with one line that holds what every hop carried, and the audit log', () => {
    const last = walked.output.trimEnd().split('\n').at(-1) ?? ''
    const claims = expect.objectContaining({ act: expect.any(Object), aud: expect.any(String) })
    const answered = (actors: number) => ({
      tokens: [claims, claims, claims],
      api: {
        user: expect.any(Object),
        chain: Array.from({ length: actors }, () => expect.any(Object)),
        claims,
      },
      result: {
        month: expect.any(String),
        deals: expect.any(Array),
        rate: expect.any(Number),
        commission: expect.any(Number),
      },
    })
    const walk = {
      ...answered(3),
      refusal: expect.any(String),
      // The researcher and the planner that handed it a part.
      research: { handed: claims, answer: answered(4) },
    }
    // An agent registers before any user knows of it.
    const line = ({ kind }: { readonly kind: string }) =>
      expect.objectContaining({
        ...(kind === 'agent_changed' ? {} : { user: expect.any(String) }),
        kind,
        outcome: expect.any(String),
      })
    const { users, audit } = JSON.parse(last) as {
      readonly users: unknown
      readonly audit: readonly { readonly kind: string }[]
    }
    expect(users).toEqual({ alice: walk, bob: walk })
    expect(audit.length).toBeGreaterThan(0)
    expect(audit).toEqual(audit.map(line))
  })

  // The promise is three seconds on a machine that is free; a test shares its machine with others.
  test('a start on installed dependencies takes seconds', () => {
    console.log(`ready after ${(startMs / 1000).toFixed(1)} s`)
    expect(startMs).toBeLessThan(10_000)
  })

  test('npm start -- --help prints the usage', async () => {
    const output = expect.stringMatching(/^Usage: npm start/) as string
    expect(await npmStart('--help').ended).toEqual({ code: 0, output })
  })

  test('a start prints what the README says', () => {
    const quoted = /^The demo company is running[^]*?(?=```)/m.exec(pageAt('README.md'))?.[0] ?? ''
    const here = quoted
      .replaceAll(/400(\d)/g, (_, offset: string) => String(port + Number(offset)))
      .replaceAll('.tetrapod', relative(root, data))
    expect(welcome.trim()).toBe(here.trim())
  })
})

describe('what the documents name is there', () => {
  test.each(pages)('$path', ({ path, text }) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g)].map(
      ([, link, image]) => join(dirname(path), link ?? image ?? ''),
    )
    const files = [...text.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|js|md|json|svg))`/g)].map(
      ([, file = '']) => file,
    )
    const missing = [...links, ...files.filter((file) => !file.startsWith('src/'))].filter(
      (file) => !existsSync(join(root, file)),
    )
    expect(missing).toEqual([])
  })

  test('the table of modules is the modules', async () => {
    const entries = await readdir(join(root, 'service/src'), { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    const named = [...pageAt('service/README.md').matchAll(/^\| `([a-z]+)` \|/gm)].map(
      ([, name = '']) => name,
    )
    expect(named.toSorted()).toEqual(folders.toSorted())
  })

  test('the order of modules is the order that is held', async () => {
    const entries = await readdir(join(root, 'service/src'))
    const held = lines
      .map((line) => line.filter((name) => entries.includes(name) && name !== 'faults.ts').toSorted())
      .filter((line) => line.length > 0)
    const block = /```\n(main\.ts[^]*?)```/.exec(pageAt('ARCHITECTURE.md'))?.[1] ?? ''
    const said = block
      .trimEnd()
      .split('\n')
      .map((line) => (line.split('   ')[0] ?? '').split(/\s+/).toSorted())
    expect(said).toEqual(held)
  })

  test('every table of the database has its line', async () => {
    const folder = join(root, 'service/src/storage/sqlite/migrations')
    const files = await readdir(folder)
    const statements = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
    const tables = statements.flatMap((text) =>
      [...text.matchAll(/create table (\w+)/g)].map(([, name = '']) => name),
    )
    const said = [...pageAt('docs/storage.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name)
    expect(tables.filter((name) => !said.includes(name))).toEqual([])
  })

  test('every fault is declared where the list of errors is made from', async () => {
    const sources = (await readSources('service/src')).filter(
      ({ path }) => !/\.(test|fixture)\.ts$/.test(path),
    )
    const elsewhere = sources
      .filter(({ path }) => !path.endsWith('/faults.ts'))
      .filter(({ text }) => /\bfaults\(\s*['"`]|new Fault\(\s*['"`]/.test(code(text)))
    expect(elsewhere.map(({ path }) => path)).toEqual([])
  })

  test('advice is for errors that exist', async () => {
    await declareAll()
    expect(Object.keys(whatToCheck).filter((code) => !declaredFaults.has(code))).toEqual([])
  })
})
