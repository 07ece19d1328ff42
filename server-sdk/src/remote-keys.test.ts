import { describe, expect, test, vi } from 'vitest'
import { KeysUnavailable } from './errors.ts'
import { remoteKeys } from './remote-keys.ts'
import { listen, testIssuer } from './test-server.ts'
import { testClock, testKey } from './test-token.ts'

const jwksReads = (asked: readonly string[]): number => asked.filter((path) => path === '/jwks').length

const lookUp = async (issuer: string): Promise<unknown> => remoteKeys(issuer, { clock: testClock() })('k1')

test('keys are found through the metadata of the issuer, and read once for all who ask at once', async () => {
  const { issuer, clock, asked } = await testIssuer()
  const keys = remoteKeys(issuer, { clock })
  const found = await Promise.all([keys('k1'), keys('k1'), keys('k1')])
  expect(found.every((key) => key?.type === 'public')).toBe(true)
  expect(asked).toEqual(['/.well-known/oauth-authorization-server', '/jwks'])
})

test('a key that is known is there without waiting', async () => {
  const { issuer, clock } = await testIssuer()
  const keys = remoteKeys(issuer, { clock })
  await keys('k1')
  expect(keys('k1')).not.toBeInstanceOf(Promise)
})

test('invented key ids make the keys be read once a minute, not more', async () => {
  const { issuer, clock, asked } = await testIssuer()
  const keys = remoteKeys(issuer, { clock })
  await keys('k1')
  for (const kid of ['x', 'y', 'z']) expect(await keys(kid)).toBeUndefined()
  expect(jwksReads(asked)).toBe(1)
  clock.pass(60)
  await Promise.all(['x', 'y', 'z'].map(async (kid) => keys(kid)))
  await keys('w')
  expect(jwksReads(asked)).toBe(2)
})

test('a new key is found, and a withdrawn one is gone after five minutes', async () => {
  const { issuer, clock, answers } = await testIssuer()
  const keys = remoteKeys(issuer, { clock })
  await keys('k1')
  answers.keys = [(await testKey('k2')).publicJwk]
  clock.pass(60)
  expect(await keys('k2')).toBeDefined()
  expect(await keys('k1')).toBeUndefined()

  answers.keys = []
  clock.pass(299)
  expect(await keys('k2')).toBeDefined()
  clock.pass(1)
  expect(await keys('k2')).toBeUndefined()
})

test('keys that are of another kind are not taken', async () => {
  const { issuer, clock, answers, key } = await testIssuer()
  const good = key.publicJwk
  answers.keys = [
    { ...good, kid: 'encryption', use: 'enc' },
    { ...good, kid: 'algorithm', alg: 'ES384' },
    { kty: 'oct', kid: 'symmetric', k: 'c2VjcmV0' },
    { ...good, kid: 'off-the-curve', y: good.x },
    { ...good, kid: undefined },
    'no key',
    { ...good, kid: 'good' },
  ]
  const keys = remoteKeys(issuer, { clock })
  for (const kid of ['encryption', 'algorithm', 'symmetric', 'off-the-curve', 'undefined']) {
    expect(await keys(kid)).toBeUndefined()
  }
  expect(await keys('good')).toBeDefined()
})

test('an Edwards key is taken like one of P-256, and only under the algorithm it is for', async () => {
  const { issuer, clock, answers, key } = await testIssuer()
  const edwards = await testKey('ed', 'Ed25519')
  const { alg: _, ...silent } = edwards.publicJwk
  answers.keys = [
    edwards.publicJwk,
    { ...silent, kid: 'silent' },
    { ...edwards.publicJwk, kid: 'old name', alg: 'EdDSA' },
    { ...edwards.publicJwk, kid: 'mislabelled', alg: 'ES256' },
    { ...key.publicJwk, kid: 'mislabelled too', alg: 'Ed25519' },
    { ...edwards.publicJwk, kid: 'another curve', crv: 'Ed448' },
  ]
  const keys = remoteKeys(issuer, { clock })
  for (const kid of ['ed', 'silent'])
    expect(await keys(kid)).toMatchObject({ algorithm: { name: 'Ed25519' } })
  for (const kid of ['old name', 'mislabelled', 'mislabelled too', 'another curve'])
    expect(await keys(kid)).toBeUndefined()
})

describe('an issuer that cannot be read is unavailable, not without keys:', () => {
  test('metadata that names another issuer', async () => {
    const { issuer, answers } = await testIssuer()
    answers.metadata = { ...answers.metadata, issuer: `${issuer}/` }
    await expect(lookUp(issuer)).rejects.toThrow(KeysUnavailable)
  })

  test('keys at an http URL that leaves this machine', async () => {
    const { issuer, answers } = await testIssuer()
    answers.metadata = { ...answers.metadata, jwks_uri: 'http://127.0.0.1.evil.example/jwks' }
    await expect(lookUp(issuer)).rejects.toMatchObject({
      cause: { message: 'http://127.0.0.1.evil.example/jwks is neither https nor loopback http' },
    })
  })

  test('a redirect', async () => {
    const target = await testIssuer()
    const issuer = await listen((_, response) =>
      response.writeHead(302, { location: target.answers.metadata['jwks_uri'] as string }).end(),
    )
    await expect(lookUp(issuer)).rejects.toThrow(KeysUnavailable)
    expect(target.asked).toEqual([])
  })

  test('an answer of more than 64 KiB', async () => {
    const { issuer, answers } = await testIssuer()
    answers.keys = ['x'.repeat(64 * 1024)]
    await expect(lookUp(issuer)).rejects.toMatchObject({ cause: { message: /more than 65536 bytes/ } })
  })

  test('no answer within three seconds', async () => {
    const elapsed = AbortSignal.abort(new Error('too late'))
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(elapsed)
    const issuer = await listen(() => undefined)
    await expect(lookUp(issuer)).rejects.toMatchObject({ cause: { message: 'too late' } })
    expect(timeout).toHaveBeenCalledWith(3000)
    timeout.mockRestore()
  })
})

async function down() {
  const issuer = await testIssuer()
  let up = true
  const lookUp = remoteKeys(issuer.issuer, {
    clock: issuer.clock,
    fetch: (...args) => (up ? fetch(...args) : Promise.reject(new Error('down'))),
  })
  await lookUp('k1')
  up = false
  return { clock: issuer.clock, lookUp: async (kid: string) => lookUp(kid), comeBack: () => (up = true) }
}

describe('while the issuer is down', () => {
  test('the keys read last serve for an hour, and then none does', async () => {
    const { lookUp, clock } = await down()
    clock.pass(3599)
    expect(await lookUp('k1')).toBeDefined()
    clock.pass(1)
    await expect(lookUp('k1')).rejects.toThrow(KeysUnavailable)
  })

  test('an id that is not known is not called unknown', async () => {
    const { lookUp, clock, comeBack } = await down()
    clock.pass(60)
    await expect(lookUp('k2')).rejects.toThrow(KeysUnavailable)
    await expect(lookUp('k2')).rejects.toThrow(KeysUnavailable)
    comeBack()
    clock.pass(60)
    expect(await lookUp('k2')).toBeUndefined()
  })

  test('one that was never read is asked again by the next who comes', async () => {
    const { issuer, clock, answers } = await testIssuer()
    const { metadata } = answers
    answers.metadata = {}
    const keys = remoteKeys(issuer, { clock })
    await expect(keys('k1')).rejects.toThrow(KeysUnavailable)
    answers.metadata = metadata
    expect(await keys('k1')).toBeDefined()
  })
})
