/**
 * Everything but the tests: types, lint, format, architecture and fresh generated documents, side by side. Prints what
 * each found; ends with 1 if one of them found something. Run it by `npm run check`.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const parts = [
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'tsc', '--noEmit'],
  ['format', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['architecture', 'vitest', 'run', 'test/architecture.test.ts', '--reporter=dot'],
  ['generated documents', process.execPath, 'bin/generate-docs.ts'],
]

const results = await Promise.all(parts.map(run))
process.exitCode = results.every(Boolean) ? 0 : 1

/** Runs one part and prints its result when it is done, so that the output of two is never mixed. */
function run([name, command, ...args]) {
  const started = performance.now()
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', (error) => (output += error.message))
    child.on('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      process.stdout.write(
        `${code === 0 ? 'passed' : 'FAILED'}  ${name} (${seconds} s)\n${code === 0 ? '' : `${output}\n`}`,
      )
      resolve(code === 0)
    })
  })
}
