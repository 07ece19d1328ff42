import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '#kernel'
import { parseClientMetadata } from './client-metadata.ts'

const good = { redirect_uris: ['https://a.example/cb'], token_endpoint_auth_method: 'none' }
const read = (changed: object = {}, source: 'registration' | 'document' = 'registration') =>
  parseClientMetadata({ ...good, ...changed }, source)
const refusedFor = (reason: string) =>
  expect.objectContaining({
    code: 'agents.metadata_refused',
    data: { reason: expect.stringContaining(reason) as string },
  })

describe('what an agent says of itself', () => {
  test('becomes what it has: a code and its refreshes, and nothing that it did not say', () => {
    expect(read()).toEqual({
      redirect_uris: ['https://a.example/cb'],
      application_type: 'web',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      response_modes: ['query'],
      token_endpoint_auth_method: 'none',
    })
  })

  test.each([
    'client_credentials',
    'implicit',
    'password',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
  ])('a registration for the grant %s is refused; a document for every server loses it', (grant) => {
    const grant_types = ['authorization_code', grant]
    expect(() => read({ grant_types })).toThrow(refusedFor('authorization_code and refresh_token'))
    expect(read({ grant_types }, 'document').grant_types).toEqual(['authorization_code'])
  })

  test('a grant that nobody knows is left out', () => {
    const grant_types = ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code', 'urn:x']
    expect(read({ grant_types }).grant_types).toEqual(['authorization_code'])
  })

  test('what would give it more than others have is left out', () => {
    const more = {
      scope: 'admin openid',
      exchange: true,
      delegates: ['planner'],
      client_id: 'assistant',
      subject_type: 'pairwise',
      sector_identifier_uri: 'http://169.254.169.254/',
      logo_uri: 'http://169.254.169.254/logo.png',
      require_signed_request_object: false,
      id_token_signed_response_alg: 'none',
      default_acr_values: ['high'],
      tls_client_certificate_bound_access_tokens: true,
      backchannel_logout_uri: 'http://10.0.0.1/',
      initiate_login_uri: 'http://10.0.0.1/',
      listed: true,
      kind: 'catalogue',
      contacts: ['a@a.example'],
    }
    expect(read(more)).toEqual(read())
  })

  test.each([
    ['https alone', ['https://a.example/cb'], 'web'],
    ['loopback', ['http://localhost/cb'], 'native'],
    ['a scheme of its own', ['cursor://x/cb'], 'native'],
    ['both, as Cursor has', ['https://a.example/cb', 'cursor://x/cb'], 'native'],
  ])('its application type is what %s says, whatever it says itself', (_, redirect_uris, expected) => {
    for (const application_type of [undefined, 'web', 'native', 7])
      expect(read({ redirect_uris, application_type }).application_type).toBe(expected)
  })

  test('its name is cut, and without what makes it look like another', () => {
    expect(read({ client_name: 'Bank \u202Egnp.exe' }).client_name).toBe('Bank gnp.exe')
    expect(read({ client_name: 'a\u0000b\n\tc\u200B\uFEFF' }).client_name).toBe('abc')
    expect(read({ client_name: 'x'.repeat(5000) }).client_name).toHaveLength(100)
    expect(read({ client_name: 'Zalgo\u0301\u0302\u0303\u0304' }).client_name).toMatch(/^Zalg\u00F3$/u)
    for (const client_name of ['', '  ', '\u200B', 7, {}, null])
      expect(read({ client_name })).not.toHaveProperty('client_name')
  })

  test('an address of it that is none is left out', () => {
    for (const client_uri of ['javascript:alert(1)', 'data:text/html,x', '//x', 7])
      expect(read({ client_uri })).not.toHaveProperty('client_uri')
    expect(read({ client_uri: 'https://a.example' }).client_uri).toBe('https://a.example')
  })
})

describe('how it proves itself', () => {
  const jwk = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

  test('is what it prefers, or the first of its choices that is offered', () => {
    expect(read({ token_endpoint_auth_method: undefined }).token_endpoint_auth_method).toBe(
      'client_secret_basic',
    )
    expect(read({ token_endpoint_auth_method: undefined }, 'document').token_endpoint_auth_method).toBe(
      'none',
    )
    const token_endpoint_auth_methods_supported = ['tls_client_auth', 'none']
    const choice = { token_endpoint_auth_method: 'tls_client_auth', token_endpoint_auth_methods_supported }
    expect(read(choice).token_endpoint_auth_method).toBe('none')
  })

  test.each(['tls_client_auth', 'client_secret_jwt', 'self_signed_tls_client_auth', '', 7])(
    'is not %s',
    (token_endpoint_auth_method) => {
      expect(() => read({ token_endpoint_auth_method })).toThrow(
        refusedFor('token_endpoint_auth_method is one of'),
      )
    },
  )

  test('with a key is with exactly one public key set, of an algorithm that is accepted', () => {
    const method = { token_endpoint_auth_method: 'private_key_jwt' }
    const jwks_uri = 'https://a.example/jwks'
    expect(read({ ...method, jwks_uri }).jwks_uri).toBe(jwks_uri)
    expect(read({ ...method, jwks: { keys: [jwk] } }).jwks).toEqual({ keys: [jwk] })
    for (const wrong of [{}, { jwks_uri, jwks: { keys: [jwk] } }])
      expect(() => read({ ...method, ...wrong })).toThrow(refusedFor('exactly one of jwks and jwks_uri'))
    for (const keys of [[], 'x', [7], Array.from({ length: 17 }, () => jwk)])
      expect(() => read({ ...method, jwks: { keys } })).toThrow(refusedFor('jwks is'))
    for (const key of [
      { ...jwk, d: 'x' },
      { kty: 'oct', k: 'x' },
      { kty: 'RSA', p: 'x' },
    ])
      expect(() => read({ ...method, jwks: { keys: [key] } })).toThrow(refusedFor('public keys alone'))
    for (const token_endpoint_auth_signing_alg of ['none', 'HS256', 'RS1', 7])
      expect(() => read({ ...method, jwks_uri, token_endpoint_auth_signing_alg })).toThrow(
        refusedFor('ES256, RS256'),
      )
  })

  test.each([
    'http://a.example/jwks',
    'https://user@a.example/jwks',
    'https://a.example/jwks#x',
    'https://a.example/../jwks',
    'https://A.example/jwks',
    'file:///etc/passwd',
    7,
  ])('is not with keys at %s', (jwks_uri) => {
    expect(() => read({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri })).toThrow(
      refusedFor('jwks_uri is an https URL'),
    )
  })

  test('is not with a secret that it brings along', () => {
    expect(() => read({ client_secret: 'mine' })).toThrow(refusedFor('A secret is made here'))
  })
})

test('whatever is said, it is read or refused with a reason', () => {
  const member = fc.constantFrom(
    'redirect_uris',
    'grant_types',
    'response_types',
    'client_name',
    'jwks',
    'jwks_uri',
    'token_endpoint_auth_method',
    'token_endpoint_auth_methods_supported',
    'client_uri',
    '__proto__',
  )
  fc.assert(
    fc.property(
      fc.dictionary(member, fc.jsonValue()),
      fc.constantFrom('registration', 'document'),
      (said, source) => {
        try {
          const { grant_types, response_types } = parseClientMetadata({ ...good, ...said }, source)
          expect(['authorization_code', 'refresh_token']).toEqual(expect.arrayContaining([...grant_types]))
          expect(response_types).toEqual(['code'])
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
          expect(error).toMatchObject({
            kind: 'invalid',
            data: { reason: expect.stringMatching(/\.$/) as string },
          })
        }
      },
    ),
  )
})
