import { describe, expect, test } from 'vitest'
import { parseSoftwareStatement } from './software-statement.ts'

const NOW = 1_800_000_000
const expected = { issuer: 'https://publisher.example', audiences: ['https://gw.example'], now: NOW }
const claims = { iss: expected.issuer, client_name: 'Approved', redirect_uris: ['https://a.example/cb'] }
const read = (changed: object = {}, header: Readonly<Record<string, unknown>> = {}) =>
  parseSoftwareStatement({ alg: 'ES256', ...header }, { ...claims, ...changed }, expected)

describe('a software statement', () => {
  test('says what the software is, and nothing of itself', () => {
    const own = {
      sub: 'x',
      aud: 'https://gw.example',
      iat: NOW,
      nbf: NOW,
      exp: NOW + 60,
      jti: 'x',
      software_statement: 'x',
    }
    expect(read(own, { typ: 'JWT' })).toEqual({
      client_name: 'Approved',
      redirect_uris: ['https://a.example/cb'],
    })
  })

  test.each<[string, object]>([
    ['without an expiry', {}],
    ['that has just expired, by a clock that is a little behind', { exp: NOW - 1 }],
    ['for us among others', { aud: ['https://other.example', 'https://gw.example'] }],
  ])('%s counts', (_, changed) => {
    expect(read(changed)).toHaveProperty('client_name')
  })

  test.each<[string, object, object]>([
    ['type', {}, { typ: 'at+jwt' }],
    ['type', {}, { typ: 7 }],
    ['key', {}, { jwk: {} }],
    ['key', {}, { jku: 'https://evil.example/jwks' }],
    ['key', {}, { x5u: 'https://evil.example/x' }],
    ['key', {}, { x5c: [] }],
    ['claims', { iss: undefined }, {}],
    ['claims', { exp: 'soon' }, {}],
    ['claims', { client_name: undefined, redirect_uris: undefined }, {}],
    ['claims', { nonce: 'n1' }, {}],
    ['claims', { events: {} }, {}],
    ['issuer', { iss: 'https://other.example' }, {}],
    ['audience', { aud: 'https://other.example' }, {}],
    ['audience', { aud: [] }, {}],
    ['expired', { exp: NOW - 61 }, {}],
    ['not_yet', { nbf: NOW + 61 }, {}],
    ['not_yet', { iat: NOW + 61 }, {}],
  ])('is refused (%s) with %j and the header %j', (code, changed, header) => {
    expect(() => read(changed, { ...header })).toThrow(expect.objectContaining({ name: 'Refusal', code }))
  })
})
