import { scryptSync } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { companyAt } from '../company.ts'
import { keyFrom } from '../key-file.ts'
import { type AuditView, serveAuditView } from './audit-view.ts'
import { ensureConfiguration } from './configuration-file.ts'
import { parseOptions } from './options.ts'
import { partsOf } from './parts.ts'
import { passwordHash } from './passwords.ts'
import { checkPorts } from './ports.ts'
import { startProcesses } from './processes.ts'

let folder = ''
const started: Server[] = []
const views: AuditView[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'))
})
afterEach(async () => {
  for (const server of started.splice(0)) server.close().closeAllConnections()
  for (const view of views.splice(0)) view.close()
  await rm(folder, { recursive: true })
})

async function listening(server: Server, at: number | string): Promise<number> {
  started.push(server)
  await new Promise<void>((resolve) => {
    if (typeof at === 'number') server.listen(at, '127.0.0.1', resolve)
    else server.listen(at, resolve)
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function freePort(): Promise<number> {
  const port = await listening(createServer(), 0)
  await new Promise((resolve) => started.pop()?.close(resolve))
  return port
}

const script = (code: string) => ['-e', code]
const serving = (port: number) =>
  `require('http').createServer((q, s) => s.end()).listen(${port}, '127.0.0.1')`

/** The answer to a page of another site whose name was pointed at this machine. */
function statusFor(host: string, url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end()
  })
}

describe('the arguments', () => {
  test('without any, the company is at 4000 and its data in .tetrapod', () => {
    expect(parseOptions([])).toEqual({ port: 4000, data: '.tetrapod', once: false, json: false })
  })

  test.each([
    [['--prot', '1'], "Unknown option '--prot'"],
    [['--port', '0'], '--port takes a number'],
    [['--port', '65532'], '--port takes a number'],
    [['--port', '4e3'], '--port takes a number'],
    [['--json'], '--json goes with --once'],
    [['--data', ''], '--data takes the name'],
    [['extra'], 'Unexpected argument'],
  ])('%j is answered with a sentence and the usage', (argv, sentence) => {
    const { usage, exitCode } = { usage: '', exitCode: undefined, ...parseOptions(argv) }
    expect(usage).toContain(sentence)
    expect(usage).toContain('Usage: npm start')
    expect(exitCode).toBe(2)
  })

  test.each([[['--help']], [['--once', '--help', '--port', '0']]])(
    '%j asks for the usage, and gets it',
    (argv) => {
      expect(parseOptions(argv)).toEqual({
        usage: expect.stringMatching(/^Usage: npm start/) as string,
        exitCode: 0,
      })
    },
  )
})

describe('the configuration', () => {
  test('holds the two users with hashes of their passwords, never the passwords', async () => {
    const file = join(folder, 'tetrapod.yaml')
    await ensureConfiguration(file, companyAt(4000))
    const text = await readFile(file, 'utf8')
    expect(text.match(/password: "scrypt:16384:8:1:[\w-]{22}:[\w-]{43}"/g)).toHaveLength(2)
    expect(text).not.toContain('alice-demo')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('keeps what you changed for as long as the ports are the same, and puts it aside for others', async () => {
    const file = join(folder, 'tetrapod.yaml')
    await ensureConfiguration(file, companyAt(4000))
    await writeFile(file, `${await readFile(file, 'utf8')}# mine\n`)
    await ensureConfiguration(file, companyAt(4000))
    expect(await readFile(file, 'utf8')).toContain('# mine')
    await ensureConfiguration(file, companyAt(5000))
    expect(await readFile(file, 'utf8')).toContain('http://127.0.0.1:5001/mcp')
    expect(await readFile(`${file}.before`, 'utf8')).toContain('# mine')
  })

  test('of an earlier demo, which knew other agents, says what to do, and stays as it is', async () => {
    const file = join(folder, 'tetrapod.yaml')
    const before =
      'publicUrl: http://127.0.0.1:4000\nagents:\n  assistant:\n    jwks_uri: http://127.0.0.1:4003/.well-known/jwks.json\n'
    await writeFile(file, before)
    await expect(ensureConfiguration(file, companyAt(4000))).rejects.toThrow(/Move the file away/)
    expect(await readFile(file, 'utf8')).toBe(before)
    await rm(file)
    await ensureConfiguration(file, companyAt(4000))
    await ensureConfiguration(file, companyAt(4000))
  })

  test('a hash is what scrypt makes of the password and the salt in it', async () => {
    const [, N, r, p, salt = '', hash] = (await passwordHash('secret')).split(':')
    const options = { N: Number(N), r: Number(r), p: Number(p) }
    expect(scryptSync('secret', Buffer.from(salt, 'base64url'), 32, options).toString('base64url')).toBe(hash)
  })

  test('a key is made once, and only its owner can read it', async () => {
    const file = join(folder, 'key.json')
    let made = 0
    const generate = () => Promise.resolve({ n: (made += 1) })
    expect(await keyFrom(file, generate)).toEqual({ n: 1 })
    expect(await keyFrom(file, generate)).toEqual({ n: 1 })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })
})

test('a port that is taken is named, with the option that chooses others', async () => {
  const taken = await listening(createServer(), 0)
  const check = checkPorts({
    ...companyAt(1),
    ports: { service: taken, crm: 0, payroll: 0, agent: 0, audit: 0 },
  })
  await expect(check).rejects.toThrow(new RegExp(`Port ${taken} .*--port`))
})

describe('the processes', () => {
  test('are ready when all answer, and are gone after stop', async () => {
    const port = await freePort()
    const at = `http://127.0.0.1:${port}/`
    const processes = startProcesses([{ name: 'one', arguments: script(serving(port)), readyAt: at }], folder)
    await processes.ready
    await processes.stop()
    await expect(fetch(at)).rejects.toThrow('fetch failed')
    expect(await Promise.race([processes.lost, delay(0, 'nobody was lost')])).toBe('nobody was lost')
  })

  test('each has the environment it is given, besides the launcher’s own', async () => {
    const port = await freePort()
    const environment = { DEMO_WORD: 'spoken' }
    const words = "process.env.DEMO_WORD + ', ' + typeof process.env.PATH"
    const answering = script(serving(port).replace('s.end()', `s.end(${words})`))
    const readyAt = `http://127.0.0.1:${port}/`
    const processes = startProcesses([{ name: 'one', arguments: answering, environment, readyAt }], folder)
    await processes.ready
    expect(await (await fetch(readyAt)).text()).toBe('spoken, string')
    await processes.stop()
  })

  test('one that ends by itself is named, with its last words', async () => {
    const dying = script("console.error('the disk is full'); process.exit(3)")
    const readyAt = 'http://127.0.0.1:9/'
    const processes = startProcesses([{ name: 'payroll', arguments: dying, readyAt }], folder)
    await expect(processes.lost).rejects.toThrow(/The payroll ended by itself[^]*the disk is full/)
    await processes.stop()
    expect(await readFile(join(folder, 'payroll.log'), 'utf8')).toContain('the disk is full')
  })
})

describe('the audit view', () => {
  async function opened(socket = join(folder, 'nobody.sock')) {
    const view = await serveAuditView(socket, await freePort())
    views.push(view)
    return view
  }

  test('hands on the audit lines of the operators’ socket, and nothing else of it', async () => {
    const socket = join(folder, 'tetrapod.sock')
    await listening(
      createServer((request, response) => response.end(JSON.stringify({ lines: [], asked: request.url }))),
      socket,
    )
    const { url } = await opened(socket)
    expect(await (await fetch(`${url}?limit=5`)).json()).toEqual({ lines: [], asked: '/audit?limit=5' })
    for (const more of ['?limit=5&x=/grants', '/../../grants', '/', 'x', '?limit=-1']) {
      expect((await fetch(`${url}${more}`)).status).toBe(404)
    }
    expect((await fetch(url, { method: 'POST' })).status).toBe(404)
    expect(await statusFor('evil.example', url)).toBe(404)
  })

  test('is nowhere for a program that was not told where', async () => {
    const { url } = await opened()
    const { origin } = new URL(url)
    for (const path of ['/', '/audit', '/audit/', '/audit?limit=5', '/audit/guessed?limit=5', '/grants']) {
      expect((await fetch(`${origin}${path}`)).status).toBe(404)
    }
  })

  test('is elsewhere at every start', async () => {
    const paths = [await opened(), await opened()].map(({ url }) => new URL(url).pathname)
    expect(paths).toEqual(paths.map(() => expect.stringMatching(/^\/audit\/[\w-]{43}$/) as string))
    expect(new Set(paths).size).toBe(2)
  })

  test('is told to the agent alone, and not in its arguments, which every user of the machine can list', () => {
    const auditUrl = 'http://127.0.0.1:4004/audit/secret'
    const parts = partsOf(companyAt(4000), { folder, configuration: 'tetrapod.yaml', auditUrl })
    expect(JSON.stringify(parts.map((part) => part.arguments))).not.toContain('secret')
    const told = parts.filter(({ environment }) => JSON.stringify(environment ?? {}).includes(auditUrl))
    expect(told.map(({ name }) => name)).toEqual(['agent'])
  })

  test('a service that is away is told so', async () => {
    const { url } = await opened()
    expect((await fetch(url)).status).toBe(503)
  })
})
