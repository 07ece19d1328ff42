import { describe, expect, test } from 'vitest'
import { parseAccessToken } from './access-token.ts'
import { codeOf } from './refusal.fixture.ts'

const ISSUER = 'https://tetrapod.example'
const AUDIENCE = 'https://crm.internal/mcp'
const NOW = 1_800_000_000
const expected = { issuer: ISSUER, audience: AUDIENCE, now: NOW }
const honest = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'u1',
  client_id: 'gateway',
  jti: 'jti-2',
  iat: NOW,
  exp: NOW + 300,
  scope: 'crm.read crm.write',
  auth_time: NOW - 60,
  acr: 'urn:example:pwd',
  sid: 'session-1',
  sub_id: { format: 'iss_sub', iss: 'https://idp.example', sub: 'alice' },
  txn: 'txn-1',
  act: {
    iss: ISSUER,
    sub: 'https://gw.example/crm/mcp',
    client_id: 'gateway',
    act: { iss: ISSUER, sub: 'planner' },
  },
  dlg: { gid: 'grant-1', hop: 2, rem: 5, anc: ['family-1', 'jti-1'] },
}
type Change = Readonly<Record<string, unknown>>
const parsed = (change: Change = {}, typ: unknown = 'at+jwt') =>
  parseAccessToken({ typ, kid: 'key-1' }, { ...honest, ...change }, expected)
const codeWith = (change: Change, typ?: unknown) => codeOf(() => parsed(change, typ))
const actors = (...names: readonly string[]) =>
  [...names]
    .reverse()
    .reduce<unknown>((act, sub) => ({ iss: ISSUER, sub, ...(act === undefined ? {} : { act }) }), undefined)

/** As an API is given it that knows its users by the id they have elsewhere. */
const elsewhere = { sub: 'alice@corp', dlg: { ...honest.dlg, rem: 0, sub: 'u1' } }

test('an access token is read into words, and no member is lost or added', () => {
  expect(parsed({ may_act: { iss: ISSUER, sub: 'crm' }, extension: 1 })).toEqual({
    issuer: ISSUER,
    audience: AUDIENCE,
    subject: 'u1',
    account: 'u1',
    subjectId: { format: 'iss_sub', iss: 'https://idp.example', sub: 'alice' },
    clientId: 'gateway',
    jti: 'jti-2',
    keyId: 'key-1',
    issuedAt: NOW,
    expiresAt: NOW + 300,
    scopes: new Set(['crm.read', 'crm.write']),
    authTime: NOW - 60,
    acr: 'urn:example:pwd',
    sessionId: 'session-1',
    transaction: 'txn-1',
    chain: [
      { iss: ISSUER, sub: 'https://gw.example/crm/mcp', client_id: 'gateway' },
      { iss: ISSUER, sub: 'planner' },
    ],
    mayAct: { iss: ISSUER, sub: 'crm' },
    delegation: { gid: 'grant-1', hop: 2, rem: 5, anc: ['family-1', 'jti-1'] },
  })
})

test.each(['at+jwt', 'AT+JWT', 'application/at+jwt'])('the type is %s, as the standard writes it', (typ) => {
  expect(codeWith({}, typ)).toBe('accepted')
})

describe('the first rule broken names itself:', () => {
  test.each([
    undefined,
    null,
    'JWT',
    'at',
    'at+jwt ',
    'application/application/at+jwt',
    'client-authentication+jwt',
    ['at+jwt'],
  ])('type, for %j', (typ) => {
    expect(codeOf(() => parseAccessToken({ typ, kid: 'key-1' }, honest, expected))).toBe('type')
  })

  test.each(Object.keys(honest))('claims or chain, without %s', (member) => {
    expect(codeWith({ [member]: undefined })).toBe(member === 'act' ? 'chain' : 'claims')
    expect(['claims', 'chain']).toContain(codeWith({ [member]: null }))
  })

  test.each<readonly [string, string, Change]>([
    ['claims', 'an audience in a list', { aud: [AUDIENCE] }],
    ['claims', 'a time that is no number', { exp: `${NOW + 300}` }],
    ['claims', 'a time with a fraction', { exp: NOW + 0.5 }],
    ['claims', 'a scope that is a list', { scope: ['crm.read'] }],
    ['claims', 'a scope that is no list of tokens', { scope: 'crm.read  crm.write' }],
    ['claims', 'a may_act that is a list', { may_act: [{ iss: ISSUER, sub: 'crm' }] }],
    ['claims', 'a may_act without an issuer', { may_act: { sub: 'crm' } }],
    ['claims', 'a may_act that is an empty list', { may_act: [] }],
    ['claims', 'a may_act that is a name', { may_act: 'crm' }],
    ['claims', 'a may_act that is null', { may_act: null }],
    ['claims', 'a may_act with an empty name', { may_act: { iss: ISSUER, sub: '' } }],
    ['claims', 'a may_act of a client alone', { may_act: { iss: ISSUER, client_id: 'crm' } }],
    ['claims', 'a may_act with more in it', { may_act: { iss: ISSUER, sub: 'crm', act: {} } }],
    ['claims', 'no grant', { dlg: { ...honest.dlg, gid: undefined } }],
    ['claims', 'an empty grant', { dlg: { ...honest.dlg, gid: '' } }],
    ['claims', 'nobody who acted', { dlg: { ...honest.dlg, hop: 0 } }],
    [
      'claims',
      'a mount that is no text',
      { may_act: { iss: ISSUER, sub: 'b' }, dlg: { ...honest.dlg, res: 7 } },
    ],
    ['claims', 'no ancestors', { dlg: { ...honest.dlg, anc: [] } }],
    ['claims', 'a depth below nothing', { dlg: { ...honest.dlg, rem: -1 } }],
    ['claims', 'a delegation with more in it', { dlg: { ...honest.dlg, user: 'u2' } }],
    ['claims', 'an empty account', { dlg: { ...honest.dlg, sub: '' } }],
    ['claims', 'the nonce of an ID token', { nonce: 'n1' }],
    ['claims', 'the events of a logout token', { events: {} }],
    ['claims', 'an end before its beginning', { iat: NOW + 30, exp: NOW + 30 }],
    ['issuer', 'another issuer', { iss: `${ISSUER}/` }],
    ['audience', 'another audience', { aud: `${AUDIENCE}/` }],
    ['expired', 'an end more than a minute ago', { iat: NOW - 400, exp: NOW - 60 }],
    ['not_yet', 'a beginning more than a minute ahead', { iat: NOW + 61, exp: NOW + 300 }],
    ['not_yet', 'an nbf more than a minute ahead', { nbf: NOW + 61 }],
    ['binding', 'a key it is bound to', { cnf: { jkt: 'x' } }],
    ['binding', 'an empty binding', { cnf: null }],
    ['chain', 'a list of actors', { act: [honest.act] }],
    ['chain', 'fewer hops than actors', { dlg: { ...honest.dlg, hop: 1 } }],
    ['chain', 'more hops than actors', { dlg: { ...honest.dlg, hop: 3 } }],
    ['loop', 'an actor twice', { act: actors('a', 'b', 'a'), dlg: { ...honest.dlg, hop: 3 } }],
    [
      'depth',
      'nine actors',
      { act: actors('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'), dlg: { ...honest.dlg, hop: 9 } },
    ],
    ['subject', 'the user as the actor', { act: actors('u1', 'planner') }],
    ['subject', 'the user as the first actor', { act: actors('gateway', 'u1') }],
    [
      'subject',
      'the user as an actor, by their id elsewhere',
      { ...elsewhere, act: actors('a', 'alice@corp') },
    ],
    ['subject', 'the user as an actor, by our id for them', { ...elsewhere, act: actors('u1', 'planner') }],
  ])('%s, for %s', (code, _, change) => {
    expect(codeWith(change)).toBe(code)
  })

  test('and the rules are asked in this order', () => {
    const broken: readonly (readonly [string, Change])[] = [
      ['claims', { jti: '' }],
      ['issuer', { iss: 'https://evil.example' }],
      ['audience', { aud: 'https://other.example' }],
      ['expired', { iat: NOW - 400, exp: NOW - 60 }],
      ['binding', { cnf: {} }],
      ['loop', { act: actors('a', 'u1', 'a') }],
      ['subject', { act: actors('a', 'u1') }],
      ['chain', { dlg: { ...honest.dlg, hop: 3 } }],
    ]
    broken.forEach(([code], at) => {
      const rest = broken.slice(at).reduceRight<Change>((all, [, change]) => ({ ...all, ...change }), {})
      expect(codeWith(rest)).toBe(code)
    })
    expect(codeWith({ jti: '' }, 'JWT')).toBe('type')
  })
})

test('a minute of difference between clocks is accepted, and not a second more', () => {
  expect(codeWith({ iat: NOW - 359, exp: NOW - 59 })).toBe('accepted')
  expect(codeWith({ iat: NOW + 60, exp: NOW + 300 })).toBe('accepted')
  expect(codeWith({ nbf: NOW + 60 })).toBe('accepted')
})

test('the account is ours, also where the API knows the user by another id', () => {
  const token = parsed(elsewhere)
  expect([token.account, token.subject]).toEqual(['u1', 'alice@corp'])
  expect(token.delegation.sub).toBe('u1')
})

test('the client a may_act names is kept', () => {
  expect(parsed({ may_act: { iss: ISSUER, sub: 'crm', client_id: 'crm' } }).mayAct).toEqual({
    iss: ISSUER,
    sub: 'crm',
    client_id: 'crm',
  })
})
