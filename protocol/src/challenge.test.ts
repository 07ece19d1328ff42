import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bearerToken, formatChallenge } from './challenge.ts'

const resource_metadata = 'https://gw.example/.well-known/oauth-protected-resource/crm/mcp'

test('a challenge has its members in the order and the quotes of the standard', () => {
  expect(formatChallenge({ resource_metadata })).toBe(`Bearer resource_metadata="${resource_metadata}"`)
  expect(
    formatChallenge({ error: 'insufficient_scope', scope: 'crm.read crm.write', resource_metadata }),
  ).toBe(
    `Bearer error="insufficient_scope", scope="crm.read crm.write", resource_metadata="${resource_metadata}"`,
  )
})

test('a bearer token is read from its header, whatever the case of the scheme', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9\-._~+/]{1,40}={0,2}$/)
  const property = fc.property(token, fc.constantFrom('Bearer', 'bearer', 'BEARER'), (token, scheme) => {
    expect(bearerToken(`${scheme} ${token}`)).toBe(token)
  })
  fc.assert(property)
})

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  'Basic abc',
  'DPoP abc',
  'Bearerabc',
  ' Bearer abc',
  'Bearer abc ',
  'Bearer a b',
  'Bearer abc, Bearer def',
  'Bearer "abc"',
  'Bearer a\nb',
  'Bearer =',
  'Bearer ab=c',
])('no bearer token is read from %j', (value) => {
  expect(bearerToken(value)).toBeUndefined()
})
