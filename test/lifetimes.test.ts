import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as names from '../protocol/src/names.ts'
import { CONSENT_SECONDS_MAX } from '../service/src/grants/grants.ts'
import { REFRESH_AGAIN_MS, REFRESH_IDLE_SECONDS } from '../service/src/oauth/refresh-tokens.ts'
import { root } from './support/sources.ts'

const page = await readFile(join(root, 'docs/lifetimes.md'), 'utf8')
const places = [...page.matchAll(/`([\w/-]+\.ts)`\s+`(\w+)`/g)].map(([, file = '', name = '']) => ({
  file,
  name,
}))

test('every lifetime of the documents is where they say it is', async () => {
  expect(places.length).toBeGreaterThan(25)
  for (const { file, name } of places) {
    const source = await readFile(join(root, file), 'utf8')
    expect([file, name, new RegExp(`(const ${name} = |\\b${name}: )`).test(source)]).toEqual([
      file,
      name,
      true,
    ])
  }
})

test('every lifetime that the parties agree on is in the documents', () => {
  const documented = new Set(
    places.filter(({ file }) => file === 'protocol/src/names.ts').map(({ name }) => name),
  )
  const agreed = Object.keys(names).filter((name) => /_SECONDS(_MAX)?$/.test(name))
  expect(agreed.filter((name) => !documented.has(name))).toEqual([])
})

describe('no lifetime is longer than it may be (seconds):', () => {
  const day = 24 * 3600
  test.each([
    ['an access token', names.ACCESS_TOKEN_SECONDS, 300],
    ['a client assertion', names.ASSERTION_SECONDS_MAX, 300],
    ['the grant of another authorization server', names.JWT_GRANT_SECONDS_MAX, 300],
    ['a DPoP proof', names.DPOP_SECONDS, 60],
    ['a DPoP proof with our nonce', names.DPOP_NONCE_SECONDS, 300],
    ['an introspection response', names.INTROSPECTION_SECONDS, 30],
    ['our public keys, remembered', names.JWKS_SECONDS, day],
    ['a signed authorization response', names.AUTHORIZATION_RESPONSE_SECONDS_MAX, 600],
    ['a logout token', names.LOGOUT_TOKEN_SECONDS_MAX, 300],
    ['the difference of two clocks', names.CLOCK_SKEW_SECONDS, 60],
    ['a refresh token that is not used', REFRESH_IDLE_SECONDS, 14 * day],
    ['the race of two refreshes', REFRESH_AGAIN_MS / 1000, 10],
    ['a grant', CONSENT_SECONDS_MAX, 30 * day],
  ])('%s', (_, seconds, max) => {
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(max)
  })
})
