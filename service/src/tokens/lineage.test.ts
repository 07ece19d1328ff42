import { type AccessToken, currentActor, parseAccessToken, sameActor } from '@tetrapod/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  handedLineage,
  knownElsewhere,
  type Login,
  type MintedClaims,
  nextLineage,
  rootLineage,
  type Step,
} from './lineage.ts'

const ISSUER = 'https://gw.example'
const MOUNT = 'https://gw.example/crm/mcp'
const CRM = 'https://crm.internal/mcp'
const PAYROLL = 'https://payroll.internal'
const NOW = 1_800_000_000
const gateway = { iss: ISSUER, sub: MOUNT, client_id: 'gateway' }
const crm = { iss: ISSUER, sub: 'crm' }
const login: Login = {
  grant: 'grant-1',
  family: 'family-1',
  session: 'session-1',
  agent: 'agent',
  subjectId: { format: 'iss_sub', iss: ISSUER, sub: 'alice' },
  authTime: NOW - 60,
  acr: 'urn:tetrapod:acr:password',
}

/** Token 1 as the code flow signs it: what it adds, and the lineage. */
function tokenOne(lifetime = 300) {
  return {
    iss: ISSUER,
    aud: MOUNT,
    sub: 'u1',
    client_id: 'agent',
    jti: 'jti-1',
    iat: NOW,
    exp: NOW + lifetime,
    scope: 'crm.read crm.write',
    ...rootLineage(ISSUER, login),
  }
}
const received = (claims: object, audience: string, now = NOW): AccessToken =>
  parseAccessToken({ typ: 'at+jwt', kid: 'k1' }, JSON.parse(JSON.stringify(claims)), {
    issuer: ISSUER,
    audience,
    now,
  })
const step = (change: Partial<Step> = {}): Step => ({
  actor: gateway,
  clientId: 'gateway',
  audience: CRM,
  scopes: new Set(['crm.read']),
  now: NOW + 10,
  grantEndsAt: NOW + 86_400,
  ...change,
})
const stepThree = step({
  actor: crm,
  clientId: 'crm',
  audience: PAYROLL,
  scopes: new Set(['payroll.read']),
  now: NOW + 20,
})

test('the worked chain: every hop has its own audience, client, scope and one actor more', () => {
  const one = tokenOne()
  const two = nextLineage(received(one, MOUNT), step())
  const three = nextLineage(received(two, CRM), stepThree)
  const constant = {
    iss: 'https://gw.example',
    sub: 'u1',
    auth_time: 1_799_999_940,
    acr: 'urn:tetrapod:acr:password',
    sid: 'session-1',
    sub_id: { format: 'iss_sub', iss: 'https://gw.example', sub: 'alice' },
    txn: one.txn,
    exp: 1_800_000_300,
  }
  expect(one).toEqual({
    ...constant,
    aud: 'https://gw.example/crm/mcp',
    client_id: 'agent',
    jti: 'jti-1',
    iat: 1_800_000_000,
    scope: 'crm.read crm.write',
    act: { iss: 'https://gw.example', sub: 'agent' },
    dlg: { gid: 'grant-1', hop: 1, rem: 7, anc: ['family-1'] },
  })
  expect(two).toEqual({
    ...constant,
    aud: 'https://crm.internal/mcp',
    client_id: 'gateway',
    jti: two.jti,
    iat: 1_800_000_010,
    scope: 'crm.read',
    act: {
      iss: 'https://gw.example',
      sub: 'https://gw.example/crm/mcp',
      client_id: 'gateway',
      act: { iss: 'https://gw.example', sub: 'agent' },
    },
    dlg: { gid: 'grant-1', hop: 2, rem: 6, anc: ['family-1', 'jti-1'] },
  })
  expect(three).toEqual({
    ...constant,
    aud: 'https://payroll.internal',
    client_id: 'crm',
    jti: three.jti,
    iat: 1_800_000_020,
    scope: 'payroll.read',
    act: {
      iss: 'https://gw.example',
      sub: 'crm',
      act: {
        iss: 'https://gw.example',
        sub: 'https://gw.example/crm/mcp',
        client_id: 'gateway',
        act: { iss: 'https://gw.example', sub: 'agent' },
      },
    },
    dlg: { gid: 'grant-1', hop: 3, rem: 5, anc: ['family-1', 'jti-1', two.jti] },
  })
  expect(new Set([one.jti, two.jti, three.jti]).size).toBe(3)
})

test('every login begins a transaction of its own, which nobody guesses', () => {
  const transactions = Array.from({ length: 100 }, () => rootLineage(ISSUER, login).txn)
  expect(new Set(transactions).size).toBe(100)
  for (const txn of transactions) expect(Buffer.from(txn, 'base64url')).toHaveLength(16)
})

describe('along a chain', () => {
  const hop = fc.record({
    seconds: fc.integer({ min: 0, max: 40 }),
    grantEndsIn: fc.integer({ min: 1, max: 600 }),
    scopes: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
  })

  test('nothing grows, and who the user is never changes', () => {
    const property = fc.property(fc.array(hop, { minLength: 1, maxLength: 7 }), (hops) => {
      let now = NOW
      let token = received(tokenOne(), MOUNT)
      for (const [i, { seconds, grantEndsIn, scopes }] of hops.entries()) {
        now += seconds
        const taken = step({
          actor: { iss: ISSUER, sub: `s${i}` },
          scopes: new Set(scopes),
          now,
          grantEndsAt: now + grantEndsIn,
        })
        const claims = nextLineage(token, taken)
        expect(claims.exp).toBe(Math.min(now + 300, token.expiresAt, now + grantEndsIn))
        if (claims.exp <= now) return
        const next = received(claims, CRM, now)
        expect([...next.scopes]).toEqual(scopes)
        expect(constants(next)).toEqual(constants(token))
        expect(next.delegation).toEqual({
          gid: token.delegation.gid,
          hop: token.delegation.hop + 1,
          rem: token.delegation.rem - 1,
          anc: [...token.delegation.anc, token.jti],
        })
        expect(next.chain).toEqual([taken.actor, ...token.chain])
        expect(next.jti).not.toBe(token.jti)
        token = next
      }
    })
    fc.assert(property)
  })

  test('nor where agents hand on between their acts: not the end, the depth, the chain, the user, nor the mount', () => {
    const step = fc.record({
      hands: fc.boolean(),
      seconds: fc.integer({ min: 0, max: 40 }),
      grantEndsIn: fc.integer({ min: 1, max: 600 }),
    })
    const property = fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      let now = NOW
      let token = received(tokenOne(), MOUNT)
      for (const [i, { hands, seconds, grantEndsIn }] of steps.entries()) {
        now += seconds
        const named = token.mayAct?.sub
        const hand = hands && named === undefined
        const sub = named ?? `s${i}`
        const left = { scopes: new Set(['a']), now, grantEndsAt: now + grantEndsIn }
        const claims = attempted(() =>
          hand
            ? handedLineage(token, { ...left, from: currentActor(token.chain).sub, to: `b${i}` })
            : nextLineage(token, {
                ...left,
                actor: { iss: ISSUER, sub },
                clientId: sub,
                audience: CRM,
              }),
        )
        if (claims === undefined) {
          expect(token.delegation.rem).toBe(0)
          return
        }
        expect(claims.exp).toBeLessThanOrEqual(Math.min(token.expiresAt, now + 300, now + grantEndsIn))
        if (claims.exp <= now) return
        const next = received(claims, hand ? `b${i}` : CRM, now)
        const acted = hand ? 0 : 1
        expect(constants(next)).toEqual(constants(token))
        expect(next.delegation.gid).toBe(token.delegation.gid)
        expect(next.delegation.rem).toBe(token.delegation.rem - acted)
        expect(next.chain.slice(acted)).toEqual(token.chain)
        expect(next.delegation.anc).toEqual([...token.delegation.anc, token.jti])
        expect(next.delegation.res).toBe(hand ? token.audience : undefined)
        expect(next.mayAct).toEqual(hand ? { iss: ISSUER, sub: `b${i}` } : undefined)
        token = next
      }
    })
    fc.assert(property)
  })

  /** Undefined where the chain may not grow. */
  function attempted(run: () => MintedClaims): MintedClaims | undefined {
    try {
      return run()
    } catch (error) {
      expect(error).toMatchObject({ name: 'Refusal', code: 'depth' })
      return undefined
    }
  }

  function constants({ issuer, subject, subjectId, authTime, acr, sessionId, transaction }: AccessToken) {
    return { issuer, subject, subjectId, authTime, acr, sessionId, transaction }
  }

  test('seven may act after the agent, and an eighth may not', () => {
    let token = received(tokenOne(), MOUNT)
    for (let i = 0; i < 7; i++) {
      token = received(nextLineage(token, step({ actor: { iss: ISSUER, sub: `s${i}` } })), CRM)
    }
    expect([token.chain.length, token.delegation.rem]).toEqual([8, 0])
    expect(() => nextLineage(token, step({ actor: crm }))).toThrow(expect.objectContaining({ code: 'depth' }))
  })

  test('a token with no remaining depth goes no further, however short its chain', () => {
    const claims = tokenOne()
    const token = received({ ...claims, dlg: { ...claims.dlg, rem: 0 } }, MOUNT)
    expect(() => nextLineage(token, step())).toThrow(expect.objectContaining({ code: 'depth' }))
  })

  test('who acted does not act again', () => {
    const two = received(nextLineage(received(tokenOne(), MOUNT), step()), CRM)
    for (const actor of [gateway, { iss: ISSUER, sub: MOUNT }, { iss: ISSUER, sub: 'agent' }])
      expect(() => nextLineage(two, step({ actor }))).toThrow(expect.objectContaining({ code: 'loop' }))
  })

  test('the user does not act', () => {
    const one = received(tokenOne(), MOUNT)
    const actor = { iss: ISSUER, sub: 'u1' }
    expect(sameActor(actor, { iss: one.issuer, sub: one.subject })).toBe(true)
    expect(() => nextLineage(one, step({ actor }))).toThrow(expect.objectContaining({ code: 'subject' }))
  })

  test('a may_act is not handed on', () => {
    const one = received({ ...tokenOne(), may_act: { iss: ISSUER, sub: MOUNT, client_id: 'gateway' } }, MOUNT)
    expect(one.mayAct).toBeDefined()
    expect(nextLineage(one, step())).not.toHaveProperty('may_act')
  })

  test.each([
    ['another', { iss: ISSUER, sub: 'crm' }],
    ['a client, and no actor of it', { iss: ISSUER, sub: 'gateway' }],
    ['the actor at another issuer', { iss: 'https://evil.example', sub: MOUNT }],
    ['the actor as another client', { iss: ISSUER, sub: MOUNT, client_id: 'crm' }],
  ])('nobody acts on a token that says who may, and names %s', (_, named) => {
    const one = received({ ...tokenOne(), may_act: named }, MOUNT)
    expect(() => nextLineage(one, step())).toThrow(expect.objectContaining({ code: 'may_act' }))
  })
})

describe('a token for an API that knows its users by the id they have elsewhere', () => {
  const two = received(nextLineage(received(tokenOne(), MOUNT), step()), CRM)
  const three = nextLineage(two, stepThree)
  const token = knownElsewhere(three, 'alice@corp')

  test('names them by it, and keeps all else: our own id, whom else it names, the chain, the end', () => {
    expect(token).toEqual({
      ...three,
      sub: 'alice@corp',
      dlg: { gid: 'grant-1', hop: 3, rem: 0, anc: three.dlg.anc, sub: 'u1' },
    })
    expect(received(token, PAYROLL)).toMatchObject({
      subject: 'alice@corp',
      account: 'u1',
      subjectId: { format: 'iss_sub', iss: ISSUER, sub: 'alice' },
    })
  })

  test.each([0, 1, 6])('is the last of its chain, whatever depth it claims (%i)', (rem) => {
    const forged = received({ ...token, dlg: { ...token.dlg, rem } }, PAYROLL)
    const onwards = step({ actor: { iss: ISSUER, sub: 'payroll' } })
    expect(() => nextLineage(forged, onwards)).toThrow(expect.objectContaining({ code: 'depth' }))
  })

  test.each(['crm', MOUNT, 'agent'])('is refused where the id is that of an actor: %s', (id) => {
    expect(() => knownElsewhere(three, id)).toThrow(expect.objectContaining({ code: 'subject' }))
  })
})
