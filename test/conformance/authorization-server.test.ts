import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createBrowser } from '../../demo/src/walk/scripted-browser.ts'
import { freePorts } from '../support/ports.ts'
import { register, withRegistration } from '../support/registering.ts'
import { root } from '../support/sources.ts'
import { openWorld } from '../support/world.ts'

/** One line of the suite's report. */
interface Check {
  readonly id: string
  readonly status: string
}

const suite = join(root, 'node_modules/@modelcontextprotocol/conformance/dist/index.js')

describe('the official conformance suite for authorization servers', () => {
  test.each(['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'])(
    'finds nothing wrong, and nothing to warn of, at %s',
    async (revision) => {
      const [port = 0] = await freePorts(1)
      const world = await openWorld({ amend: withRegistration('{ dynamic: true }') })
      onTestFinished(() => world.close())
      const client = {
        redirect_uris: [`http://127.0.0.1:${port}/callback`],
        token_endpoint_auth_method: 'none',
      }
      const { body } = await register(world, client)
      const output = await mkdtemp(join(tmpdir(), 'conformance-'))
      onTestFinished(() => rm(output, { recursive: true, force: true }))

      const running = spawn(
        process.execPath,
        [
          suite,
          'authorization',
          `--url=${world.publicUrl}`,
          `--resource=${world.mount('crm')}`,
          `--client-id=${String(body['client_id'])}`,
          `--port=${port}`,
          `--spec-version=${revision}`,
          `--output-dir=${output}`,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      onTestFinished(() => void running.kill())
      const browser = createBrowser()
      const url = await authorizationUrl(running.stdout, `${world.publicUrl}/authorize?`)
      await world.agree(browser, await browser.open(url), 'alice')
      await once(running, 'exit')

      const checks = await report(output)
      expect(checks.filter(({ status }) => status !== 'SUCCESS')).toEqual([])
      expect(checks.map(({ id }) => id)).toEqual(
        expect.arrayContaining(['authorization-code-grant', 'authorization-server-metadata']),
      )
    },
    60_000,
  )
})

/** The suite waits for a person: it prints where to go. */
async function authorizationUrl(output: Readable, beginning: string): Promise<string> {
  const lines = createInterface({ input: output })
  for await (const line of lines) if (line.startsWith(beginning)) return line
  throw new Error('the suite never asked for a login')
}

async function report(directory: string): Promise<readonly Check[]> {
  const scenarios = (await readdir(directory)).sort()
  const files = scenarios.map((scenario) => readFile(join(directory, scenario, 'checks.json'), 'utf8'))
  return (await Promise.all(files)).flatMap((text) => JSON.parse(text) as Check[])
}
