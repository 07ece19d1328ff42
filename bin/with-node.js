#!/usr/bin/env node
/**
 * Runs a file of this checkout, or a tool it depends on, with the Node that the lockfile brings.
 *
 *   node bin/with-node.js FILE [ARGS]        a TypeScript or JavaScript file
 *   node bin/with-node.js --bin NAME [ARGS]  a tool from node_modules/.bin
 *
 * On a fresh clone it installs the dependencies first. It runs on Node 20, so it is plain JavaScript.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const marker = join(modules, '.installed-lockfile')

install()
const node = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const [first, ...rest] = process.argv.slice(2)
const command =
  first === '--bin' ? [realpathSync(join(modules, '.bin', rest[0])), ...rest.slice(1)] : [first, ...rest]
const child = spawn(node, command, {
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: `${join(modules, 'node', 'bin')}${delimiter}${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(modules, '.cache', 'node'),
  },
})
// Ctrl-C reaches the child by the terminal; a signal sent to this process alone must be passed on.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)))

/** Installs what package-lock.json says, once per version of that file. */
function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === lock) return
  process.stderr.write('Installing dependencies (the first time only) ...\n')
  // The machine's own Node may be older than some packages ask for; they run on the Node that is installed here.
  const { status } = spawnSync(
    'npm',
    ['ci', '--loglevel=error', '--no-fund', '--no-audit', '--include=dev'],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    },
  )
  if (status !== 0) {
    process.stderr.write(
      'npm ci failed: read its messages above, mend the cause, and run this command again.\n',
    )
    process.exit(1)
  }
  writeFileSync(marker, lock)
}
