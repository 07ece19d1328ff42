/**
 * Changes the security core a little, one change at a time, and says which changes no test noticed (docs/mutants.md).
 *
 *   npm run mutants                  all modules of mutants/modules.json
 *   npm run mutants -- policy grants these alone; what is known of the others stays
 *
 * The changes are made in a copy of this checkout, because packages are symbolic links that would lead out of a sandbox.
 * Writes mutants/results.json and docs/mutants.md. Ends with 1 for a score below the bar, for a survivor without a reason
 * in mutants/equal.json, and for a reason without its survivor.
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { mutantsPage } from './docs/mutants-page.ts'
import { complaints, readMutants } from './docs/mutants-results.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { modules } = await readMutants()
const wanted = process.argv.slice(2)
const chosen = wanted.length === 0 ? modules : modules.filter(({ name }) => wanted.includes(name))
if (chosen.length < wanted.length) throw new Error('A module that mutants/modules.json does not have')

const copy = await mkdtemp(join(tmpdir(), 'mutants-'))
try {
  await cp(root, copy, { recursive: true, filter: isOurs })
  await linkPackages()
  for (const module of chosen) await keep(module.name, await mutate(module))
} finally {
  await rm(copy, { recursive: true, force: true })
}

const known = await readMutants()
await writeFile(join(root, 'docs', 'mutants.md'), mutantsPage(known))
const wrong = complaints(known)
for (const line of wrong) process.stderr.write(`${line}\n`)
process.exitCode = wrong.length === 0 ? 0 : 1

/** Runs StrykerJS over one module in the copy and says how each change ended. */
async function mutate({ mutate, tests }) {
  const started = performance.now()
  const files = [...mutate, '!**/*.test.ts', '!**/*.fixture.ts', '!**/index.ts'].join(',')
  const tool = join(root, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js')
  const concurrency = process.env.MUTANTS_CONCURRENCY ?? '2'
  await run([tool, 'run', 'mutants/stryker.config.json', '--mutate', files, '--concurrency', concurrency], {
    MUTANTS_TESTS: JSON.stringify(tests),
  })
  const report = JSON.parse(await readFile(join(copy, 'mutants', 'report.json'), 'utf8'))
  return { seconds: Math.round((performance.now() - started) / 1000), ...counted(report) }
}

function counted({ files }) {
  const counts = { Killed: 0, Timeout: 0, Survived: 0, NoCoverage: 0, Ignored: 0, RuntimeError: 0 }
  const survivors = []
  for (const [file, { source, mutants }] of Object.entries(files)) {
    const lines = source.split('\n')
    for (const { status, location, mutatorName, replacement } of mutants) {
      counts[status] += 1
      if (status !== 'Survived' && status !== 'NoCoverage') continue
      const { line } = location.start
      const text = lines[line - 1].trim()
      survivors.push({
        file,
        line,
        text,
        column: location.start.column,
        mutator: mutatorName,
        replacement,
        status,
      })
    }
  }
  return { counts, survivors }
}

/** Ends when the tool ends; throws if it could not do its work. */
function run(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: copy,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    })
    child.on('error', reject)
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`StrykerJS ended with ${code}`))))
  })
}

function isOurs(path) {
  return !['.git', '.tetrapod', '.mutants', 'node_modules'].includes(basename(path))
}

/** Other people's packages are the checkout's own; ours, which are relative links, lead into the copy. */
async function linkPackages() {
  const [from, to] = [join(root, 'node_modules'), join(copy, 'node_modules')]
  await cp(join(from, '@tetrapod'), join(to, '@tetrapod'), { recursive: true, verbatimSymlinks: true })
  for (const name of await readdir(from))
    if (name !== '@tetrapod' && !name.startsWith('.')) await symlink(join(from, name), join(to, name))
}

/** One module's result beside those of the others, as they are by now. */
async function keep(name, result) {
  const { results } = await readMutants()
  const text = JSON.stringify({ ...results, [name]: result })
  await writeFile(
    join(root, 'mutants', 'results.json'),
    await format(text, { parser: 'json', printWidth: 110 }),
  )
}
