import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Part } from './parts.ts'
import { Problem } from './problem.ts'

export interface Processes {
  /** Resolves when every part answers. */
  readonly ready: Promise<void>
  /** Rejects with a {@link Problem} that names the first part that ended by itself, and its last words. */
  readonly lost: Promise<never>
  /** Ends every part and resolves when all are gone: asked first (SIGTERM), after five seconds made to. */
  stop(): Promise<void>
}

interface Running {
  readonly name: string
  readonly child: ChildProcess
  readonly ended: Promise<string>
  lastWords(): string
}

const READY_MS = 30_000
const STOP_MS = 5000
const LAST_LINES = 15

/** Starts all parts at once, with this Node. Each writes its log to `folder/NAME.log`. */
export function startProcesses(parts: readonly Part[], folder: string): Processes {
  const stopping = new AbortController()
  const running = parts.map((part) => startOne(part, folder))
  const lost = Promise.race(running.map(({ ended }) => ended)).then((name) => {
    const lastWords = running.find((one) => one.name === name)?.lastWords() ?? ''
    if (stopping.signal.aborted) return new Promise<never>(() => {})
    throw new Problem(`The ${name} ended by itself. Its last lines (all are in ${name}.log):\n${lastWords}`)
  })
  const ready = Promise.all(parts.map((part) => untilReady(part, folder, stopping.signal))).then(() => {})
  // Who waits for one of them need not wait for the other.
  for (const promise of [lost, ready]) promise.catch(() => {})
  return {
    ready,
    lost,
    async stop() {
      stopping.abort()
      await Promise.all(running.map(stopOne))
    },
  }
}

function startOne(part: Part, folder: string): Running {
  // A group of its own: Ctrl-C reaches the launcher alone, which then stops the others in order.
  const child = spawn(process.execPath, part.arguments, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...part.environment },
  })
  const log = createWriteStream(join(folder, `${part.name}.log`), { mode: 0o600 })
  let words = ''
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).split('\n').slice(-LAST_LINES).join('\n')
  })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      words += error.message
      resolve(part.name)
    })
    child.once('close', () => resolve(part.name))
  })
  return { name: part.name, child, ended, lastWords: () => words.trimEnd() }
}

async function untilReady({ name, readyAt }: Part, folder: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_MS
  while (!(await answers(readyAt))) {
    if (Date.now() > deadline) {
      throw new Problem(
        `The ${name} was not ready within ${READY_MS / 1000} s. Read ${join(folder, `${name}.log`)}.`,
      )
    }
    await delay(40, undefined, { signal })
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const { ok, body } = await fetch(url, { signal: AbortSignal.timeout(2000), redirect: 'manual' })
    await body?.cancel()
    return ok
  } catch {
    return false
  }
}

async function stopOne({ child, ended }: Running): Promise<void> {
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(force)
}
