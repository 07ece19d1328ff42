import { createHash } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { officialClient } from '../support/by-hand.ts'
import { ask as query, findPostgres, freshSchema, type FreshSchema } from '../support/postgres.ts'
import { rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

const find = { name: 'find_customer', arguments: { query: 'a' } }
const echo = { name: 'echo', arguments: { text: 'x' } }

interface Claims {
  readonly sub: string
  readonly sid: string
  readonly jti: string
  readonly dlg: { readonly gid: string; readonly anc: readonly string[] }
}

describe.runIf(findPostgres() !== undefined)('what another replica writes to the feed', () => {
  let schema: FreshSchema
  let world: World
  let atNotes: PromiseWithResolvers<void>
  beforeEach(async () => {
    atNotes = Promise.withResolvers()
    schema = await freshSchema(findPostgres() ?? '')
    world = await openWorld({ database: schema.url, upstream: () => atNotes.resolve() })
  })
  afterEach(async () => {
    await world.close()
    await schema.drop()
  })

  /** As another replica appends it, in one statement with what else it changes. */
  const append = (kind: string, id: string, changing = '') =>
    query(
      schema.url,
      `${changing} insert into revocations (kind, id_hash, at, expires_at) values ($1, $2, $3, $4)`,
      [kind, createHash('sha256').update(id).digest('base64url'), Date.now(), Date.now() + 600_000],
    )
  const signedIn = async (server: 'crm' | 'notes' = 'crm') =>
    (await world.signIn('alice', { server })).token() ?? ''
  /** Token 2, which a call with token 1 left at the CRM. */
  const called = async (token: string) => {
    const client = await officialClient(world.mount('crm'), token)
    await client.callTool(find)
    await client.close()
    return world.lastToken('crm')
  }
  const status = async (url: string, token: string, params: Readonly<Record<string, unknown>> = find) =>
    (await send(rpc({ url, token, params }))).status
  const atGateway = (token: string) => status(world.mount('crm'), token)
  const atCrm = (token: string) => status(world.urls.crm, token)

  test.each<[string, (one: string) => string]>([
    ['session', (one) => decodeJwt<Claims>(one).sid],
    ['user', (one) => decodeJwt<Claims>(one).sub],
    ['agent', () => 'assistant'],
    ['token', (one) => decodeJwt<Claims>(one).jti],
    ['key', (one) => decodeProtectedHeader(one).kid ?? ''],
    ['family', (one) => decodeJwt<Claims>(one).dlg.anc[0] ?? ''],
    ['grant', (one) => decodeJwt<Claims>(one).dlg.gid],
  ])('about a %s ends its tokens at the gateway and at the CRM', async (kind, id) => {
    const one = await signedIn()
    const two = await called(one)
    expect([await atGateway(one), await atCrm(two)]).toEqual([200, 200])
    await append(kind, id(one))
    await expect.poll(() => atGateway(one), { interval: 5 }).toBe(401)
    await expect.poll(() => atCrm(two), { interval: 5 }).toBe(401)
  })

  test('of a kind that nobody knows yet ends nothing', async () => {
    const one = await signedIn()
    await append('planet', decodeJwt<Claims>(one).sub)
    await append('session', 'another')
    const page = async () => (await query(schema.url, 'select kind from revocations')).length
    await expect.poll(page).toBe(2)
    expect(await atGateway(one)).toBe(200)
  })

  test('ends the calls in flight', async () => {
    const one = await signedIn('notes')
    const answer = status(world.mount('notes'), one, echo)
    await atNotes.promise
    await append('user', decodeJwt<Claims>(one).sub)
    expect(await answer).toBe(401)
  })

  test('about a grant that now allows less counts at the next call, and so does one that allows more', async () => {
    const one = await signedIn()
    const { gid } = decodeJwt<Claims>(one).dlg
    expect(await atGateway(one)).toBe(200)
    const mounts = (scopes: readonly string[]) =>
      `with changed as (update grants set version = version + 1,
         mounts = '${JSON.stringify({ crm: { scopes, calls: {} } })}')`
    await append('grant_version', gid, mounts([]))
    await expect.poll(() => atGateway(one), { interval: 5 }).toBe(403)
    await append('grant_version', gid, mounts(['crm.read']))
    await expect.poll(() => atGateway(one), { interval: 5 }).toBe(200)
  })

  test('is not passed over when the service restarts', async () => {
    const one = await signedIn()
    await append('session', decodeJwt<Claims>(one).sid)
    await world.restart()
    expect(await atGateway(one)).toBe(401)
  })
})
