import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { createBrowser } from '../../demo/src/walk/scripted-browser.ts'
import { command, type Place, type Ports, program, stopped } from './place.ts'
import { readReadme } from './readme.ts'

/** The programs of the READMEs that are MCP servers, and what the agent hears from each. */
export const servers = {
  'crm.ts': 'alice',
  'crm-express.ts': 'alice',
  'crm-hono.ts': 'alice',
  'crm-payroll.ts': 'the payslips of alice, in 3 hops',
} as const

/** Does what the service's README says, and resolves when the service is ready. */
export async function startService(place: Place, ports: Ports) {
  const { files, commands } = await readReadme('service')
  const [install, hash = '', check = '', start = ''] = commands
  expect(install).toBe('npm install @tetrapod/service')
  const hashed = await command(place, hash).ended
  expect(hashed.code, hashed.output).toBe(0)
  const yaml = ports.moved(files.get('tetrapod.yaml') ?? '').replace('HASH', hashed.output.trim())
  await writeFile(join(place.service.directory, 'tetrapod.yaml'), yaml)
  expect(await command(place, check).ended).toEqual({ code: 0, output: 'tetrapod.yaml is good.\n' })
  const service = command(place, start)
  await service.printed(/"ready"/)
  return service
}

/** Starts a program that serves; resolves when it does. */
export async function serve(place: Place, file: string, origin: string) {
  const running = program(place, file)
  const url = `${origin}/.well-known/jwks.json`
  const served = async () => {
    if (running.process.exitCode !== null) throw new Error(`${file} ended:\n${(await running.ended).output}`)
    expect((await fetch(url)).status).toBe(200)
  }
  await vi.waitFor(served, { timeout: 20_000, interval: 20 })
  return running
}

/** Runs the agent; where it asks for a login, alice logs in and allows all. Gives what it printed last. */
export async function askAsAlice(place: Place, ports: Ports): Promise<string> {
  const agent = program(place, 'agent.ts')
  await agent.printed(/\n/)
  const url = /http:\/\/\S+\/authorize\?\S+/.exec(await agent.printed(/\n/))?.[0]
  if (url !== undefined) await agree(url, ports.origin(4000))
  const { code, output } = await agent.ended
  expect(code, output).toBe(0)
  return output.trimEnd().split('\n').at(-1) ?? ''
}

async function agree(url: string, origin: string): Promise<void> {
  const browser = createBrowser()
  let page = await browser.open(url)
  while (new URL(page.url).origin === origin) {
    const [form] = page.forms
    if (form === undefined || page.status !== 200) throw new Error(`A page without a form: ${page.text}`)
    const login = { username: 'alice', password: 'alice-password' }
    page = await browser.submit(page, form, 'password' in form.fields ? login : { decision: 'allow' })
  }
}

/** One server of the READMEs after another answers the agent through the gateway, as alice. */
export async function walk(place: Place, ports: Ports, file: keyof typeof servers): Promise<string> {
  const server = await serve(place, file, ports.origin(4001))
  try {
    return await askAsAlice(place, ports)
  } finally {
    await stopped(server)
  }
}
