import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePorts } from './ports.ts'
import { openProxy, type Proxy } from './proxy.ts'
import type { Running, Started } from './world.ts'

const command = fileURLToPath(new URL('../../service/bin/tetrapod.js', import.meta.url))

/** One `tetrapod start` in a process of its own. */
export interface Replica {
  readonly port: number
  readonly socket: string
  readonly dataDirectory: string
  /** Resolves when it serves; rejects with what it said when it ends instead. */
  start(): Promise<void>
  /** As a crash of the process: nothing of it runs any more. */
  kill(): Promise<void>
  /** It stands still, its connections stay; or goes on. */
  freeze(frozen: boolean): void
  /** As an operator stops it. */
  stop(): Promise<void>
}

export interface Replicas {
  readonly all: readonly Replica[]
  readonly proxy: Proxy
  /** Runs a world's service as these replicas. */
  readonly run: (started: Started) => Promise<Running>
}

/** Replicas that share a database, a configuration and a keyring, behind one proxy. There are none before `run`. */
export function createReplicas(count: number): Replicas {
  const all: Replica[] = []
  let proxy: Proxy | undefined
  return {
    all,
    get proxy() {
      if (proxy === undefined) throw new Error('not started')
      return proxy
    },
    async run({ publicUrl, config, dataDirectory }) {
      const file = join(dataDirectory, 'tetrapod.yaml')
      await writeFile(file, config.text)
      const ports = await freePorts(count)
      for (const [n, port] of ports.entries()) {
        const directory = join(dataDirectory, `replica-${n}`)
        await mkdir(directory, { mode: 0o700 })
        const first = all[0]
        if (first !== undefined)
          await copyFile(join(first.dataDirectory, 'keyring.json'), join(directory, 'keyring.json'))
        const next = replica({ file, environment: config.environment, dataDirectory: directory, port })
        await next.start()
        all.push(next)
      }
      const inFront = await openProxy({ port: Number(new URL(publicUrl).port), targets: ports })
      proxy = inFront
      return {
        socket: all[0]?.socket ?? '',
        async close() {
          await inFront.close()
          await Promise.all(all.map((each) => each.stop()))
          await rm(file)
        },
      }
    },
  }
}

/** Runs a `tetrapod start` until it serves. Rejects with what it said when it ends instead. */
export async function served(
  args: readonly string[],
  {
    environment,
    cwd,
  }: { readonly environment: Readonly<Record<string, string | undefined>>; readonly cwd?: string },
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [command, ...args], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  })
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line)
    if (line.includes('"msg":"ready"')) {
      child.stderr.resume()
      return child
    }
  }
  throw new Error(said.join('\n'))
}

export function replica(options: {
  /** The configuration. */
  readonly file: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly dataDirectory: string
  readonly port: number
}): Replica {
  const { file, environment, dataDirectory, port } = options
  const args = ['--config', file, '--data', dataDirectory, '--listen', `127.0.0.1:${port}`]
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill(signal)
    await ended
  }
  return {
    port,
    dataDirectory,
    socket: join(dataDirectory, 'tetrapod.sock'),
    async start() {
      child = await served(['start', ...args], { environment })
    },
    kill: () => end('SIGKILL'),
    freeze: (frozen) => void child?.kill(frozen ? 'SIGSTOP' : 'SIGCONT'),
    stop: () => end('SIGTERM'),
  }
}
