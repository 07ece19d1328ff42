import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson, officialClient, toolsFor } from '../support/by-hand.ts'
import { openWorld, type World } from '../support/world.ts'

const command = fileURLToPath(new URL('../../service/bin/tetrapod.js', import.meta.url))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the `tetrapod` command as a person does, until it ends. */
function tetrapod(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args], { cwd: tmpdir() })
    let [out, err] = ['', '']
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tetrapod-cli-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const file = async (name: string, text: string) => {
  await writeFile(join(scratch, name), text)
  return join(scratch, name)
}
const small = (publicUrl: string) => `
publicUrl: ${publicUrl}
users: {}
agents: {}
servers: {}
apis: {}
policies: []
`

describe('a command that is written wrongly', () => {
  test.each([
    [[]],
    [['dance']],
    [['check']],
    [['check', '--colour', 'red']],
    [['start', '--config', 'tetrapod.yaml', '--listen', '4000']],
    [['grants', 'revoke']],
    [['users']],
    [['users', 'sign-out']],
    [['users', 'sign-out', 'alice', 'bob']],
    [['agents']],
    [['agents', 'disable']],
    [['agents', 'remove', 'x']],
    [['agents', 'enable', 'x', 'y']],
    [['audit', 'head']],
    [['keys']],
    [['keys', 'revoke']],
    [['keys', 'rotate', 'x']],
    [['audit', 'tail', '--limit', '0']],
    [['audit', 'tail', '--limit', '1001']],
  ])('%j ends with 2, and says how it is written', async (args) => {
    const { code, out, err } = await tetrapod(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('tetrapod grants  revoke ID')
    expect(err).not.toMatch(/^\s+at /m)
  })
})

describe('when no service is running', () => {
  test.each([
    [['grants', 'list']],
    [['grants', 'revoke', 'x']],
    [['users', 'list']],
    [['agents', 'list']],
    [['audit', 'tail']],
    [['keys', 'status']],
  ])('%j says so in a sentence and ends with 1', async (args) => {
    const { code, out, err } = await tetrapod(...args, '--data', scratch)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^No service is running on this data directory\. .*\n$/)
  })
})

describe('check', () => {
  test('a good file is said to be good', async () => {
    const config = await file('good.yaml', small('http://127.0.0.1:4000'))
    expect(await tetrapod('check', '--config', config)).toMatchObject({
      code: 0,
      out: `${config} is good.\n`,
      err: '',
    })
  })

  test('every problem of a broken file is said at once, with its line and column', async () => {
    const broken = small('https://tetrapod.example/path').replace('agents: {}', 'agnets: {}')
    const { code, out, err } = await tetrapod('check', '--config', await file('broken.yaml', broken))
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/\b2:12\b/)
    expect(err).toMatch(/\b4:1\b/)
    expect(err).not.toMatch(/^\s+at /m)
  })

  test('a file that is not there is named', async () => {
    const { code, err } = await tetrapod('check', '--config', join(scratch, 'nothing.yaml'))
    expect(code).toBe(1)
    expect(err).toContain('nothing.yaml')
  })
})

describe('beside a running service', () => {
  let world: World
  let hand: ReturnType<typeof byHand>
  let token: string
  beforeAll(async () => {
    world = await openWorld()
    hand = byHand(world)
    const { body } = await hand.redeem(await hand.codeOf(createPerson(world.publicUrl)))
    token = String(body['access_token'])
    const client = await officialClient(world.mount('crm'), token)
    await client.callTool({ name: 'my_commission', arguments: {} })
    await client.close()
  })
  afterAll(() => world.close())
  const run = (...args: readonly string[]) => tetrapod(...args, '--data', world.dataDirectory)

  /** One request on the operators' socket. */
  const operator = (method: string, path: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const asked = request({ socketPath: world.service.socket, method, path }, (answer) => {
        answer
          .setEncoding('utf8')
          .toArray()
          .then((chunks) => resolve({ status: answer.statusCode, body: chunks.join('') }), reject)
      })
      asked.once('error', reject).end()
    })

  test('a taken port is a sentence, and the end', async () => {
    const config = await file('taken.yaml', small(world.publicUrl))
    const { code, err } = await tetrapod('start', '--config', config, '--data', join(scratch, 'taken'))
    expect(code).toBe(1)
    expect(err).toContain('Another program listens on this port already.')
    expect(err).not.toMatch(/^\s+at /m)
  })

  test('a second service on the same data is refused, and the first one stays reachable', async () => {
    const config = await file('second.yaml', small('http://127.0.0.1:1'))
    const { code, err } = await tetrapod('start', '--config', config, '--data', world.dataDirectory)
    expect(code).toBe(1)
    expect(err).not.toMatch(/^\s+at /m)
    expect((await operator('GET', '/grants')).status).toBe(200)
  })

  test('the operators’ socket is for the service’s own user alone', async () => {
    expect((await stat(world.service.socket)).mode & 0o777).toBe(0o600)
    expect((await stat(world.dataDirectory)).mode & 0o077).toBe(0)
  })

  test('what operators may do cannot be done through the front', async () => {
    // `/grants` is a page for users there, and shows nothing to who has not signed in.
    expect((await fetch(`${world.publicUrl}/grants`)).url).toContain('/sign-in?')
    expect((await fetch(`${world.publicUrl}/grants/x/revoke`, { method: 'POST' })).status).toBe(403)
    const paths = ['/users', '/audit', '/users/alice/sign-out', '/agents', '/agents/assistant/disable']
    for (const path of paths) {
      expect((await fetch(`${world.publicUrl}${path}`, { method: 'POST' })).status).toBe(404)
      expect((await fetch(`${world.publicUrl}${path}`)).status).toBe(404)
    }
  })

  test.each(['0', '-1', '1001', 'ten', '1.5'])(
    'a limit of %s is refused on the socket too',
    async (limit) => {
      const { status, body } = await operator('GET', `/audit?limit=${limit}`)
      expect(status).toBe(400)
      expect(body).toContain('admin.range_malformed')
    },
  )

  test('a grant nobody has is not found, and the command says so', async () => {
    expect((await operator('POST', '/grants/nothing/revoke')).status).toBe(404)
    const { code, out, err } = await run('grants', 'revoke', 'nothing')
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/grant/i)
  })

  test('nothing else is there', async () => {
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/grants/x/revoke'],
      ['DELETE', '/grants/x'],
    ] as const) {
      expect((await operator(method, path)).status).toBe(404)
    }
  })

  test('audit tail prints the last records, oldest first, for people and for programs', async () => {
    const people = await run('audit', 'tail')
    expect(people.code).toBe(0)
    expect(people.out).toMatch(/alice/)
    expect(people.out).toMatch(/my_commission/)
    const { out } = await run('audit', 'tail', '--json', '--limit', '3')
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly at: string })
    expect(lines).toHaveLength(3)
    const times = lines.map(({ at }) => at)
    expect(times).toEqual(times.toSorted())
  })

  test('grants list shows who let which agent do what, until when', async () => {
    const { code, out } = await run('grants', 'list')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^\S+ {2}user (alice|bob) {2}agent assistant {2}crm\[crm\.read\] {2}until \d{4}-\d\d-\d\d/,
    )
    const { out: json } = await run('grants', 'list', '--json')
    expect(JSON.parse(json)).toMatchObject({ agent: 'assistant', mounts: { crm: { scopes: ['crm.read'] } } })
  })

  test('grants revoke stops the next call at once, is on record, and the list says so', async () => {
    expect(await toolsFor(world.mount('crm'), token)).not.toEqual([])
    const id = (await run('grants', 'list')).out.split(' ')[0] ?? ''
    expect(await run('grants', 'revoke', id)).toMatchObject({ code: 0, out: `Revoked ${id}.\n` })
    await expect(toolsFor(world.mount('crm'), token)).rejects.toThrow()
    expect((await run('grants', 'list')).out).toContain('revoked')
    expect((await run('audit', 'tail', '--limit', '5', '--json')).out).toContain('grant_revoked')
  })

  test('users list shows who is signed in; users sign-out ends it, is on record, and the list says so', async () => {
    const before = await run('users', 'list')
    expect(before).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^alice {2}Alice Adams {2}groups \[sales\] {2}signed in \d times?\n/,
      ) as string,
    })
    expect(await run('users', 'sign-out', 'alice')).toMatchObject({
      code: 0,
      out: 'Signed out alice everywhere.\n',
    })
    expect((await run('users', 'list')).out).toMatch(/^alice {2}.* {2}not signed in\n/)
    expect((await run('audit', 'tail', '--limit', '5')).out).toMatch(/alice .* signed out .*by operator/)
    const { code, err } = await run('users', 'sign-out', 'nobody')
    expect([code, err]).toEqual([1, 'There is no such user. `tetrapod users list` shows those there are.\n'])
  })

  test('a code given before the revocation is worth nothing after it', async () => {
    const person = createPerson(world.publicUrl)
    const code = await hand.codeOf(person, {}, 'bob')
    const { out } = await run('grants', 'list')
    const id =
      out
        .split('\n')
        .find((line) => !line.includes('revoked'))
        ?.split(' ')[0] ?? ''
    await run('grants', 'revoke', id)
    expect((await hand.redeem(code)).body['error']).toBe('invalid_grant')
    const stop = await person.follow(hand.authorizeUrl())
    expect(stop.text).toContain('asks to use')
  })

  test('agents are listed for people and for programs, stopped, and let go on', async () => {
    const people = await run('agents', 'list')
    expect(people.out).toMatch(/^assistant  configured  "Test assistant"$/m)
    expect(await run('agents', 'disable', 'assistant')).toMatchObject({
      code: 0,
      out: 'Stopped assistant.\n',
    })
    const [line = ''] = (await run('agents', 'list', '--json')).out.trim().split('\n')
    expect(JSON.parse(line)).toMatchObject({ id: 'assistant', disabledAt: expect.any(Number) as number })
    expect((await run('agents', 'list')).out).toMatch(/^assistant .* disabled \d{4}-/m)
    expect(await run('agents', 'enable', 'assistant')).toMatchObject({
      code: 0,
      out: 'assistant may go on.\n',
    })
    const { out } = await run('audit', 'tail', '--limit', '2')
    expect(out).toMatch(/agent assistant.*disabled by operator[^]*agent assistant.*enabled by operator/)
    const nobody = await run('agents', 'disable', 'nobody')
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('There is no agent of this id.')])
  })
})
