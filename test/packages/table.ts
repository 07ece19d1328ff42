import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ask, type Endpoint, goodToken, revoke } from '../../server-sdk/src/test-refusals.ts'
import { testIssuer } from '../../server-sdk/src/test-server.ts'
import type { Running } from '../support/run.ts'
import { freeCompany, type Place } from './place.ts'
import { serve } from './story.ts'

/** A server of a README, and what it is served by. */
export interface GuardedProgram {
  readonly file: string
  readonly framework: 'node:http' | 'Hono' | 'Express 5' | 'Express 4'
}

export const alone: GuardedProgram = { file: 'crm.ts', framework: 'node:http' }
export const guardedPrograms: readonly GuardedProgram[] = [
  alone,
  { file: 'crm-hono.ts', framework: 'Hono' },
  { file: 'crm-express.ts', framework: 'Express 5' },
  { file: 'crm-express.ts', framework: 'Express 4' },
  { file: 'crm-v1.ts', framework: 'Express 5' },
  { file: 'crm-v1.ts', framework: 'Express 4' },
]

/** Starts a program in front of an issuer whose tokens are the test's. Only in a test: the issuer ends with it. */
export async function servedFor(
  place: Place,
  { file, framework }: GuardedProgram,
): Promise<{ readonly endpoint: Endpoint; readonly running: Running }> {
  const issuer = await testIssuer()
  revoke(issuer)
  const ports = await freeCompany()
  const name = place.runnable(file)
  const text = place.programs.get(name) ?? ''
  // Express 4 was installed under a name of its own.
  const served = framework === 'Express 4' ? text.replace("'express'", "'express4'") : text
  await mkdir(place.directory, { recursive: true })
  await writeFile(
    join(place.directory, name),
    ports.moved(served.replace('http://127.0.0.1:4000', issuer.issuer)),
  )
  const running = await serve(place, file, ports.origin(4001))
  return { endpoint: { issuer, resource: `${ports.origin(4001)}/mcp` }, running }
}

/** Calls the tool of the program as a client of any age does, without an introduction. */
export async function callTool(endpoint: Endpoint, scope: string) {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami', arguments: {} } }
  const version = ['mcp-protocol-version', '2025-11-25']
  return ask(endpoint, [...(await goodToken(endpoint, scope)), ...version], { body: JSON.stringify(call) })
}
