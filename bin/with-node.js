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
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const marker = join(modules, '.installed-lockfile')
const lock = join(root, '.install-lock')
const node = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

if (!installed()) await alone(() => installed() || install())
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
child.on('error', (error) => {
  process.stderr.write(
    `${node} cannot be run (${error.message}). Delete node_modules and run this command again.\n`,
  )
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)))

/** The marker lies in node_modules and is written last: an installation that was broken off has none. */
function installed() {
  return existsSync(node) && existsSync(marker) && readFileSync(marker, 'utf8') === lockfileHash()
}

function lockfileHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/** Installs what package-lock.json says, once per version of that file. */
function install() {
  const hash = lockfileHash()
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
    process.exitCode = 1
    return
  }
  writeFileSync(marker, hash)
}

/** Runs `work` in one process at a time: `npm ci` empties node_modules under whoever else is in it. */
async function alone(work) {
  for (let told = false; !locked(); told = true) {
    if (!told)
      process.stderr.write(
        `Waiting for another command that installs the dependencies (if there is none, delete ${lock}) ...\n`,
      )
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  try {
    work()
  } finally {
    rmSync(lock, { force: true })
  }
  if (process.exitCode) process.exit()
}

/** Takes the lock file, which holds the process id of its owner. One whose owner has died is put aside. */
function locked() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const owner = read(lock)
  if (owner === undefined || !abandoned(owner)) return false
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
    // Between the look and the rename somebody else may have put it aside and taken a lock of their own.
    if (read(aside) !== owner) renameSync(aside, lock)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  rmSync(aside, { force: true })
  return false
}

function abandoned(owner) {
  // Empty for the moment between its making and its writing.
  if (!/^\d+$/.test(owner))
    return Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > 10_000
  try {
    process.kill(Number(owner), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return undefined
  }
}
