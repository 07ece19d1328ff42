import type { AccessToken } from '@tetrapod/protocol'
import { expect } from 'vitest'
import { API, RESOURCE } from './company.ts'
import * as can from './model.ts'
import type { Answer, Reality } from './reality.ts'

/** So many tokens are asked about after each command, besides those whose standing changed. */
const SAMPLE = 2
/** Nothing is asked about a token for longer than that after its end (milliseconds). */
const FORGOTTEN_MS = 120_000

const verified = new WeakMap<can.Token, AccessToken>()
const stood = new WeakMap<can.Token, string>()

/** Counts that it happened. */
export function note(m: can.Model, what: string): void {
  m.seen.set(what, (m.seen.get(what) ?? 0) + 1)
}

/** The token that must have come, or the refusal: anything else is a defect of the one or of the other. */
export async function outcome(
  m: can.Model,
  r: Reality,
  what: string,
  answer: Answer,
  expected: can.Expected,
): Promise<can.Token | undefined> {
  const { access_token: jwt, error, scope } = answer.body
  const wanted = 'error' in expected ? expected.error : 'issued'
  note(m, `${what}: ${wanted}`)
  expect(error ?? 'issued', `${what} ${JSON.stringify(answer.body)}`).toBe(wanted)
  if ('error' in expected) return undefined
  expect(new Set(String(scope).split(' ')), `${what}: scope of the answer`).toEqual(expected.token.scopes)
  return learn(m, r, String(jwt), expected.token)
}

/** Reads a token as whom it is for, holds it against what it must say, and keeps it. */
export async function learn(m: can.Model, r: Reality, jwt: string, said: can.Said): Promise<can.Token> {
  const token = await r.verify(jwt, said.audience)
  const { login, parent } = said
  const { session, grant } = login
  const bound = <T extends object, K extends keyof T>(it: T, key: K, value: T[K], all: readonly T[]) => {
    if (it[key] === undefined) expect(all.filter((other) => other[key] === value)).toEqual([])
    it[key] ??= value
    return it[key]
  }
  const sessions = [...new Set(m.logins.map((it) => it.session))]
  const account = m.accounts.get(grant.user) ?? token.subject
  m.accounts.set(grant.user, account)
  const gateway = (sub: string) => (sub.startsWith('http') ? { client_id: 'gateway' } : {})
  const mayAct = said.res === undefined ? undefined : { iss: m.publicUrl, sub: said.audience }
  expect({ ...token, keyId: '', subjectId: '' }).toEqual({
    issuer: m.publicUrl,
    audience: said.audience,
    subject: account,
    account,
    subjectId: '',
    clientId: said.client,
    jti: token.jti,
    keyId: '',
    issuedAt: said.iat,
    expiresAt: said.exp,
    scopes: said.scopes,
    authTime: session.authTime,
    acr: 'urn:tetrapod:acr:password',
    sessionId: bound(session, 'id', token.sessionId, sessions),
    transaction: parent?.txn ?? token.transaction,
    chain: said.chain.map((sub) => ({ iss: m.publicUrl, sub, ...gateway(sub) })),
    mayAct,
    delegation: {
      gid: bound(grant, 'id', token.delegation.gid, m.grants),
      hop: said.chain.length,
      rem: 8 - said.chain.length,
      anc: [bound(login, 'family', token.delegation.anc[0], m.logins), ...ancestors(parent)],
      ...(said.res === undefined ? {} : { res: said.res }),
    },
  })
  expect(m.tokens.map(({ jti }) => jti)).not.toContain(token.jti)
  const kept: can.Token = {
    ...said,
    jwt,
    jti: token.jti,
    txn: token.transaction,
    key: token.keyId,
    isRevoked: false,
  }
  m.tokens.push(kept)
  verified.set(kept, token)
  return kept
}

function ancestors(parent: can.Token | undefined): readonly string[] {
  return parent === undefined ? [] : [...ancestors(parent.parent), parent.jti]
}

/** Calls a tool with a token, and holds what came of it against the model. */
export async function callTool(m: can.Model, r: Reality, token: can.Token, server: string, tool: string) {
  const expected = can.call(m, token, server, tool)
  const wanted = typeof expected === 'string' ? expected : 'ok'
  const { result, two } = await r.call(token.jwt, server, tool)
  note(m, `call: ${wanted}`)
  expect(result, `${tool} at ${server} with ${told(token)}`).toBe(wanted)
  if (typeof expected === 'string' || two === undefined) return
  const known = m.tokens.find(({ jwt }) => jwt === two)
  if (known === undefined) {
    await learn(m, r, two, expected.token)
    return
  }
  // Remembered: what it was is what it would be now, but for its times.
  note(m, 'call: remembered')
  expect(known.parent).toBe(token)
  expect([known.scopes, known.audience]).toEqual([expected.token.scopes, expected.token.audience])
  expect([can.isLive(m, known), known.exp - can.seconds(m) >= 20]).toEqual([true, true])
}

/** Asks whoever a token is for, the way they would ask. */
async function look(m: can.Model, r: Reality, token: can.Token, turn: number): Promise<void> {
  const { server } = token.login
  if (token.audience === can.mount(m, server)) {
    const tools = Object.keys(m.company.servers[server]?.tools ?? { find: [] })
    return callTool(m, r, token, server, tools[turn % tools.length] ?? 'find')
  }
  const client =
    token.audience === RESOURCE ? API : token.audience === m.urls[server] ? server : token.audience
  const { status, body } = await r.introspect(client, token.jwt)
  const isKnown = can.isKnown(m, client)
  const isActive = isKnown && can.isActive(m, token)
  note(m, `introspection: ${isKnown ? String(isActive) : 'unknown client'}`)
  expect([status, body['active'] ?? body['error']], `introspection of ${told(token)}`).toEqual(
    isKnown ? [200, isActive] : [401, 'invalid_client'],
  )
  if (isActive) expect(new Set(String(body['scope']).split(' '))).toEqual(token.scopes)
}

/** After each command: every token by the feed; those whose standing changed, and a few others, by whom they are for. */
export async function observe(m: can.Model, r: Reality): Promise<void> {
  await r.readFeed()
  const recent = m.tokens.filter(({ exp }) => exp * 1000 + FORGOTTEN_MS > m.now)
  for (const token of recent) {
    const known = verified.get(token)
    if (known === undefined) throw new Error('never verified')
    expect(r.holdsByFeed(known), `by the feed: ${told(token)}`).toBe(can.holdsElsewhere(m, token))
  }
  const standing = (it: can.Token) =>
    `${can.isKnown(m, it.audience)} ${can.isLive(m, it)} ${[...can.heldBy(m, it)].join()}`
  const changed = recent.filter((it) => stood.get(it) !== standing(it))
  const turn = m.seen.get('looks') ?? 0
  note(m, 'looks')
  const others =
    recent.length === 0
      ? []
      : Array.from({ length: SAMPLE }, (_, i) => recent[(turn * SAMPLE + i) % recent.length])
  const asked = new Set([...changed, ...others].filter((it) => it !== undefined))
  for (const it of asked) stood.set(it, standing(it))
  await Promise.all([...asked].map((it) => look(m, r, it, turn)))
}

export function told({ chain, audience, login, iat, exp, scopes }: can.Token): string {
  return `${chain.join(' < ')} for ${audience}, ${[...scopes].join()} of ${login.grant.user}, ${iat} to ${exp}`
}
