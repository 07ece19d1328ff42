import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { protect, type ProtectOptions } from '@tetrapod/server-sdk'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AuditLine } from '../../service/src/audit/index.ts'
import { byHand, createPerson, type Form, officialClient } from '../support/by-hand.ts'
import { openForge } from '../support/forge.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { NOTES_SECRET, openWorld, type World } from '../support/world.ts'

const echo = { name: 'echo', arguments: { text: 'x' } }
const kidOf = (token: string) => decodeProtectedHeader(token).kid
const algOf = (token: string) => decodeProtectedHeader(token).alg

interface Rotated {
  readonly kid: string
  readonly signsAt: number
}

const published = async ({ publicUrl }: World) => {
  const { keys } = (await (await fetch(`${publicUrl}/jwks`)).json()) as {
    readonly keys: readonly { readonly kid: string }[]
  }
  return keys.map(({ kid }) => kid)
}
const operator = async ({ service }: World, method: string, path: string) => ask(service.socket, method, path)
const rotate = async (world: World, query = ''): Promise<Rotated> =>
  JSON.parse((await operator(world, 'POST', `/keys/rotate${query}`)).text) as Rotated

/** The library, the SDKs and the service tell the time by one clock, which stands until it is moved. */
function passTime(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds)
}
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

/** A company whose server `notes` verifies by the server SDK and by the clock of the test. */
async function withNotes(options: Partial<ProtectOptions> = {}) {
  let guarded: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined
  const world = await openWorld({ upstream: (request, response) => void guarded?.(request, response) })
  const keyReads = { count: 0 }
  const protection = protect({
    issuer: world.publicUrl,
    resource: world.urls.notes,
    scopes: ['notes.read'],
    clock: world.clock,
    fetch: async (input, init) => {
      if (new Request(input).url.endsWith('/jwks')) keyReads.count++
      return fetch(input, init)
    },
    ...options,
  })
  guarded = protection.guard(async (request, response) => {
    const { id } = JSON.parse((await request.toArray()).join('')) as { readonly id: string }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } }))
  })
  onTestFinished(async () => {
    protection.close()
    await world.close()
  })
  const hand = byHand(world)
  const person = createPerson(world.publicUrl)
  const parameters: Form = { resource: world.mount('notes'), scope: 'notes.read' }
  const codeOf = () => hand.codeOf(person, parameters)
  const redeem = async (code: string): Promise<string> => {
    const { body } = await hand.redeem(code, { resource: parameters['resource'] })
    return String(body['access_token'])
  }
  /** Token 1 of another login. */
  const login = async () => redeem(await codeOf())
  /** 200 only where the server behind the gateway answered. */
  const call = async (token: string) => {
    const { status, text } = await send(rpc({ url: world.mount('notes'), token, params: echo }))
    return status === 200 && !text.includes('"result"') ? text : status
  }
  const atNotes = async (token: string) =>
    (await send(rpc({ url: world.urls.notes, token, params: echo }))).status
  return { world, keyReads, codeOf, redeem, login, call, atNotes }
}

test('a rotation goes by unnoticed: old tokens verify to their end, and the first new one is accepted without reading keys', async () => {
  const { world, keyReads, login, call, atNotes } = await withNotes()
  const forge = await openForge(world)
  expect(await call(await login())).toBe(200)
  const { kid, signsAt } = await rotate(world)
  expect(signsAt - world.clock.now()).toBeGreaterThan(329_000)
  expect(await published(world)).toEqual([forge.kid, kid])
  expect(kidOf(await login())).toBe(forge.kid)

  passTime(301_000)
  const before = await login()
  expect([kidOf(before), await call(before)]).toEqual([forge.kid, 200])
  const oldTwo = world.lastToken('notes')
  const readsBefore = keyReads.count

  passTime(30_000)
  const after = await login()
  expect([kidOf(after), await call(after)]).toEqual([kid, 200])
  expect(kidOf(world.lastToken('notes'))).toBe(kid)
  expect(keyReads.count).toBe(readsBefore)
  expect([await call(before), await atNotes(oldTwo)]).toEqual([200, 200])
  expect(await published(world)).toEqual([kid, forge.kid])

  passTime(420_000)
  expect(await published(world)).toEqual([kid])
  const now = Math.floor(world.clock.now() / 1000)
  const forged = (token: string) => forge.sign({ ...decodeJwt(token), iat: now, exp: now + 300 })
  expect([await call(await forged(after)), await atNotes(await forged(oldTwo))]).toEqual([401, 401])
  expect(await call(await login())).toBe(200)
})

test('a second rotation waits for the first, and says how not to', async () => {
  const { world } = await withNotes()
  const { kid } = await rotate(world)
  const { status, text } = await operator(world, 'POST', '/keys/rotate')
  expect([status, JSON.parse(text)]).toEqual([
    409,
    expect.objectContaining({
      error: 'tokens.rotation_pending',
      error_description: expect.stringContaining('--now'),
    }),
  ])
  expect((await rotate(world, '?now=true')).kid).toBe(kid)
})

test('no request is dropped while the key that signs changes, and each gets a token that holds', async () => {
  const { world, codeOf, redeem, call } = await withNotes()
  const codes: string[] = []
  while (codes.length < 12) codes.push(await codeOf())
  const redeemed = codes.map(async (code, i) => {
    if (i % 4 === 3) await rotate(world, '?now=true')
    return redeem(code)
  })
  const tokens = await Promise.all(redeemed)
  expect(new Set(tokens.map(kidOf)).size).toBeGreaterThan(1)
  expect(await Promise.all(tokens.map(call))).toEqual(tokens.map(() => 200))
})

test('what a revoked key signed is refused at once everywhere, and the next login goes on under another', async () => {
  const client = { id: 'notes', secret: NOTES_SECRET }
  const { world, login, call, atNotes } = await withNotes({ client })
  const one = await login()
  expect(await call(one)).toBe(200)
  const two = world.lastToken('notes')
  expect(await atNotes(two)).toBe(200)
  const kid = String(kidOf(one))

  expect((await operator(world, 'POST', `/keys/${kid}/revoke`)).status).toBe(204)
  expect(await call(one)).toBe(401)
  expect(await published(world)).not.toContain(kid)
  await expect.poll(() => atNotes(two), { interval: 5 }).toBe(401)
  const body = new URLSearchParams({ token: two, client_id: 'notes', client_secret: NOTES_SECRET })
  const introspected = await fetch(`${world.publicUrl}/introspect`, { method: 'POST', body })
  expect(await introspected.text()).toBe('{"active":false}')
  const next = await login()
  expect(kidOf(next)).not.toBe(kid)
  expect((await operator(world, 'POST', `/keys/${kid}/revoke`)).status).toBe(404)
})

test('a key that signs at once is known to a server a minute after it last read the keys, at the latest', async () => {
  const { world, login, call, atNotes } = await withNotes()
  expect(await call(await login())).toBe(200)
  const { kid } = await rotate(world, '?now=true')
  const next = await login()
  expect(await call(next)).not.toBe(200)
  expect(kidOf(world.lastToken('notes'))).toBe(kid)
  passTime(60_000)
  expect([await call(next), await atNotes(world.lastToken('notes'))]).toEqual([200, 200])
})

test('a service that starts again goes on with the keys it had, the next one among them', async () => {
  const { world, login } = await withNotes()
  const before = await published(world)
  const { kid } = await rotate(world)
  await world.restart()
  expect(await published(world)).toEqual([...before, kid])
  passTime(331_000)
  expect(kidOf(await login())).toBe(kid)
})

describe('Ed25519', () => {
  let world: World
  const onSwitch = (text: string) => `${text}\ntokens: { algorithm: Ed25519 }\n`
  afterEach(() => world.close())

  test('signs every token of the chain, and every party accepts it', async () => {
    world = await openWorld({ amend: onSwitch })
    const one = (await world.signIn('alice')).token() ?? ''
    const client = await officialClient(world.mount('crm'), one)
    const { isError } = await client.callTool({ name: 'my_commission', arguments: {} })
    await client.close()
    expect(isError ?? false).toBe(false)
    const chain = [one, world.lastToken('crm'), world.lastToken('payroll')]
    expect(chain.map(algOf)).toEqual(['Ed25519', 'Ed25519', 'Ed25519'])
    const hand = byHand(world)
    const scope = 'openid crm.read'
    const { body } = await hand.redeem(await hand.codeOf(createPerson(world.publicUrl), { scope }))
    expect(algOf(String(body['id_token']))).toBe('Ed25519')
    const metadata = await (await fetch(`${world.publicUrl}/.well-known/openid-configuration`)).json()
    expect(metadata).toMatchObject({ id_token_signing_alg_values_supported: ['Ed25519'] })
  })

  test('begins with a rotation, and tokens under ES256 hold to their end', async () => {
    world = await openWorld()
    const old = (await world.signIn('alice')).token() ?? ''
    await world.restart(onSwitch)
    expect(algOf((await world.signIn('alice')).token() ?? '')).toBe('ES256')
    await rotate(world, '?now=true')
    const fresh = (await world.signIn('alice')).token() ?? ''
    expect([algOf(old), algOf(fresh)]).toEqual(['ES256', 'Ed25519'])
    for (const token of [old, fresh]) {
      const client = await officialClient(world.mount('crm'), token)
      expect((await client.listTools()).tools).not.toEqual([])
      await client.close()
    }
  })
})

describe('tetrapod keys', () => {
  const command = fileURLToPath(new URL('../../service/src/cli/run.ts', import.meta.url))
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const keys = (...args: readonly string[]) =>
    new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
      const child = spawn(process.execPath, [command, 'keys', ...args, '--data', world.dataDirectory])
      let [out, err] = ['', '']
      child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
      child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, out, err }))
    })
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`

  test('tell an operator what signs until when, rotate and revoke, and all of it is on record', async () => {
    const [first = ''] = await published(world)
    const rotated = await keys('rotate')
    expect(rotated).toMatchObject({ code: 0, err: '' })
    const [second = ''] = rotated.out.split(' ')
    expect(rotated.out).toMatch(new RegExp(`^${second} is published, and signs from ${time}\\.\\n$`))
    const pending = `${first}  ES256  signing since ${time}\\n${second}  ES256  next since ${time}  signs from ${time}`
    expect((await keys('status')).out).toMatch(new RegExp(`^${pending}\\n$`))

    expect((await keys('rotate', '--now')).out).toBe(`${second} signs now.\n`)
    expect((await keys('revoke', first)).out).toBe(`Revoked ${first}.\n`)
    const { keys: left } = JSON.parse((await operator(world, 'GET', '/keys')).text) as {
      readonly keys: object
    }
    expect(left).toMatchObject([
      { kid: first, state: 'revoked' },
      { kid: second, state: 'signing' },
    ])

    const { text } = await operator(world, 'GET', '/audit?limit=10')
    const { lines } = JSON.parse(text) as { readonly lines: readonly AuditLine[] }
    expect(lines.map(({ kind, key }) => [kind, key])).toEqual([
      ['key_rotated', second],
      ['key_rotated', second],
      ['key_revoked', first],
    ])
  }, 60_000)
})
