import { createHmac, KeyObject } from 'node:crypto'
import { type Refusal, TOKEN_BYTES_MAX } from '@tetrapod/protocol'
import * as fc from 'fast-check'
import { exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import {
  base64url,
  type Claims,
  reheaded,
  signed,
  START_SECONDS,
  testClaims,
  testClock,
  testKey,
} from './test-token.ts'
import { createVerifier, type KeyLookup } from './verifier.ts'

const ISSUER = 'https://tetrapod.example'
const AUDIENCE = 'https://crm.internal/mcp'
const key = await testKey('k1')
const stranger = await testKey('k1')
const edwards = await testKey('ed', 'Ed25519')
const claims = testClaims(ISSUER, AUDIENCE)
const good = await signed(claims, key)
const other = await signed(testClaims(ISSUER, AUDIENCE, { sub: 'u2' }), key)

function verifierWith(keys: KeyLookup = (kid) => (kid === 'k1' ? key.publicKey : undefined)) {
  const clock = testClock()
  return { clock, ...createVerifier({ issuer: ISSUER, keys, clock }) }
}

async function codeOf(token: string, audience = AUDIENCE): Promise<string> {
  return verifierWith()
    .verify(token, audience)
    .then(
      () => 'accepted',
      (error: Refusal) => error.code ?? String(error),
    )
}

const act = (names: readonly string[]): unknown =>
  [...names].reverse().reduce<unknown>((act, sub) => ({ iss: ISSUER, sub, act }), undefined)
const actors = (count: number): unknown => act(Array.from({ length: count }, (_, i) => `agent-${i}`))
const dlg = (hop: number): Claims => ({ gid: 'g', hop, rem: 0, anc: ['f'] })
const changed = (overrides: Claims, header: Claims = {}): Promise<string> =>
  signed(testClaims(ISSUER, AUDIENCE, overrides), key, header)
const without = (member: string): Promise<string> => changed({ [member]: undefined })

async function hmacWithPublicKey(): Promise<string> {
  const input = `${base64url(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' }))}.${good.split('.')[1]}`
  const mac = createHmac('sha256', await exportSPKI(key.publicKey)).update(input)
  return `${input}.${mac.digest('base64url')}`
}

test('a token of the issuer for this audience is read: the user, the chain, the scopes', async () => {
  const token = await verifierWith().verify(good, AUDIENCE)

  expect(token).toMatchObject({ subject: 'u1', subjectId: { sub: 'alice' }, clientId: 'gateway' })
  expect(token.chain.map(({ sub }) => sub)).toEqual(['https://gw.example/crm/mcp', 'planner'])
  expect([...token.scopes]).toEqual(['crm.read'])
})

describe('a key is for one algorithm, whatever a header says:', () => {
  const keys = new Map([
    ['ec', key],
    ['ed', edwards],
  ])
  const verify = (token: string) =>
    verifierWith((kid) => keys.get(kid)?.publicKey)
      .verify(token, AUDIENCE)
      .then(
        ({ keyId }) => `accepted by ${keyId}`,
        (error: Refusal) => error.code ?? String(error),
      )
  const underEd = { alg: 'Ed25519', kid: 'ed' }

  test('Ed25519 is accepted like ES256, each by its own key, which the token then names', async () => {
    expect(await verify(await signed(claims, key, { kid: 'ec' }))).toBe('accepted by ec')
    expect(await verify(await signed(claims, edwards, underEd))).toBe('accepted by ed')
  })

  test('Node’s own key objects are as good as web keys', async () => {
    const { verify } = verifierWith(() => KeyObject.from(edwards.publicKey))
    expect(await verify(await signed(claims, edwards, underEd), AUDIENCE)).toMatchObject({ keyId: 'ed' })
    const ofCurve = verifierWith(() => KeyObject.from(key.publicKey))
    expect(await ofCurve.verify(good, AUDIENCE)).toMatchObject({ keyId: 'k1' })
  })

  test.each([
    ['ES256 under the id of an Edwards key', signed(claims, key, { kid: 'ed' })],
    ['Ed25519 under the id of an elliptic curve key', signed(claims, edwards, { alg: 'Ed25519', kid: 'ec' })],
    ['an Edwards signature that calls itself ES256', relabelled('ES256', 'ed')],
    ['an ES256 signature that calls itself Ed25519', reheadedEd()],
    ['EdDSA, the name that says no curve', relabelled('EdDSA', 'ed')],
    ['a key of another curve', signedBy('ES384')],
  ])('%s is refused', async (_, token) => {
    expect(await verify(await token)).toBe('algorithm')
  })

  test('an RSA key verifies nothing', async () => {
    const { publicKey } = await generateKeyPair('RS256')
    const refused = verifierWith(() => publicKey).verify(good, AUDIENCE)
    await expect(refused).rejects.toMatchObject({ code: 'algorithm' })
  })

  async function relabelled(alg: string, kid: string): Promise<string> {
    return reheaded(await signed(claims, edwards, underEd), { alg, kid })
  }
  async function reheadedEd(): Promise<string> {
    return reheaded(await signed(claims, key, { kid: 'ec' }), { alg: 'Ed25519' })
  }
  async function signedBy(alg: string): Promise<string> {
    const { privateKey } = await generateKeyPair(alg)
    return signed(claims, { kid: 'ec', privateKey }, { alg })
  }
})

describe('a forgery is refused by the rule it breaks:', () => {
  const [head, body, signature] = good.split('.')
  const forgeries: readonly (readonly [string, string, string | Promise<string>])[] = [
    ['no JWS at all', 'malformed', 'opaque'],
    ['the empty string', 'malformed', ''],
    ['a trailing newline', 'malformed', `${good}\n`],
    ['a fourth part', 'malformed', `${good}.${signature}`],
    ['an empty signature', 'malformed', `${head}.${body}.`],
    ['longer than the bound, though signed', 'malformed', changed({ pad: 'x'.repeat(TOKEN_BYTES_MAX) })],
    ['a header that is no object', 'malformed', `${base64url('[]')}.${body}.${signature}`],
    ['a signed payload that is no object', 'malformed', signed(Buffer.from('["u1"]'), key)],
    ['a signed payload that is not UTF-8', 'malformed', signed(Buffer.from('{"sub":"\xff"}', 'latin1'), key)],
    ['a signed payload behind a byte order mark', 'malformed', signed(Buffer.from('\ufeff{}'), key)],
    ['alg none', 'algorithm', reheaded(good, { alg: 'none' })],
    [
      'alg none without a signature',
      'malformed',
      `${reheaded(good, { alg: 'none' }).split('.', 2).join('.')}.`,
    ],
    ['HS256 keyed with the public key', 'algorithm', hmacWithPublicKey()],
    ['alg in another case', 'algorithm', reheaded(good, { alg: 'es256' })],
    ['alg absent', 'algorithm', reheaded(good, { alg: undefined })],
    ['another algorithm of the same family', 'algorithm', reheaded(good, { alg: 'ES384' })],
    ['its own key in the header', 'header', signed(claims, stranger, { jwk: stranger.publicJwk })],
    ['a key URL in the header', 'header', reheaded(good, { jku: 'https://evil.example/jwks' })],
    ['a certificate URL in the header', 'header', reheaded(good, { x5u: 'https://evil.example/c' })],
    ['a certificate in the header', 'header', reheaded(good, { x5c: ['MIIB'] })],
    ['an unencoded payload', 'header', reheaded(good, { b64: false })],
    ['a critical extension', 'header', reheaded(good, { crit: ['exp'], exp: 1 })],
    ['no key id', 'header', reheaded(good, { kid: undefined })],
    ['a key id that is no string', 'header', reheaded(good, { kid: 1 })],
    ['an unknown key id', 'key', signed(claims, { ...key, kid: 'k2' })],
    ['a key id in another case', 'key', signed(claims, { ...key, kid: 'K1' })],
    ['signed by another key under this id', 'signature', signed(claims, stranger)],
    ['the signature of another token', 'signature', `${head}.${body}.${other.split('.')[2]}`],
    ['the payload of another token', 'signature', `${head}.${other.split('.')[1]}.${signature}`],
    ['a header changed after signing', 'signature', reheaded(good, { typ: 'jwt' })],
    ['an ID token', 'type', changed({}, { typ: 'JWT' })],
    ['no type', 'type', changed({}, { typ: undefined })],
    ['a client assertion', 'type', changed({}, { typ: 'client-authentication+jwt' })],
    ['another issuer', 'issuer', changed({ iss: 'https://evil.example' })],
    ['the issuer with a trailing slash', 'issuer', changed({ iss: `${ISSUER}/` })],
    ['the issuer in another case', 'issuer', changed({ iss: 'https://TETRAPOD.example' })],
    ['another audience', 'audience', changed({ aud: 'https://payroll.internal' })],
    ['the audience in another case', 'audience', changed({ aud: 'https://crm.internal/MCP' })],
    ['several audiences', 'claims', changed({ aud: [AUDIENCE, 'https://payroll.internal'] })],
    ['this audience alone, as a list', 'claims', changed({ aud: [AUDIENCE] })],
    ['expired', 'expired', changed({ iat: START_SECONDS - 400, exp: START_SECONDS - 60 })],
    ['an expiry that is no number', 'claims', changed({ exp: `${START_SECONDS + 300}` })],
    ['issued in the future', 'not_yet', changed({ iat: START_SECONDS + 61, exp: START_SECONDS + 300 })],
    ['not valid before a time to come', 'not_yet', changed({ nbf: START_SECONDS + 61 })],
    ['bound to a key nobody proved', 'binding', changed({ cnf: { jkt: 'thumbprint' } })],
    ['no actor', 'claims', without('act')],
    ['an actor without an issuer', 'chain', changed({ act: { sub: 'planner' }, dlg: dlg(1) })],
    ['an actor spelled in another case', 'chain', changed({ act: { Iss: ISSUER, sub: 'p' }, dlg: dlg(1) })],
    ['a list of actors', 'chain', changed({ act: [{ iss: ISSUER, sub: 'planner' }], dlg: dlg(1) })],
    ['a hop count that does not count the actors', 'chain', changed({ dlg: dlg(3) })],
    ['an actor who acts twice', 'loop', changed({ act: act(['a', 'b', 'a']), dlg: dlg(3) })],
    ['nine actors', 'depth', changed({ act: actors(9), dlg: dlg(9) })],
    ['sixty actors', 'depth', changed({ act: actors(60), dlg: dlg(60) })],
    ['ten thousand actors', 'malformed', changed({ act: actors(10_000), dlg: dlg(10_000) })],
    ['the user as an actor', 'subject', changed({ act: act(['gateway', 'u1']), dlg: dlg(2) })],
    ['a claim in another case', 'claims', changed({ sub: undefined, Sub: 'u1' })],
    ['no user', 'claims', without('sub')],
    ['no grant', 'claims', without('dlg')],
  ]
  test.each(forgeries)('%s → %s', async (_, code, token) => expect(await codeOf(await token)).toBe(code))
})

test('eight actors are the most that are accepted', async () => {
  expect(await codeOf(await changed({ act: actors(8), dlg: dlg(8) }))).toBe('accepted')
})

test('no change of a single character leaves a token accepted as another', async () => {
  const { verify } = verifierWith()
  const original = await verify(good, AUDIENCE)
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length - 1),
      fc.constantFrom('A', 'a', '0', '_', '-', '.'),
      async (at, character) => {
        const token = good.slice(0, at) + character + good.slice(at + 1)
        const read = await verify(token, AUDIENCE).catch(() => undefined)
        if (read !== undefined) expect(read).toEqual(original)
      },
    ),
    { numRuns: 60 },
  )
})

describe('a remembered signature', () => {
  test('is checked once, however often and however concurrently the token comes', async () => {
    const checks = vi.spyOn(crypto.subtle, 'verify').mockClear()
    const { verify } = verifierWith()
    await Promise.all([verify(good, AUDIENCE), verify(good, AUDIENCE), verify(good, AUDIENCE)])
    await verify(good, AUDIENCE)
    expect(checks).toHaveBeenCalledTimes(1)
  })

  test('does not carry the token to another audience', async () => {
    const { verify } = verifierWith()
    await verify(good, AUDIENCE)
    await expect(verify(good, 'https://payroll.internal')).rejects.toMatchObject({ code: 'audience' })
  })

  test('does not outlive the token', async () => {
    const { verify, clock } = verifierWith()
    await verify(good, AUDIENCE)
    clock.pass(359)
    await verify(good, AUDIENCE)
    clock.pass(1)
    await expect(verify(good, AUDIENCE)).rejects.toMatchObject({ code: 'expired' })
  })

  test('does not outlive the key', async () => {
    let current: typeof key | undefined = key
    const { verify } = verifierWith(() => current?.publicKey)
    await verify(good, AUDIENCE)
    current = undefined
    await expect(verify(good, AUDIENCE)).rejects.toMatchObject({ code: 'key' })
    current = stranger
    await expect(verify(good, AUDIENCE)).rejects.toMatchObject({ code: 'signature' })
  })

  test('is not lent, while it is being checked, to one who comes after the key was replaced', async () => {
    let current = key
    const { verify } = verifierWith(() => current.publicKey)
    const first = verify(good, AUDIENCE)
    current = stranger
    await expect(verify(good, AUDIENCE)).rejects.toMatchObject({ code: 'signature' })
    await first
  })

  test('is never a failure: a token refused once is looked at anew', async () => {
    let current = stranger
    const { verify } = verifierWith(() => current.publicKey)
    await expect(verify(good, AUDIENCE)).rejects.toMatchObject({ code: 'signature' })
    current = key
    await verify(good, AUDIENCE)
  })
})

test('keys that cannot be had are the failure of who keeps them, not a refusal', async () => {
  const { verify } = verifierWith(() => Promise.reject(new Error('down')))
  await expect(verify(good, AUDIENCE)).rejects.toThrow('down')
})

describe('a key that is for no algorithm of ours verifies nothing, as a web key and as a key object:', () => {
  test.each([
    ['ECDSA on another curve', 'ES384', 'ES256'],
    ['a key to agree on secrets with, on our curve', 'ECDH-ES', 'ES256'],
    ['RSA, under the name of ECDSA', 'RS256', 'ES256'],
    ['RSA, under the name of Ed25519', 'RS256', 'Ed25519'],
    ['RSA, under its own name', 'RS256', 'RS256'],
  ])('%s', async (_, made, alg) => {
    const { publicKey } = await generateKeyPair(made, { extractable: true })
    for (const each of made === 'ECDH-ES' ? [publicKey] : [publicKey, KeyObject.from(publicKey)]) {
      const { verify } = verifierWith(() => each)
      await expect(verify(reheaded(good, { alg, typ: 'at+jwt', kid: 'k1' }), AUDIENCE)).rejects.toMatchObject(
        {
          code: 'algorithm',
        },
      )
    }
  })
})

test('a token without a key id is refused before a key is asked for, whoever would have one', async () => {
  const { verify } = verifierWith(() => key.publicKey)
  for (const kid of ['', 7])
    await expect(verify(await changed({}, { kid }), AUDIENCE)).rejects.toMatchObject({ code: 'header' })
})

test('the longest token is read, and one byte more is not', async () => {
  const start = `${good.split('.')[0]}.`
  const long = (length: number) => `${start}${'A'.repeat(length - start.length - 87)}.${'A'.repeat(86)}`
  expect(await codeOf(long(TOKEN_BYTES_MAX))).toBe('signature')
  expect(await codeOf(long(TOKEN_BYTES_MAX + 1))).toBe('malformed')
})

test('a signature that is no base64url is malformed, not a failure', async () => {
  const [header, payload] = good.split('.')
  expect(await codeOf(`${header}.${payload}.A`)).toBe('malformed')
})

test('a key that cannot verify is a mistake of who keeps it, never the token’s', async () => {
  const { privateKey } = await generateKeyPair('ES256')
  const { verify } = verifierWith(() => privateKey)
  await expect(verify(good, AUDIENCE)).rejects.toBeInstanceOf(TypeError)
})

test('an access token is no transaction token', async () => {
  await expect(verifierWith().verifyTransaction(good, undefined)).rejects.toMatchObject({ code: 'type' })
})
