import { describe, expect, test } from 'vitest'
import { parseAccessToken } from './access-token.ts'
import { codeOf } from './refusal.fixture.ts'
import { checkBeside, parseTransactionToken, trustDomainOf } from './transaction-token.ts'

const ISSUER = 'https://tetrapod.example'
const NOW = 1_800_000_000
const lasting = {
  iss: ISSUER,
  sub: 'u1',
  iat: NOW,
  scope: 'crm.read',
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
}
const dlg = { gid: 'grant-1', hop: 2, rem: 5, anc: ['family-1', 'jti-1', 'jti-2'], to: 'crm' }
const honest = {
  ...lasting,
  aud: 'tetrapod.example',
  jti: 'jti-3',
  exp: NOW + 60,
  req_wl: 'gateway',
  dlg,
}
const accessClaims = {
  ...lasting,
  aud: 'https://crm.internal/mcp',
  jti: 'jti-2',
  client_id: 'gateway',
  exp: NOW + 300,
  dlg: { gid: 'grant-1', hop: 2, rem: 5, anc: ['family-1', 'jti-1'] },
}
type Change = Readonly<Record<string, unknown>>
const expected = { issuer: ISSUER, to: 'crm' as string | undefined, now: NOW }
const parsed = (change: Change = {}, typ: unknown = 'txntoken+jwt', known = expected) =>
  parseTransactionToken({ typ, kid: 'key-1' }, { ...honest, ...change }, known)
const codeWith = (change: Change, typ?: unknown, known = expected) => codeOf(() => parsed(change, typ, known))
const accessToken = (change: Change = {}, typ: unknown = 'at+jwt', audience = accessClaims.aud) =>
  parseAccessToken(
    { typ, kid: 'key-1' },
    { ...accessClaims, ...change },
    { issuer: ISSUER, audience, now: NOW },
  )

test('a transaction token is read into words, and no member is lost or added', () => {
  expect(parsed({ extension: 1 })).toEqual({
    issuer: ISSUER,
    audience: 'tetrapod.example',
    subject: 'u1',
    account: 'u1',
    subjectId: { format: 'iss_sub', iss: 'https://idp.example', sub: 'alice' },
    requester: 'gateway',
    jti: 'jti-3',
    keyId: 'key-1',
    issuedAt: NOW,
    expiresAt: NOW + 60,
    scopes: new Set(['crm.read']),
    authTime: NOW - 60,
    acr: 'urn:example:pwd',
    sessionId: 'session-1',
    transaction: 'txn-1',
    chain: [
      { iss: ISSUER, sub: 'https://gw.example/crm/mcp', client_id: 'gateway' },
      { iss: ISSUER, sub: 'planner' },
    ],
    delegation: dlg,
  })
})

test.each(['txntoken+jwt', 'TxnToken+JWT', 'application/txntoken+jwt'])('typ %s is one', (typ) => {
  expect(codeWith({}, typ)).toBe('accepted')
})

test('the trust domain is the host of the issuer, with a port that is not the usual one', () => {
  expect(
    ['https://gw.example', 'https://gw.example:8443', 'http://127.0.0.1:4000'].map(trustDomainOf),
  ).toEqual(['gw.example', 'gw.example:8443', '127.0.0.1:4000'])
})

test('who cannot know its own name takes one that names any client', () => {
  expect(codeWith({ dlg: { ...dlg, to: 'payroll' } }, 'txntoken+jwt', { ...expected, to: undefined })).toBe(
    'accepted',
  )
})

describe('refused is', () => {
  test.each<[string, Change, unknown, string]>([
    ['an access token', {}, 'at+jwt', 'type'],
    ['a token of no type', {}, null, 'type'],
    ['a JWT', {}, 'JWT', 'type'],
    ['another type that ends the same', {}, 'x-txntoken+jwt', 'type'],
    ['another issuer', { iss: 'https://evil.example' }, 'txntoken+jwt', 'issuer'],
    ['another trust domain', { aud: 'evil.example' }, 'txntoken+jwt', 'audience'],
    ['the issuer as the trust domain', { aud: ISSUER }, 'txntoken+jwt', 'audience'],
    ['several audiences', { aud: ['tetrapod.example', 'x'] }, 'txntoken+jwt', 'claims'],
    ['our trust domain in a list', { aud: ['tetrapod.example'] }, 'txntoken+jwt', 'claims'],
    ['another client', { dlg: { ...dlg, to: 'notes' } }, 'txntoken+jwt', 'audience'],
    ['a client in capitals', { dlg: { ...dlg, to: 'CRM' } }, 'txntoken+jwt', 'audience'],
    ['nobody to exchange it', { dlg: { ...dlg, to: undefined } }, 'txntoken+jwt', 'claims'],
    ['two clients', { dlg: { ...dlg, to: ['crm', 'notes'] } }, 'txntoken+jwt', 'claims'],
    ['an end that has passed', { iat: NOW - 200, exp: NOW - 140 }, 'txntoken+jwt', 'expired'],
    ['a beginning to come', { iat: NOW + 61, exp: NOW + 100 }, 'txntoken+jwt', 'not_yet'],
    ['a time before which it is not valid', { nbf: NOW + 61 }, 'txntoken+jwt', 'not_yet'],
    ['a life of more than a minute', { exp: NOW + 61 }, 'txntoken+jwt', 'claims'],
    ['a key that it is bound to', { cnf: { jkt: 'x' } }, 'txntoken+jwt', 'binding'],
    ['no requester', { req_wl: undefined }, 'txntoken+jwt', 'claims'],
    ['a client id: it is an access token’s', { client_id: 'gateway' }, 'txntoken+jwt', 'claims'],
    ['somebody who may act', { may_act: { iss: ISSUER, sub: 'crm' } }, 'txntoken+jwt', 'claims'],
    ['no transaction', { txn: undefined }, 'txntoken+jwt', 'claims'],
    ['no scope', { scope: undefined }, 'txntoken+jwt', 'claims'],
    ['scopes that are a list', { scope: ['crm.read'] }, 'txntoken+jwt', 'claims'],
    ['scopes parted by a line end', { scope: 'a\nb' }, 'txntoken+jwt', 'claims'],
    ['no id', { jti: undefined }, 'txntoken+jwt', 'claims'],
    ['no session', { sid: undefined }, 'txntoken+jwt', 'claims'],
    ['nobody who acts', { act: undefined }, 'txntoken+jwt', 'chain'],
    ['an actor twice', { act: { ...lasting.act, act: lasting.act } }, 'txntoken+jwt', 'loop'],
    ['the user as an actor', { sub: 'planner' }, 'txntoken+jwt', 'subject'],
    ['a hop too many', { dlg: { ...dlg, hop: 3 } }, 'txntoken+jwt', 'chain'],
    ['a lineage with more in it', { dlg: { ...dlg, res: 'x' } }, 'txntoken+jwt', 'claims'],
    ['a user elsewhere', { dlg: { ...dlg, sub: 'u1' } }, 'txntoken+jwt', 'claims'],
    ['no lineage', { dlg: undefined }, 'txntoken+jwt', 'claims'],
  ])('%s', (_, change, typ, code) => {
    expect(codeWith(change, typ)).toBe(code)
  })

  test('what is not an object', () => {
    for (const payload of [undefined, null, 'x', [honest]])
      expect(codeOf(() => parseTransactionToken({ typ: 'txntoken+jwt', kid: 'k' }, payload, expected))).toBe(
        'claims',
      )
  })
})

describe('neither kind is taken for the other', () => {
  test('a transaction token is no access token, under either type and at the trust domain', () => {
    const claims = { ...honest, client_id: 'gateway' }
    expect(codeOf(() => accessToken(claims, 'txntoken+jwt', 'tetrapod.example'))).toBe('type')
    expect(codeOf(() => accessToken(claims, 'at+jwt', 'tetrapod.example'))).toBe('claims')
  })

  test('an access token is no transaction token, under either type', () => {
    const read = (typ: string) => () =>
      parseTransactionToken({ typ, kid: 'k' }, { ...accessClaims, aud: 'tetrapod.example' }, expected)
    expect([codeOf(read('at+jwt')), codeOf(read('txntoken+jwt'))]).toEqual(['type', 'claims'])
  })
})

describe('beside an access token', () => {
  const together = (change: Change = {}, access: Change = {}) =>
    codeOf(() => checkBeside(parsed(change), accessToken(access)))

  test('is the transaction token that was issued with it', () => {
    expect(together()).toBe('accepted')
  })

  test('names our own account, whatever the access token calls the user', () => {
    const elsewhere = { sub: 'alice@corp', dlg: { ...accessClaims.dlg, sub: 'u1' } }
    expect(together({}, elsewhere)).toBe('accepted')
    expect(together({ sub: 'alice@corp' }, elsewhere)).toBe('subject')
  })

  test.each<[string, Change, Change]>([
    ['another token', {}, { jti: 'jti-9' }],
    ['a token that it only descends from', {}, { jti: 'jti-1' }],
    ['another user', { sub: 'u2' }, {}],
    ['another transaction', { txn: 'txn-2' }, {}],
  ])('is not one of %s', (_, change, access) => {
    expect(together(change, access)).toBe('subject')
  })
})
