import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { grant, ISSUER, NOW, openCache, requestOf, server, tokenOne, verified } from './credential.fixture.ts'
import { credentialKey } from './credential-key.ts'
import { type CredentialRequest, upstreamCredential } from './upstream-credential.ts'

const token = (change: object): Partial<CredentialRequest> => ({
  subject: verified({ ...tokenOne, ...change }),
})
const researcher = { iss: ISSUER, sub: 'researcher' }

/** Each part of the key by itself (DESIGN §4.7). */
const parts: Readonly<Record<string, Partial<CredentialRequest>>> = {
  subject: token({ sub: 'u2' }),
  'the subject as the identity provider knows them': token({
    sub_id: { ...tokenOne.sub_id, sub: 'alice.adams' },
  }),
  session: token({ sid: 'session-2' }),
  grant: { grant: { ...grant, id: 'g2' } },
  'version of the grant': { grant: { ...grant, version: 2 } },
  'end of what is granted': { grant: { ...grant, expiresAt: (NOW + 250) * 1000 } },
  'actor of the chain': token({ act: researcher }),
  'length of the chain': token({
    act: { ...researcher, act: tokenOne.act },
    dlg: { ...tokenOne.dlg, hop: 2 },
  }),
  'lineage, which what is minted goes on with': token({ dlg: { ...tokenOne.dlg, anc: ['family-2'] } }),
  'remaining depth': token({ dlg: { ...tokenOne.dlg, rem: 3 } }),
  transaction: token({ txn: 'txn-2' }),
  'end of the presented token': token({ exp: NOW + 200 }),
  'target, by its key': { server: { ...server, key: 'hr' } },
  'target, by its URL': { server: { ...server, url: 'https://hr.internal/mcp' } },
  'target, by its mount': { server: { ...server, mount: `${ISSUER}/hr/mcp` } },
  'fewer scopes': { scopes: new Set() },
  'other scopes': { scopes: new Set(['crm.write']) },
  'more scopes': { scopes: new Set(['crm.read', 'crm.write']) },
  'kind of authentication': token({ acr: 'mfa' }),
  'time of authentication': token({ auth_time: NOW - 1 }),
  'jti of the presented token': token({ jti: 'jti-2' }),
}

describe('a credential is never shared with a request that differs in its', () => {
  test.each(Object.entries(parts))('%s', async (_, change) => {
    const { obtain, minted } = openCache()
    const first = await obtain(requestOf())
    const other = await obtain(requestOf(change))
    expect(other.headers).not.toEqual(first.headers)
    expect(await obtain(requestOf())).toBe(first)
    expect(await obtain(requestOf(change))).toBe(other)
    expect(minted).toHaveLength(2)
  })

  test.each([
    ['authorization details', { authorizationDetails: '[{"type":"payment"}]' }],
    ['binding key', { bindingKey: 'thumbprint' }],
    ['identity provider', { provider: 'corp' }],
    ['connection', { connection: 'c1' }],
  ])('%s', (_, terms) => {
    const keys = [{}, terms, ...Object.keys(terms).map((name) => ({ [name]: 'another' }))]
    expect(new Set(keys.map((each) => credentialKey(requestOf(), each))).size).toBe(3)
  })

  test('terms, where one has for its provider what the other has for its connection', () => {
    const key = (terms: object) => credentialKey(requestOf(), terms)
    expect(key({ provider: 'x' })).not.toBe(key({ connection: 'x' }))
  })

  test('policy and catalogue: another build begins with nothing', async () => {
    const [before, after] = [openCache(), openCache()]
    const first = await before.obtain(requestOf())
    expect((await after.obtain(requestOf())).headers).not.toEqual(first.headers)
  })

  test('anything at all that changes what is minted, whatever else is the same', async () => {
    const pairs = fc.tuple(fc.record(drawn), fc.record(drawn, { requiredKeys: [] }))
    const honest = fc.asyncProperty(pairs, async ([one, change]) => {
      const [a, b] = [requestFrom(one), requestFrom({ ...one, ...change })]
      const { obtain } = openCache()
      const first = await obtain(a)
      const shared = (await obtain(b)) === first
      if (shared) expect(await answerTo(b)).toEqual(await answerTo(a))
      expect(await obtain(requestFrom(structuredClone(one)))).toBe(first)
    })
    await fc.assert(honest, { numRuns: 500 })
  })
})

describe('a remembered credential', () => {
  test('is what the next call of the same kind is made with, in whatever order its scopes come', async () => {
    const { obtain, minted } = openCache()
    const first = await obtain(requestOf({ scopes: new Set(['a', 'b']) }))
    expect(await obtain(requestOf({ scopes: new Set(['b', 'a']) }))).toBe(first)
    expect(minted).toHaveLength(1)
  })

  test('of fifty at once is obtained once', async () => {
    const { obtain, minted } = openCache()
    const all = await Promise.all(Array.from({ length: 50 }, () => obtain(requestOf())))
    expect(new Set(all).size).toBe(1)
    expect(minted).toHaveLength(1)
  })

  test('is used until twenty seconds before its end', async () => {
    const { obtain, pass, minted } = openCache()
    await obtain(requestOf())
    pass(279)
    await obtain(requestOf())
    expect(minted).toHaveLength(1)
    pass(1)
    expect((await obtain(requestOf())).expiresAt).toBe(NOW + 300)
    expect(minted).toHaveLength(2)
  })

  test('is none, where it would live for twenty seconds or less', async () => {
    const { obtain, minted } = openCache()
    const short = token({ exp: NOW + 20 })
    await obtain(requestOf(short))
    await obtain(requestOf(short))
    expect(minted).toHaveLength(2)
  })

  test('makes no room for what lives too short', async () => {
    const { obtain, minted } = openCache({ entriesMax: 1 })
    await obtain(requestOf())
    await obtain(requestOf(token({ jti: 'short', exp: NOW + 20 })))
    await obtain(requestOf())
    expect(minted).toHaveLength(2)
  })

  test('lives no longer when the clock is set back', async () => {
    const { obtain, pass, played, minted } = openCache()
    await obtain(requestOf())
    pass(270)
    played.now -= 200_000
    pass(10)
    await obtain(requestOf())
    expect(minted).toHaveLength(2)
  })

  test('is not used past its end by the clock, whatever time has gone by: others go by the clock too', async () => {
    const { obtain, played, minted } = openCache()
    await obtain(requestOf())
    played.now += 280_000
    await obtain(requestOf())
    expect(minted).toHaveLength(2)
  })

  test('is none of the time before it was obtained: that clock was ahead', async () => {
    const { obtain, played, minted } = openCache()
    await obtain(requestOf())
    played.now -= 1000
    await obtain(requestOf())
    expect(minted).toHaveLength(2)
  })

  test('makes room when there are too many: the one used longest ago', async () => {
    const { obtain, minted } = openCache({ entriesMax: 2 })
    const [a, b, c] = ['a', 'b', 'c'].map((jti) => requestOf(token({ jti })))
    for (const request of [a, b, a, c, a]) await obtain(request ?? requestOf())
    expect(minted).toHaveLength(3)
    await obtain(b ?? requestOf())
    expect(minted).toHaveLength(4)
  })

  test('is never a failure: all who waited hear of it, and the next one asks again', async () => {
    const { obtain, failures, minted } = openCache()
    failures.push(new Error('no key'))
    const all = await Promise.allSettled([obtain(requestOf()), obtain(requestOf())])
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await obtain(requestOf())
    expect(minted).toHaveLength(1)
  })
})

describe('a remembered credential is not used once', () => {
  test.each([
    ['its grant', 'grant g1'],
    ['its login', 'family family-1'],
    ['its session', 'session session-1'],
    ['the presented token', 'token jti-1'],
    ['its user', 'user u1'],
    ['an agent of its chain', 'agent planner'],
    ['the key that signed it', 'key k1'],
  ])('%s was revoked: another is asked for, or refused', async (_, what) => {
    const { obtain, revoked, failures } = openCache()
    const first = await obtain(requestOf())
    revoked.add(what)
    failures.push(new Error('refused'))
    await expect(obtain(requestOf())).rejects.toThrow('refused')
    revoked.clear()
    // It was dropped: what came to an end does not come back.
    expect(await obtain(requestOf())).not.toBe(first)
  })

  test('it was revoked by its own id', async () => {
    const { obtain, revoked, minted } = openCache()
    const first = await obtain(requestOf())
    revoked.add(`token ${first.ends[0].jti}`)
    expect((await obtain(requestOf())).ends[0].jti).not.toBe(first.ends[0].jti)
    expect(minted).toHaveLength(2)
  })

  test('the key was revoked, and another signs: what that one signed is remembered', async () => {
    const { obtain, revoked, played, minted } = openCache()
    await obtain(requestOf())
    revoked.add('key k1')
    played.keyId = 'k2'
    const second = await obtain(requestOf())
    expect(await obtain(requestOf())).toBe(second)
    expect(minted).toHaveLength(2)
  })

  test('another key took over, which ends nothing: it is used on', async () => {
    const { obtain, played } = openCache()
    const first = await obtain(requestOf())
    played.keyId = 'k2'
    expect(await obtain(requestOf())).toBe(first)
  })

  test('what it came from was revoked while it was under way: who joined asks for another', async () => {
    const { obtain, revoked, failures, played, minted } = openCache()
    const signing = Promise.withResolvers<void>()
    played.signing = signing.promise
    const all = Promise.allSettled([obtain(requestOf()), obtain(requestOf())])
    revoked.add('grant g1')
    failures.push(new Error('refused'), new Error('refused'))
    signing.resolve()
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(minted).toHaveLength(1)
  })
})

/** Few values of each, so that two draws are often alike. */
const drawn = {
  sub: fc.constantFrom('u1', 'u2'),
  sid: fc.constantFrom('s', 's2'),
  jti: fc.constantFrom('j', 'j2'),
  txn: fc.constantFrom('t', 't2'),
  acr: fc.constantFrom('pwd', 'mfa'),
  auth_time: fc.constantFrom(NOW, NOW - 1),
  exp: fc.constantFrom(NOW + 300, NOW + 200),
  rem: fc.constantFrom(7, 2),
  actors: fc.constantFrom(['planner'], ['researcher'], ['researcher', 'planner']),
  anc: fc.constantFrom(['f'], ['f2'], ['f', 'j0']),
  version: fc.constantFrom(1, 2),
  ends: fc.constantFrom(NOW + 400, NOW + 250),
  key: fc.constantFrom('crm', 'crm,'),
  scopes: fc.constantFrom(['a'], ['b'], ['a', 'b'], ['b', 'a'], []),
}
type Of<Drawing> = Drawing extends fc.Arbitrary<infer Value> ? Value : never
type Drawn = { readonly [Member in keyof typeof drawn]: Of<(typeof drawn)[Member]> }

function requestFrom({ rem, actors, anc, version, ends, key, scopes, ...claims }: Drawn): CredentialRequest {
  const act = actors.reduceRight<object | undefined>(
    (inner, sub) => ({ iss: ISSUER, sub, ...(inner && { act: inner }) }),
    undefined,
  )
  const dlg = { gid: 'g1', hop: actors.length, rem, anc }
  return {
    subject: verified({ ...tokenOne, ...claims, act, dlg }),
    grant: { ...grant, version, expiresAt: ends * 1000 },
    server: { ...server, key },
    scopes: new Set(scopes),
  }
}

/** What is minted for a request at one moment, but for its own `jti`. */
async function answerTo(request: CredentialRequest): Promise<object> {
  let minted: object = {}
  const tokens = {
    issuer: ISSUER,
    mint: async (claims: object) => {
      minted = claims
      return 'e30.e30.'
    },
    mintTransaction: async () => 'e30.e30.',
    revoked: () => false,
  }
  await upstreamCredential(request, { tokens, clock: { now: () => NOW * 1000 } })
  const { jti: _, scope, ...claims } = minted as { readonly jti: string; readonly scope: string }
  return { ...claims, version: request.grant.version, scope: scope.split(' ').sort() }
}
