import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AuditLine } from '../../service/src/audit/index.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { openWorld, type World } from '../support/world.ts'

const find = { name: 'find_customer', arguments: { query: 'a' } }

describe('what the gateway calls a server with', () => {
  let world: World
  let one: string
  beforeEach(async () => {
    world = await openWorld()
    one = (await world.signIn('alice')).token() ?? ''
  })
  afterEach(() => world.close())

  const call = async (token = one, params: object = find) =>
    (await send(rpc({ url: world.mount('crm'), token, params: { ...params } }))).status
  const sent = () =>
    world.received.flatMap(({ party, headers: { authorization } }) =>
      party === 'crm' && authorization !== undefined ? [authorization.replace('Bearer ', '')] : [],
    )
  const operator = async (method: string, path: string) =>
    (await ask(world.service.socket, method, path)).status

  test('is one token for fifty calls at once, and for those that follow', async () => {
    const calls = await Promise.all(Array.from({ length: 50 }, () => call()))
    expect(new Set([...calls, await call()])).toEqual(new Set([200]))
    expect(sent()).toHaveLength(51)
    expect(new Set(sent()).size).toBe(1)
  })

  test('is put on record for each call, though the token is the same', async () => {
    await call()
    await call()
    const { text } = await ask(world.service.socket, 'GET', '/audit?limit=100')
    const { lines } = JSON.parse(text) as { readonly lines: readonly AuditLine[] }
    const decisions = lines.filter(({ kind }) => kind === 'call')
    expect(decisions).toHaveLength(2)
    expect(new Set(sent()).size).toBe(1)
  })

  test('is another for another tool’s scopes, another token 1 and another user', async () => {
    await call()
    await call(one, { name: 'delete_customer', arguments: { id: 'none' } })
    await call((await world.signIn('alice')).token())
    await call((await world.signIn('bob')).token())
    expect(new Set(sent()).size).toBe(4)
    expect(new Set(sent().map((each) => decodeJwt(each).sub)).size).toBe(2)
  })

  test('is nothing once the grant was revoked', async () => {
    await call()
    const { gid } = decodeJwt<{ readonly dlg: { readonly gid: string } }>(one).dlg
    expect(await operator('POST', `/grants/${gid}/revoke`)).toBe(204)
    expect(await call()).toBe(401)
    expect(sent()).toHaveLength(1)
  })

  test('stays what it is when the keys rotate', async () => {
    await call()
    expect(await operator('POST', '/keys/rotate?now=true')).toBe(200)
    expect(await call()).toBe(200)
    expect(new Set(sent()).size).toBe(1)
  })

  test('is signed by the new key once the old one was revoked', async () => {
    const kid = String(decodeProtectedHeader(one).kid)
    expect(await operator('POST', '/keys/rotate?now=true')).toBe(200)
    await call()
    const [before] = sent()
    const signing = String(decodeProtectedHeader(before ?? '').kid)
    expect(signing).not.toBe(kid)
    expect(await operator('POST', `/keys/${signing}/revoke`)).toBe(204)
    expect(await call()).toBe(200)
    expect(decodeProtectedHeader(sent().at(-1) ?? '').kid).not.toBe(signing)
  })

  test('is another after the next version of the grant', async () => {
    await call()
    const version = async () => {
      const { text } = await ask(world.service.socket, 'GET', '/grants')
      return (JSON.parse(text) as { grants: readonly { version: number }[] }).grants[0]?.version
    }
    const before = await version()
    await world.signIn('alice', { prompt: 'consent' })
    expect(await version()).toBe((before ?? 0) + 1)
    expect(await call()).toBe(200)
    expect(new Set(sent()).size).toBe(2)
  })

  test('is another before it ends: nobody is called with what is about to expire', async () => {
    await call()
    world.clock.advance(281_000)
    expect(await call()).toBe(200)
    const [first, second] = sent()
    expect(first).not.toBe(second)
    expect(decodeJwt(second ?? '').exp).toBe(decodeJwt(one).exp)
  })
})
