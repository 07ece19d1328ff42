import { createServer, type Server } from 'node:http'
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byHand, createPerson } from '../support/by-hand.ts'
import { close, freePorts } from '../support/ports.ts'
import { journey, register, withRegistration } from '../support/registering.ts'
import { openWorld, type World } from '../support/world.ts'

const REDIRECT = 'https://approved.example/cb'
const EVIL = 'https://evil.example/cb'

let publisher: Server
let issuer: string
let world: World
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let otherKeys: typeof keys
let served = true
beforeAll(async () => {
  const [port = 0] = await freePorts(1)
  issuer = `http://127.0.0.1:${port}`
  keys = await generateKeyPair('ES256', { extractable: true })
  otherKeys = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'p1' }
  publisher = createServer((_, response) =>
    served ? response.end(JSON.stringify({ keys: [jwk] })) : response.writeHead(500).end(),
  )
  await new Promise<void>((resolve) => publisher.listen(port, '127.0.0.1', resolve))
  world = await openWorld({
    policies: '\n  - permit: { agents: [dynamic], servers: [crm] }',
    amend: withRegistration(`{ statements: { ${issuer}: { jwks_uri: ${issuer}/jwks } } }`),
  })
})
afterAll(async () => {
  await world.close()
  await close(publisher)
})

const now = () => Math.floor(Date.now() / 1000)
const statement = (
  claims: Readonly<Record<string, unknown>> = {},
  { header = {}, key = keys.privateKey }: { header?: Partial<JWTHeaderParameters>; key?: CryptoKey } = {},
) =>
  new SignJWT({ iss: issuer, iat: now(), client_name: 'Approved', redirect_uris: [REDIRECT], ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'p1', ...header })
    .sign(key)
const registering = (software_statement: unknown, body: object = {}) =>
  register(world, {
    redirect_uris: [EVIL],
    client_name: 'Evil',
    token_endpoint_auth_method: 'none',
    ...body,
    software_statement,
  })

describe('an agent with a statement of an accepted issuer', () => {
  test('registers as the statement says, whatever it says itself; and gets the statement back as it was', async () => {
    const signed = await statement({ software_id: 'approved-1' })
    const { status, body } = await registering(signed, { grant_types: ['authorization_code'] })
    expect([status, body['error_description']]).toEqual([201, undefined])
    expect(body).toMatchObject({
      client_name: 'Approved',
      redirect_uris: [REDIRECT],
      software_id: 'approved-1',
      grant_types: ['authorization_code'],
      software_statement: signed,
    })
    const hand = byHand(world)
    const person = createPerson(world.publicUrl)
    const id = String(body['client_id'])
    expect((await journey({ hand, person, id, redirectUri: REDIRECT })).status).toBe(200)
    const evil = await person.follow(hand.authorizeUrl({ client_id: id, redirect_uri: EVIL }))
    expect(evil.text).toContain('invalid_redirect_uri')
  })

  test('is nobody any more once its issuer does not count', async () => {
    const { body } = await registering(await statement())
    const id = String(body['client_id'])
    await world.restart((text) =>
      withRegistration('{ statements: { https://other.example: { jwks_uri: https://other.example/jwks } } }')(
        text,
      ),
    )
    const person = createPerson(world.publicUrl)
    const stop = await person.follow(byHand(world).authorizeUrl({ client_id: id, redirect_uri: REDIRECT }))
    expect(stop.text).toContain('This agent is not known here')
    await world.restart()
    expect((await journey({ hand: byHand(world), person, id, redirectUri: REDIRECT })).status).toBe(200)
  })

  test('cannot lose the statement by replacing the registration without it', async () => {
    const { body } = await registering(await statement())
    const put = { client_id: body['client_id'], redirect_uris: [EVIL], token_endpoint_auth_method: 'none' }
    const answer = await register(world, put, {
      method: 'PUT',
      url: String(body['registration_client_uri']),
      token: String(body['registration_access_token']),
    })
    expect([answer.status, answer.body['error']]).toEqual([400, 'unapproved_software_statement'])
  })

  test('gets no right that others have not', async () => {
    const signed = await statement({ grant_types: ['authorization_code', 'client_credentials'] })
    expect((await registering(signed)).body['error']).toBe('invalid_client_metadata')
  })
})

describe('a statement does not count', () => {
  test.each<[string, () => unknown, string]>([
    ['that is not there', () => undefined, 'unapproved_software_statement'],
    ['of another issuer', () => statement({ iss: 'https://other.example' }), 'unapproved_software_statement'],
    ['without an issuer', () => statement({ iss: undefined }), 'invalid_software_statement'],
    [
      'signed by another key',
      () => statement({}, { key: otherKeys.privateKey }),
      'invalid_software_statement',
    ],
    ['that has expired', () => statement({ exp: now() - 100 }), 'invalid_software_statement'],
    ['that is not valid yet', () => statement({ nbf: now() + 100 }), 'invalid_software_statement'],
    ['from the future', () => statement({ iat: now() + 100 }), 'invalid_software_statement'],
    [
      'for another authorization server',
      () => statement({ aud: 'https://other.example' }),
      'invalid_software_statement',
    ],
    [
      'that says where its keys are',
      () => statement({}, { header: { jku: 'https://evil.example/jwks' } }),
      'invalid_software_statement',
    ],
    [
      'that is of another type',
      () => statement({}, { header: { typ: 'at+jwt' } }),
      'invalid_software_statement',
    ],
    ['that is no JWT', () => 'x.y.z', 'invalid_software_statement'],
    ['that is no text', () => ({}), 'invalid_software_statement'],
    ['that is empty', () => '', 'invalid_software_statement'],
    [
      'with a changed signature',
      async () => `${(await statement()).slice(0, -8)}AAAAAAAA`,
      'invalid_software_statement',
    ],
    [
      'without a signature',
      async () =>
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await statement()).split('.')[1] ?? ''}.`,
      'invalid_software_statement',
    ],
    [
      'that brings its own key',
      async () =>
        statement(
          {},
          { header: { kid: 'x', jwk: await exportJWK(otherKeys.publicKey) }, key: otherKeys.privateKey },
        ),
      'invalid_software_statement',
    ],
    [
      'signed with the published key for a secret',
      async () =>
        new SignJWT({ iss: issuer, redirect_uris: [REDIRECT] })
          .setProtectedHeader({ alg: 'HS256', kid: 'p1' })
          .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)))),
      'invalid_software_statement',
    ],
  ])('%s', async (_, make, error) => {
    const { status, body } = await registering(await make())
    expect([status, body['error']]).toEqual([400, error])
    expect(body).not.toHaveProperty('client_id')
  })

  test('and is never taken for a lie while its issuer’s keys cannot be fetched', async () => {
    await world.restart()
    served = false
    const signed = await statement()
    expect(await registering(signed)).toMatchObject({
      status: 503,
      body: { error: 'temporarily_unavailable' },
    })
    served = true
    expect((await registering(signed)).status).toBe(201)
  })

  test('where anybody may register, one that does not count is refused all the same', async () => {
    await world.restart(withRegistration('{ dynamic: true }'))
    expect((await registering(await statement())).body['error']).toBe('unapproved_software_statement')
    expect((await registering(undefined)).status).toBe(201)
    await world.restart()
  })
})
