#!/usr/bin/env node
/**
 * The `tetrapod` command: of a checkout, which runs from its sources, and of the released package, which has none. The
 * service runs on Node 24 or newer; an older Node that finds this file hands over to the one that the dependency `node`
 * brings. Plain JavaScript, so that any Node can read it.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = new URL('../src/cli/run.ts', import.meta.url)
const command = existsSync(source) ? source : new URL('../dist/cli/run.js', import.meta.url)

if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(command.href)
} else {
  const node = newerNode()
  if (node === undefined) {
    process.stderr.write(
      `Tetrapod needs Node 24 or newer; this is ${process.version}. Install one, or let npm bring one: npm install node@26 (in a checkout: npm ci).\n`,
    )
    process.exit(1)
  }
  const child = spawn(node, [fileURLToPath(command), ...process.argv.slice(2)], { stdio: 'inherit' })
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)))
}

function newerNode() {
  try {
    const installed = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const node = join(installed, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(node) ? node : undefined
  } catch {
    return undefined
  }
}
