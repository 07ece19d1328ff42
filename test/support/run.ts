import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { root } from './sources.ts'

export interface Ended {
  readonly code: number | null
  readonly output: string
}

export interface Running {
  readonly ended: Promise<Ended>
  /** Resolves with the output once it matches. Throws when the process ends before it does. */
  printed(pattern: RegExp): Promise<string>
  readonly process: ChildProcess
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** In a process group of its own, so that a command can be ended with all that it started. */
  readonly detached?: boolean
}

/** Runs a command and keeps what it writes, wherever it writes it. */
export function run(
  words: readonly string[],
  { cwd = root, env = process.env, detached = false }: RunOptions = {},
): Running {
  const [file = '', ...args] = words
  const child = spawn(file, args, { cwd, env, detached, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let over = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      child.emit('printed')
    })
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error) => (output += error.message))
    child.once('close', (code) => {
      over = true
      child.emit('printed')
      resolve({ code, output })
    })
  })
  return {
    process: child,
    ended,
    printed: async (pattern) => {
      while (!pattern.test(output)) {
        if (over) throw new Error(`${words.join(' ')} ended without ${pattern}:\n${output}`)
        await once(child, 'printed')
      }
      return output
    },
  }
}
