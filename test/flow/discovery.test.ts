import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type World } from '../support/world.ts'

/**
 * Every member of RFC 8414, OpenID Connect Discovery and the documents that extend them which concerns us: there, or not
 * there and why.
 */
const members: readonly (readonly [member: string, there: boolean, why: string])[] = [
  ['issuer', true, 'publicUrl, to the letter'],
  ['authorization_endpoint', true, ''],
  ['token_endpoint', true, ''],
  ['jwks_uri', true, ''],
  ['pushed_authorization_request_endpoint', true, 'RFC 9126'],
  ['require_pushed_authorization_requests', false, 'false is the default: most agents cannot push'],
  ['scopes_supported', true, 'of the issuer alone: the scopes of a server are in the metadata of its mount'],
  ['response_types_supported', true, 'code'],
  ['response_modes_supported', true, 'query: elsewhere scripts and other pages find a code'],
  ['grant_types_supported', true, ''],
  ['token_endpoint_auth_methods_supported', true, ''],
  ['token_endpoint_auth_signing_alg_values_supported', true, ''],
  ['code_challenge_methods_supported', true, 'S256 alone; agents refuse to go on without it'],
  ['authorization_response_iss_parameter_supported', true, 'RFC 9207'],
  ['protected_resources', true, 'RFC 9728 §4: the mounts'],
  ['subject_types_supported', true, 'required by OpenID Connect Discovery'],
  ['id_token_signing_alg_values_supported', true, 'required by OpenID Connect Discovery'],
  ['request_uri_parameter_supported', true, 'false: its default is true. Pushed ones need no word'],
  ['request_parameter_supported', false, 'false is the default'],
  ['registration_endpoint', false, 'only where `registration` opens it'],
  ['client_id_metadata_document_supported', true, 'for the hosts of the presets, where nothing else is said'],
  ['introspection_endpoint', true, 'RFC 7662'],
  ['introspection_endpoint_auth_methods_supported', true, ''],
  ['introspection_endpoint_auth_signing_alg_values_supported', true, ''],
  ['revocation_endpoint', true, 'RFC 7009'],
  ['revocation_endpoint_auth_methods_supported', true, ''],
  ['revocation_endpoint_auth_signing_alg_values_supported', true, ''],
  ['userinfo_endpoint', false, 'not offered: who the user is goes with the tokens'],
  ['end_session_endpoint', false, 'not offered'],
  ['dpop_signing_alg_values_supported', false, 'tokens are not bound yet'],
  ['tls_client_certificate_bound_access_tokens', false, 'tokens are not bound yet'],
  ['mtls_endpoint_aliases', false, 'no client authenticates by certificate'],
  ['authorization_details_types_supported', false, 'there are no types'],
  ['authorization_grant_profiles_supported', false, 'ID-JAG is not accepted'],
  ['identity_chaining_requested_token_types_supported', false, 'no token for other domains is made'],
  ['backchannel_authentication_endpoint', false, 'CIBA is not offered'],
  ['device_authorization_endpoint', false, 'there is no device flow'],
  ['claims_supported', false, 'nothing is promised of ID tokens'],
  ['claims_parameter_supported', false, 'false is the default'],
  ['signed_metadata', false, 'TLS says whose document it is'],
]

describe('the metadata of the authorization server', () => {
  let world: World
  let document: Readonly<Record<string, unknown>>
  beforeAll(async () => {
    world = await openWorld()
    const answer = await fetch(`${world.publicUrl}/.well-known/oauth-authorization-server`)
    document = (await answer.json()) as typeof document
  })
  afterAll(() => world.close())

  test.each(members)('%s: %s. %s', (member, there) => {
    expect(Object.hasOwn(document, member)).toBe(there)
  })

  test('has no member that is not in this list', () => {
    const known = members.map(([member]) => member)
    expect(Object.keys(document).filter((member) => !known.includes(member))).toEqual([])
  })

  test('is served for this issuer alone, and every address in it is under it', async () => {
    expect(document['issuer']).toBe(world.publicUrl)
    for (const [member, value] of Object.entries(document))
      if (/_endpoint$|_uri$/.test(member)) expect(String(value)).toMatch(`${world.publicUrl}/`)
    const elsewhere = [
      '/other/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server/x',
    ]
    for (const path of elsewhere) expect((await fetch(`${world.publicUrl}${path}`)).status).toBe(404)
  })

  test('names grants that are answered, and no others are', async () => {
    for (const grant_type of document['grant_types_supported'] as string[]) {
      const body = new URLSearchParams({ grant_type })
      const answer = await fetch(`${world.publicUrl}/token`, { method: 'POST', body })
      const { error } = (await answer.json()) as { readonly error: string }
      expect(error).not.toBe('unsupported_grant_type')
    }
  })
})
