import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '#kernel'
import { HASH, load, resolve, whole } from './catalogue.fixture.ts'
import { loadCatalogue } from './load-catalogue.ts'

describe('a whole configuration', () => {
  test('of a proxy in front says where to listen, and that built-in users are for a first look', async () => {
    const proxied = whole.replace(
      'http://127.0.0.1:4000',
      'https://tetrapod.example.com\nlisten: 0.0.0.0:4000',
    )
    const { catalogue, warnings } = await load(proxied)
    expect(catalogue).toMatchObject({
      publicUrl: 'https://tetrapod.example.com',
      listen: { host: '0.0.0.0', port: 4000 },
    })
    expect(catalogue.servers[0]?.mount).toBe('https://tetrapod.example.com/crm/mcp')
    expect(warnings).toEqual([expect.stringMatching(/^3:1 users: Built-in users are for a first look/)])
    expect(
      (await load(proxied.replace(/users:\n.*\n.*\n/, '').replace(/users: \[bob\], |subject: corp, /g, '')))
        .warnings,
    ).toEqual([])
  })

  test('becomes the values that the modules know', async () => {
    const { catalogue, warnings } = await load(whole)
    expect(warnings).toEqual([])
    expect(catalogue).toEqual({
      publicUrl: 'http://127.0.0.1:4000',
      tokens: { algorithm: 'ES256' },
      users: [
        {
          username: 'alice',
          name: 'Alice Adams',
          password: expect.any(Secret),
          groups: ['sales'],
          linked: { corp: 'alice@corp.example' },
        },
        { username: 'bob', name: 'bob', password: expect.any(Secret), groups: [], linked: {} },
      ],
      registration: {
        documentHosts: [
          { host: 'claude.ai', private: false },
          { host: 'agents.corp.internal', private: true },
        ],
        dynamic: true,
        statements: [{ issuer: 'https://publisher.example', jwksUri: 'https://publisher.example/jwks' }],
      },
      agents: [
        {
          key: 'assistant',
          name: 'Demo assistant',
          redirectUris: ['http://127.0.0.1:4003/callback'],
          credential: { method: 'private_key_jwt', jwksUri: 'http://127.0.0.1:4003/jwks' },
          exchange: true,
          delegates: [],
        },
        {
          key: 'robot',
          name: 'robot',
          redirectUris: ['https://robot.example/cb'],
          credential: { method: 'client_secret', secret: expect.any(Secret) },
          exchange: true,
          delegates: ['assistant'],
        },
      ],
      servers: [
        {
          key: 'crm',
          name: 'Customers',
          url: 'http://127.0.0.1:4001/mcp',
          mount: 'http://127.0.0.1:4000/crm/mcp',
          internal: false,
          upstream: { pattern: 'token_exchange' },
          credential: { method: 'client_secret', secret: expect.any(Secret) },
          scopes: { 'crm.read': 'Read your customers', 'crm.write': 'Change your customers' },
          calls: { payroll: { 'crm.read': ['payroll.read'] } },
          tools: { find_customer: ['crm.read'], '*': ['crm.read'] },
        },
      ],
      apis: [
        {
          key: 'payroll',
          name: 'Payroll',
          resource: 'http://127.0.0.1:4002',
          internal: false,
          credential: {
            method: 'private_key_jwt',
            jwksUri: 'http://127.0.0.1:4002/jwks',
          },
          scopes: { 'payroll.read': 'Read your payslips' },
          subject: 'corp',
          authentication: { maxAgeSeconds: 3600, acrValues: ['urn:tetrapod:acr:password'] },
        },
      ],
      rules: [
        {
          id: 'policies[1]',
          effect: 'permit',
          terms: { groups: ['sales'], servers: ['crm'], tools: ['find_*'] },
        },
        { id: 'policies[2]', effect: 'permit', terms: { servers: ['crm'], apis: ['payroll'] } },
        {
          id: 'policies[3]',
          effect: 'forbid',
          terms: { users: ['bob'], servers: ['crm'], tools: ['delete_customer'] },
        },
      ],
    })
    expect(catalogue.users.map(({ password }) => password.reveal())).toEqual([HASH, HASH])
  })

  const withCredential = (credential: string) =>
    load(whole.replace('    scopes: { crm.read', `    credential: ${credential}\n    scopes: { crm.read`))

  test('a server has a credential of ours, none, or one of the operator’s in a header', async () => {
    const upstreams = ['token_exchange', 'none', '{ pattern: pre_injected, value: env:PLAIN }'].map(
      async (credential) => (await withCredential(credential)).catalogue.servers[0]?.upstream,
    )
    const value = expect.any(Secret) as Secret
    expect(await Promise.all(upstreams)).toEqual([
      { pattern: 'token_exchange' },
      { pattern: 'none' },
      { pattern: 'pre_injected', header: 'authorization', value },
    ])
    const { catalogue } = await withCredential(
      '{ pattern: pre_injected, header: X-Api-Key, value: env:PLAIN }',
    )
    const upstream = catalogue.servers[0]?.upstream
    expect(upstream).toEqual({ pattern: 'pre_injected', header: 'x-api-key', value })
    expect(upstream?.pattern === 'pre_injected' && upstream.value.reveal()).toBe('hunter2')
  })

  test('who is inside the trust domain is said of servers and of APIs', async () => {
    const { catalogue } = await load(
      whole
        .replace('    scopes: { crm.read', '    internal: true\n    scopes: { crm.read')
        .replace('{ name: Payroll,', '{ name: Payroll, internal: true,'),
    )
    expect([catalogue.servers[0]?.internal, catalogue.apis[0]?.internal]).toEqual([true, true])
  })

  test('needs nothing but a publicUrl', async () => {
    const { catalogue } = await load('publicUrl: http://127.0.0.1:4000')
    expect(catalogue.servers).toEqual([])
    expect(catalogue.rules).toEqual([])
  })

  test('says what tokens are signed with: Ed25519, or ES256 where it says nothing', async () => {
    const text = 'publicUrl: http://127.0.0.1:4000\ntokens: { algorithm: Ed25519 }'
    expect((await load(text)).catalogue.tokens.algorithm).toBe('Ed25519')
    await expect(load(text.replace('Ed25519', 'EdDSA'))).rejects.toMatchObject({ code: 'catalogue.invalid' })
  })

  test('finds nothing under names that every object has', async () => {
    const { catalogue } = await load(whole)
    const [crm] = catalogue.servers
    for (const record of [crm?.scopes, crm?.calls, crm?.tools])
      expect(record?.['constructor'] ?? record?.['toString']).toBeUndefined()
  })

  test('asks once for a secret that is named twice', async () => {
    const asked: string[] = []
    await loadCatalogue(whole.replace(`'${HASH}'`, 'env:ALICE'), {
      resolve: (reference) => {
        asked.push(reference)
        return resolve(reference)
      },
    })
    expect(asked.toSorted()).toEqual(['env:ALICE', 'file:///run/secrets/crm', 'file:///run/secrets/robot'])
  })
})

describe('warnings', () => {
  test('name a server that may call and hears of nobody', async () => {
    const stranded = whole.replace('    scopes: { crm.read', '    credential: none\n    scopes: { crm.read')
    expect((await load(stranded)).warnings).toEqual([
      expect.stringMatching(/^15:5 servers\.crm\.calls: crm learns of no user/),
    ])
    const internal = stranded.replace('credential: none', 'credential: none\n    internal: true')
    expect((await load(internal)).warnings).toEqual([])
    const silent = stranded.replace(/ {4}calls: .*\n/, '')
    expect((await load(silent)).warnings).toEqual([])
  })

  test('name an edge that no tool reaches', async () => {
    const text = whole.replace(
      '{ crm.read: [payroll.read] }',
      '{ crm.read: [payroll.read], crm.write: [payroll.read] }',
    )
    const { warnings } = await load(text)
    expect(warnings).toEqual([
      expect.stringMatching(/^14:51 servers\.crm\.calls\.payroll\["crm\.write"\]: No tool/),
    ])
  })
})

test('whatever the text, it loads or is refused with catalogue.invalid', async () => {
  const fragment = fc.constantFrom(
    ...whole.split(/(?<=[\n ])/),
    ...'{}[]:-*&!"\t\n'.split(''),
    '__proto__: ',
    '? ',
  )
  const anyText = fc.oneof(
    fc.array(fragment).map((fragments) => fragments.join('')),
    fc
      .tuple(fc.nat(whole.length), fc.nat(40), fragment)
      .map(([at, cut, put]) => whole.slice(0, at) + put + whole.slice(at + cut)),
  )
  await fc.assert(
    fc.asyncProperty(anyText, async (text) => {
      const outcome = await load(text).catch((error: unknown) => error)
      if (outcome instanceof Error)
        expect(outcome).toMatchObject({ code: 'catalogue.invalid', kind: 'invalid' })
    }),
    { numRuns: 300 },
  )
})
