import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { glob, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { root } from '../support/sources.ts'
import { GATE, openGate } from './gate.ts'

/** What the suite found in one scenario. */
export interface Result {
  readonly succeeded: number
  /** Names of what failed, or should be better. */
  readonly failed: readonly string[]
  /** What our client said. */
  readonly said: string
}

export interface SuiteRun {
  /** 0 when everything that the revision requires passed, clients that ended badly included. */
  readonly exitCode: number
  readonly output: string
  readonly results: ReadonlyMap<string, Result>
}

const checks = z.array(
  z.object({ name: z.string(), status: z.string(), errorMessage: z.string().optional() }),
)

/** For one client, its wait for the others included. */
const CLIENT_MS = 300_000

/** Runs what one revision requires of clients, and what else the suite has for it. The suite starts `start.ts`. */
export async function runClientSuite(revision: string): Promise<SuiteRun> {
  const folder = await mkdtemp(join(tmpdir(), 'tetrapod-conformance-'))
  try {
    const suite = join(root, 'node_modules/.bin/conformance')
    const command = `${process.execPath} ${join(root, 'test/conformance/start.ts')}`
    const options = [
      '--command',
      command,
      '--requirements',
      revision,
      '--timeout',
      `${CLIENT_MS}`,
      '-o',
      folder,
    ]
    await using gate = await openGate()
    const child = spawn(process.execPath, [suite, 'client', ...options], {
      env: { ...process.env, [GATE]: `${gate.port}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => output.push(text))
    }
    const [exitCode] = (await once(child, 'close')) as [number]
    return { exitCode, output: output.join(''), results: await resultsIn(folder) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One folder per scenario, named for it and for when it ran. */
async function resultsIn(folder: string): Promise<ReadonlyMap<string, Result>> {
  const results = new Map<string, Result>()
  for await (const file of glob('**/checks.json', { cwd: folder })) {
    const scenario = dirname(file).replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
    const all = checks.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))
    const failed = all.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    results.set(scenario, {
      succeeded: all.filter(({ status }) => status === 'SUCCESS').length,
      said: await readFile(join(folder, dirname(file), 'stderr.txt'), 'utf8'),
      failed: failed.map(({ name, errorMessage = '' }) => `${name} ${errorMessage}`.trim()),
    })
  }
  return results
}
