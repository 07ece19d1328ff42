import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../support/ports.ts'
import { run, type Running } from '../support/run.ts'

/** Where what the READMEs show is done. */
export interface Place {
  /** Where the programs lie and run. */
  readonly directory: string
  /** The Node that runs them. */
  readonly node: string
  /** The programs by their names, and what they are called once they can be run. */
  readonly programs: ReadonlyMap<string, string>
  readonly runnable: (file: string) => string
  /** Where the service was installed, and where its Node is found. */
  readonly service: { readonly directory: string; readonly path: string }
}

/** What stands for the ports 4000 (Tetrapod), 4001 (a server) and 4002 (an API) of the READMEs. */
export interface Ports {
  readonly origin: (port: 4000 | 4001 | 4002) => string
  readonly moved: (text: string) => string
}

export async function freeCompany(): Promise<Ports> {
  const free = await freePorts(3)
  const at = (offset: string) => String(free[Number(offset)] ?? `400${offset}`)
  return {
    origin: (port) => `http://127.0.0.1:${at(String(port).slice(3))}`,
    moved: (text) => text.replaceAll(/\b400([012])\b/g, (_, offset: string) => at(offset)),
  }
}

/** Writes the programs, at ports that are free. */
export async function writePrograms({ directory, programs }: Place, ports: Ports): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const [name, text] of programs) await writeFile(join(directory, name), ports.moved(text))
}

/** Runs a program of a README as its reader does. */
export function program(place: Place, file: string, ...args: readonly string[]): Running {
  return run([place.node, place.runnable(file), ...args], { cwd: place.directory, detached: true })
}

/** Runs a command of the service's README in a shell. */
export function command({ service: { directory, path } }: Place, line: string): Running {
  const env = { ...process.env, PATH: `${path}:${process.env['PATH'] ?? ''}` }
  return run(['/bin/sh', '-c', line], { cwd: directory, env, detached: true })
}

/** Ends what `program` or `command` started, and all that it started. */
export async function stopped(running: Running | undefined): Promise<void> {
  const { pid, exitCode, signalCode } = running?.process ?? {}
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGTERM')
  await running?.ended
}
