import { type ChildProcess, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { AuditLine } from '../../service/src/audit/index.ts'
import { isObject } from '../../service/src/kernel/index.ts'
import { byHand, createPerson, type Form } from '../support/by-hand.ts'
import { freePorts } from '../support/ports.ts'
import { ask as askDatabase, findPostgres, freshSchema, privatePostgres } from '../support/postgres.ts'
import { createReplicas, type Replica, replica, served } from '../support/replicas.ts'
import { root } from '../support/sources.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

describe.runIf(findPostgres() !== undefined)('two replicas on one PostgreSQL, behind one address', () => {
  const server = privatePostgres()
  const replicas = createReplicas(2)
  let world: World
  let hand: ReturnType<typeof byHand>
  let database: string
  beforeAll(async () => {
    database = await server.start()
    // A server that takes calls and answers none.
    const upstream = () => undefined
    world = await openWorld({ database, upstream, run: replicas.run })
    hand = byHand(world)
    // All that alice grants here is granted before the other replica has read it.
    replicas.proxy.pin(0)
    for (const parameters of [{}, notes()]) await hand.codeOf(createPerson(world.publicUrl), parameters)
    replicas.proxy.pin()
  }, 60_000)
  afterEach(() => replicas.proxy.pin())
  afterAll(async () => {
    await world.close()
    await server.remove()
  }, 60_000)
  const one = () => replicas.all[0] as Replica
  const other = () => replicas.all[1] as Replica
  const notes = () => ({ resource: world.mount('notes'), scope: 'notes.read' })
  const token = async (parameters: Form = {}) => {
    const code = await hand.codeOf(createPerson(world.publicUrl), parameters)
    const { body } = await hand.redeem(code, { resource: parameters['resource'] ?? world.mount('crm') })
    return String(body['access_token'])
  }
  const call = (token: string, query = 'a') =>
    send(rpc({ url: world.mount('crm'), token, params: { name: 'find_customer', arguments: { query } } }))

  test('the whole walk holds when every request goes to another replica than the one before', async () => {
    const before = replicas.proxy.went.length
    const login = await world.signIn('alice', { prompt: 'consent' })
    const params = { name: 'my_commission', arguments: {} }
    const reply = await send(rpc({ url: login.resource, token: login.token() ?? '', params }))
    expect(reply.status).toBe(200)
    expect(reply.text).not.toContain('"isError":true')
    const went = replicas.proxy.went.slice(before)
    expect(went.length).toBeGreaterThan(8)
    expect(went.filter((to, n) => to === went[n + 1])).toEqual([])
  })

  test('a code that fifty redeem at once, here and there, is redeemed once', async () => {
    const code = await hand.codeOf(createPerson(world.publicUrl))
    const answers = await Promise.all(Array.from({ length: 50 }, () => hand.redeem(code)))
    const given = answers.filter(({ body }) => body['access_token'] !== undefined)
    expect(given).toHaveLength(1)
    const refused = answers.filter((answer) => !given.includes(answer))
    expect(new Set(refused.map(({ body }) => body['error']))).toEqual(new Set(['invalid_grant']))
  })

  test('a client assertion counts once, though it is shown to both at the same time', async () => {
    const codes = [
      await hand.codeOf(createPerson(world.publicUrl)),
      await hand.codeOf(createPerson(world.publicUrl)),
    ]
    const proof = await hand.proof()
    const answers = await Promise.all(codes.map((code) => hand.redeem(code, proof)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401])
    const again = await hand.redeem(await hand.codeOf(createPerson(world.publicUrl)), proof)
    expect(again).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  test('an interaction that began at one ends at the other', async () => {
    const person = createPerson(world.publicUrl)
    replicas.proxy.pin(0)
    const stop = await hand.toConsent(person, { prompt: 'consent' }, 'bob')
    expect(stop.text).toContain('asks to use')
    replicas.proxy.pin(1)
    const { url } = await person.submit(stop, { decision: 'allow' })
    replicas.proxy.pin(0)
    const { body } = await hand.redeem(url.searchParams.get('code') ?? '')
    replicas.proxy.pin(1)
    expect((await call(String(body['access_token']))).status).toBe(200)
  })

  test('each shows what both have on record', async () => {
    const shown = await Promise.all([one(), other()].map((each) => lines(each)))
    const refs = shown.map((each) => each.map(({ ref }) => ref).toSorted())
    expect(refs[0]).toEqual(refs[1])
    expect(new Set(refs[0]?.map((ref) => ref.split('-')[0])).size).toBe(2)
  })

  test('a third one with another keyring is told to copy it, and serves nobody', async () => {
    const directory = join(world.dataDirectory, 'replica-foreign')
    await mkdir(directory)
    const [port = 0] = await freePorts(1)
    const file = join(world.dataDirectory, 'tetrapod.yaml')
    const environment = { DATABASE_URL: database, NOTES_SECRET: 'x' }
    const foreign = replica({ file, environment, dataDirectory: directory, port })
    await expect(foreign.start()).rejects.toThrow('Copy keyring.json')
    expect((await call(await token())).status).toBe(200)
  })

  describe('first starts at once', () => {
    /** Two that share an empty schema, each with the keyring it is given. */
    async function pair(keyring: string | undefined) {
      const cwd = await mkdtemp(join(tmpdir(), 'tetrapod-first-'))
      const schema = await freshSchema(database)
      const [front = 0, ...ports] = await freePorts(3)
      const file = join(cwd, 'tetrapod.yaml')
      await writeFile(file, `publicUrl: http://127.0.0.1:${front}\ndatabase: env:DATABASE_URL\n`)
      const environment = { DATABASE_URL: schema.url }
      const both = await Promise.all(
        ports.map(async (port) => {
          const dataDirectory = join(cwd, String(port))
          await mkdir(dataDirectory)
          if (keyring !== undefined)
            await writeFile(join(dataDirectory, 'keyring.json'), keyring, { mode: 0o600 })
          return replica({ file, environment, dataDirectory, port })
        }),
      )
      onTestFinished(async () => {
        await Promise.all(both.map((each) => each.stop()))
        await schema.drop()
        await rm(cwd, { recursive: true })
      })
      const ends = await Promise.allSettled(both.map((each) => each.start()))
      const headers = { host: `127.0.0.1:${front}` }
      const keys = (at: Replica) =>
        send({ method: 'GET', url: `http://127.0.0.1:${at.port}/jwks`, headers }).then(({ text }) => text)
      return { both, ends, keys }
    }

    test('with one keyring end with one signing key, and both serve', async () => {
      const key = () => randomBytes(32).toString('base64url')
      const purposes = ['service', 'signing', 'oauth', 'audit']
      const keys = Object.fromEntries(purposes.map((purpose) => [`local/${purpose}/1`, key()]))
      const { both, ends, keys: keysOf } = await pair(JSON.stringify({ keys }))
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
      const [here, there] = await Promise.all(both.map(keysOf))
      expect(here).toContain('"kid"')
      expect(here).toBe(there)
    }, 60_000)

    test('with a keyring of its own each end with one that serves, and one that is told to copy its keyring', async () => {
      const { ends } = await pair(undefined)
      const refused = ends.filter((end) => end.status === 'rejected')
      expect(refused).toHaveLength(1)
      expect(String(refused[0]?.reason)).toContain('Copy keyring.json')
    }, 60_000)
  })

  test('the commands of the guide start two', async () => {
    const guide = await readFile(join(root, 'docs/replicas.md'), 'utf8')
    const block = /^```sh\n([^]*?)^```/m.exec(guide)?.[1] ?? ''
    const cwd = await mkdtemp(join(tmpdir(), 'tetrapod-guide-'))
    const [front, first, second] = await freePorts(3)
    await writeFile(
      join(cwd, 'tetrapod.yaml'),
      `publicUrl: http://127.0.0.1:${front}\ndatabase: env:DATABASE_URL\n`,
    )
    const schema = await freshSchema(database)
    const running: ChildProcess[] = []
    for (const line of block.trim().split('\n')) {
      const words = line.replace('4001', String(first)).replace('4002', String(second)).split(' ')
      if (words[0] === 'node')
        running.push(await served(words.slice(2), { environment: { DATABASE_URL: schema.url }, cwd }))
      else execFileSync(words[0] ?? '', words.slice(1), { cwd })
    }
    const ready = [first, second].map(async (port) => (await fetch(`http://127.0.0.1:${port}/readyz`)).status)
    expect(await Promise.all(ready)).toEqual([200, 200])
    for (const child of running) {
      child.kill()
      await once(child, 'exit')
    }
    await schema.drop()
    await rm(cwd, { recursive: true })
  })

  describe('under load', () => {
    /** Calls and consents without a pause until it is ended; says what was acknowledged. */
    async function load() {
      const over = new AbortController()
      const [agents, answered, consents] = [await token(), new Set<string>(), { given: 0 }]
      let next = 0
      const calling = async (): Promise<void> => {
        while (!over.signal.aborted) {
          const query = `${marker}-${next++}`
          const reply = await call(agents, query).catch(() => undefined)
          if (reply?.status === 200) answered.add(query)
          else await pause(20)
        }
      }
      const consenting = async (): Promise<void> => {
        while (!over.signal.aborted) {
          const code = hand.codeOf(createPerson(world.publicUrl), { prompt: 'consent' }, 'bob')
          await code.then(() => (consents.given += 1)).catch(() => pause(20))
        }
      }
      const marker = Math.random().toString(36).slice(2)
      const work = [calling(), calling(), calling(), calling(), consenting()]
      return {
        answered,
        consents,
        async more(count: number) {
          const until = answered.size + count
          while (answered.size < until) await pause(10)
        },
        async end() {
          over.abort()
          await Promise.all(work)
        },
      }
    }

    /** A call that a replica has put on record and passed on, and that is never answered. Returns its argument. */
    async function callWithoutEnd(at: number): Promise<string> {
      const allowed = await token(notes())
      const text = `left open at ${at}`
      const arrived = () =>
        world.received.filter(({ party, method }) => party === 'notes' && method === 'POST')
      const before = arrived().length
      replicas.proxy.pin(at)
      const params = { name: 'echo', arguments: { text } }
      void send(rpc({ url: world.mount('notes'), token: allowed, params })).catch(() => undefined)
      while (arrived().length === before) await pause(5)
      return text
    }

    /** Of every answered call there is one decision, and in the end an outcome of every call; of every consent, a version. */
    async function nothingLost(
      at: Replica,
      before: number,
      { answered, consents }: Awaited<ReturnType<typeof load>>,
    ) {
      let shown = await lines(at)
      while (shown.some(({ outcome }) => outcome === 'pending')) {
        await pause(500)
        shown = await lines(at)
      }
      const queries = shown.flatMap(({ kind, arguments: inputs }) => {
        const query = isObject(inputs) ? inputs['query'] : undefined
        return kind === 'call' && typeof query === 'string' ? [query] : []
      })
      const decided = queries.filter((query) => answered.has(query))
      expect(decided.toSorted()).toEqual([...answered].toSorted())
      const ended = shown.filter(({ kind }) => kind === 'call').map(({ outcome }) => outcome)
      expect(ended).not.toContain('pending')
      expect(consents.given).toBeGreaterThan(0)
      expect(await versionOf(at, 'bob')).toBeGreaterThanOrEqual(before + consents.given)
    }

    test.each([
      [1, 0],
      [0, 1],
    ])(
      'replica %s is killed: what was acknowledged is there, what it left open is `unknown`, and the other goes on',
      async (dies, lives) => {
        const [victim, survivor] = [replicas.all[dies] as Replica, replicas.all[lives] as Replica]
        const before = await versionOf(survivor, 'bob')
        const working = await load()
        await working.more(40)
        const left = await callWithoutEnd(dies)
        await victim.kill()
        replicas.proxy.pin(lives)
        await working.more(40)
        await working.end()
        await nothingLost(survivor, before, working)
        const [line, ...more] = (await lines(survivor)).filter(
          ({ arguments: it }) => isObject(it) && it['text'] === left,
        )
        expect([line?.outcome, more]).toEqual(['unknown', []])
        await victim.start()
        replicas.proxy.pin(dies)
        expect((await call(await token())).status).toBe(200)
      },
      90_000,
    )

    test('a replica that stands still loses its log to the other, and goes on with another one', async () => {
      const before = await versionOf(one(), 'bob')
      const working = await load()
      await working.more(40)
      const held = () =>
        askDatabase<{ replica: string; term: number }>(database, 'select replica, term::int from leases')
      const terms = new Map((await held()).map(({ replica, term }) => [replica, term]))
      other().freeze(true)
      replicas.proxy.pin(0)
      const taken = async () =>
        (await held()).some(({ replica, term }) => term > (terms.get(replica) ?? term))
      while (!(await taken())) await pause(200)
      other().freeze(false)
      replicas.proxy.pin(1)
      await working.more(20)
      await working.end()
      await nothingLost(one(), before, working)
    }, 90_000)

    test('PostgreSQL crashes and comes back: both go on by themselves, and nothing acknowledged is lost', async () => {
      const before = await versionOf(one(), 'bob')
      const working = await load()
      await working.more(40)
      await server.restart()
      const back = Date.now()
      for (const n of [0, 1]) {
        replicas.proxy.pin(n)
        await working.more(5)
      }
      expect(Date.now() - back).toBeLessThan(20_000)
      replicas.proxy.pin()
      await working.more(20)
      await working.end()
      await nothingLost(other(), before, working)
    }, 90_000)
  })

  async function lines(at: Replica): Promise<readonly AuditLine[]> {
    const all: AuditLine[] = []
    for (let before: string | undefined; ;) {
      const query = before === undefined ? '' : `&before=${before}`
      const { text } = await ask(at.socket, 'GET', `/audit?limit=1000${query}`)
      const { lines } = JSON.parse(text) as { readonly lines: readonly AuditLine[] }
      if (lines.length === 0) return all
      all.unshift(...lines)
      before = lines[0]?.ref
    }
  }

  async function versionOf(at: Replica, username: string): Promise<number> {
    const { text } = await ask(at.socket, 'GET', '/grants')
    const { grants } = JSON.parse(text) as {
      readonly grants: readonly { readonly version: number; readonly username: string }[]
    }
    return grants.find((grant) => grant.username === username)?.version ?? 0
  }
})
