import { CompactSign, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import { randomUUID } from 'node:crypto'
import { byHand } from '../support/by-hand.ts'
import { send, type Sent } from '../support/wire.ts'
import { NOTES_SECRET } from '../support/world.ts'
import { encoded, type Forgery, type Honest, type Refused } from './forgery.ts'

type Fields = Readonly<Record<string, string | undefined>>

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** The honest exchange of the CRM, with fields replaced, and `more` appended as it stands. */
export async function exchangeCall(honest: Honest, changed: Fields = {}, more = ''): Promise<Sent> {
  const { world, tokens } = honest
  const fields: Fields = {
    grant_type: GRANT,
    subject_token: tokens.two,
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: ACCESS_TOKEN,
    audience: 'payroll',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: await assertion(honest),
    ...changed,
  }
  const sent = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return {
    url: `${world.publicUrl}/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `${new URLSearchParams(sent).toString()}${more}`,
  }
}

/** The honest exchange of `notes`, which has a secret. */
export function notesExchange(honest: Honest, changed: Fields = {}, more = ''): Promise<Sent> {
  const secret = { client_id: 'notes', client_secret: NOTES_SECRET, subject_token: honest.tokens.notesTwo }
  return exchangeCall(honest, { ...withoutAssertion, ...secret, ...changed }, more)
}

const withoutAssertion = { client_assertion_type: undefined, client_assertion: undefined }

interface AssertionChange {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: Parameters<SignJWT['sign']>[0]
}

/** What the CRM proves itself with (RFC 7523), changed. */
async function assertion({ world }: Honest, change: AssertionChange = {}): Promise<string> {
  const iat = Math.floor(world.clock.now() / 1000)
  const honest = { iss: 'crm', sub: 'crm', aud: world.publicUrl, jti: randomUUID(), iat, exp: iat + 60 }
  const claims: JWTPayload = Object.fromEntries(
    Object.entries({ ...honest, ...change.claims }).filter(([, value]) => value !== undefined),
  )
  return new SignJWT(claims)
    .setProtectedHeader({
      alg: 'ES256',
      kid: world.crmKey.kid,
      typ: 'client-authentication+jwt',
      ...change.header,
    })
    .sign(change.key ?? world.crmKey.privateKey)
}

/** The same with a payload as it is written, whether JSON reads it one way or several. */
async function assertionText(honest: Honest, edit: (payload: string) => string): Promise<string> {
  const [, payload = ''] = (await assertion(honest)).split('.')
  const { crmKey } = honest.world
  return new CompactSign(Buffer.from(edit(Buffer.from(payload, 'base64url').toString())))
    .setProtectedHeader({ alg: 'ES256', kid: crmKey.kid, typ: 'client-authentication+jwt' })
    .sign(crmKey.privateKey)
}

const seconds = ({ world }: Honest, from: number) => Math.floor(world.clock.now() / 1000) + from

type Asserted = (honest: Honest) => AssertionChange | Promise<AssertionChange>

/** A client assertion that does not hold. */
const asserted = (rule: string, name: string, change: Asserted): Forgery => ({
  name: `client: ${name}`,
  rule,
  target: 'token-endpoint',
  kind: 'client',
  request: async (honest) =>
    exchangeCall(honest, { client_assertion: await assertion(honest, await change(honest)) }),
})

/** Another way to be taken for a client. */
const client = (rule: string, name: string, request: Forgery['request']): Forgery => ({
  name: `client: ${name}`,
  rule,
  target: 'token-endpoint',
  kind: 'client',
  request,
})

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
const withHeaders = async (sent: Promise<Sent>, headers: Sent['headers']): Promise<Sent> => {
  const { headers: honest, ...rest } = await sent
  return { ...rest, headers: { ...honest, ...headers } }
}

const clientForgeries: readonly Forgery[] = [
  asserted('audience', 'an assertion for the token endpoint instead of the issuer', ({ world }) => ({
    claims: { aud: `${world.publicUrl}/token` },
  })),
  asserted('claims', 'an assertion for us and somebody else', ({ world }) => ({
    claims: { aud: [world.publicUrl, 'https://other.example'] },
  })),
  asserted('audience', 'an assertion for another authorization server', () => ({
    claims: { aud: 'https://other.example' },
  })),
  asserted('claims', 'an assertion that lives for an hour', (honest) => ({
    claims: { exp: seconds(honest, 3600) },
  })),
  asserted('expired', 'an assertion of yesterday', (honest) => ({
    claims: { iat: seconds(honest, -90_000), exp: seconds(honest, -86_400) },
  })),
  asserted('not_yet', 'an assertion of tomorrow', (honest) => ({
    claims: { nbf: seconds(honest, 120), exp: seconds(honest, 180) },
  })),
  asserted('claims', 'an assertion without id, which could be used again', () => ({
    claims: { jti: undefined },
  })),
  asserted('claims', 'an assertion without end', () => ({ claims: { exp: undefined } })),
  asserted('claims', 'an assertion that carries scopes, as a token would', () => ({
    claims: { scope: 'payroll.read' },
  })),
  asserted('claims', 'an assertion of one client about another', () => ({
    claims: { sub: 'crm', iss: 'notes' },
  })),
  asserted('type', 'an access token’s type on an assertion', () => ({ header: { typ: 'at+jwt' } })),
  asserted('signature', 'an assertion signed by another client', async ({ agentKey }) => ({
    key: await importJWK(agentKey, 'ES256'),
    header: { kid: agentKey.kid },
  })),
  asserted(
    'signature',
    'an assertion signed by another client under the kid of this one',
    async ({ agentKey }) => ({
      key: await importJWK(agentKey, 'ES256'),
    }),
  ),
  asserted('signature', 'an assertion signed by a key that it brings along', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    return { key: privateKey, header: { jku: 'https://evil.example/jwks' } }
  }),
  asserted('algorithm', 'an assertion signed with the secret of another client', () => ({
    key: Buffer.from(NOTES_SECRET.padEnd(32, '.')),
    header: { alg: 'HS256' },
  })),
  asserted('method', 'an assertion in the name of a client that has a secret', () => ({
    claims: { iss: 'notes', sub: 'notes' },
  })),
  asserted('unknown', 'an assertion of nobody', () => ({ claims: { iss: 'nobody', sub: 'nobody' } })),
  asserted('unknown', 'an assertion of the gateway', () => ({ claims: { iss: 'gateway', sub: 'gateway' } })),
  asserted('audience', 'an assertion for the issuer with a slash', ({ world }) => ({
    claims: { aud: `${world.publicUrl}/` },
  })),
  asserted('audience', 'an assertion for the issuer in capitals', ({ world }) => ({
    claims: { aud: world.publicUrl.toUpperCase() },
  })),
  asserted('claims', 'an assertion for us, twice', ({ world }) => ({
    claims: { aud: [world.publicUrl, world.publicUrl] },
  })),
  asserted('claims', 'an assertion for nobody', () => ({ claims: { aud: [] } })),
  asserted('claims', 'an assertion without issuer', () => ({ claims: { iss: undefined } })),
  asserted('claims', 'an assertion without subject', () => ({ claims: { sub: undefined } })),
  asserted('claims', 'an assertion about another client', () => ({ claims: { sub: 'notes' } })),
  asserted('claims', 'an assertion with an empty id', () => ({ claims: { jti: '' } })),
  asserted('claims', 'an assertion with an id that is no text', () => ({ claims: { jti: 7 } })),
  asserted('claims', 'an assertion with an end that is a text', (honest) => ({
    claims: { exp: String(seconds(honest, 60)) },
  })),
  asserted('claims', 'an assertion that ends before it begins', (honest) => ({
    claims: { iat: seconds(honest, 30), exp: seconds(honest, 20) },
  })),
  asserted('not_yet', 'an assertion from the future', (honest) => ({
    claims: { iat: seconds(honest, 100), exp: seconds(honest, 200) },
  })),
  asserted('type', 'the type of an ID-JAG on an assertion', () => ({ header: { typ: 'oauth-id-jag+jwt' } })),
  asserted('type', 'the type of a proof on an assertion', () => ({ header: { typ: 'dpop+jwt' } })),
  asserted('key', 'an assertion under a kid that nobody has', () => ({ header: { kid: 'nobody' } })),
  client('malformed', 'an assertion that names its client twice', async (honest) =>
    exchangeCall(honest, {
      client_assertion: await assertionText(honest, (text) => text.replace('{', '{"sub":"notes",')),
    }),
  ),
  client('malformed', 'an assertion that is a list', async (honest) =>
    exchangeCall(honest, { client_assertion: await assertionText(honest, (text) => `[${text}]`) }),
  ),
  client('malformed', 'an assertion that is no JWT', (honest) =>
    exchangeCall(honest, { client_assertion: 'x' }),
  ),
  client('another_kind', 'token 2 for an assertion', (honest) =>
    exchangeCall(honest, { client_assertion: honest.tokens.two }),
  ),
  client('signature', 'an assertion with the signature of another', async (honest) => {
    const [one, other] = await Promise.all([assertion(honest), assertion(honest)])
    const [head = '', payload = ''] = one.split('.')
    return exchangeCall(honest, { client_assertion: `${head}.${payload}.${other.split('.')[2] ?? ''}` })
  }),
  client('replay', 'an assertion that was refused for its target first', async (honest) => {
    const sent = await exchangeCall(honest)
    const { client_assertion } = Object.fromEntries(new URLSearchParams(String(sent.body)))
    await send(await exchangeCall(honest, { client_assertion, audience: 'constructor' }))
    return sent
  }),
  client('algorithm', 'an assertion of alg none', async (honest) => {
    const [, payload] = (await assertion(honest)).split('.')
    return exchangeCall(honest, { client_assertion: `${encoded({ alg: 'none' })}.${payload ?? ''}.` })
  }),
  client('replay', 'an assertion for the second time', async (honest) => {
    const sent = await exchangeCall(honest)
    await send(sent)
    return sent
  }),
  client('method', 'an assertion of a type nobody knows', (honest) =>
    exchangeCall(honest, {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
    }),
  ),
  client('mismatch', 'an assertion of one client, the id of another', (honest) =>
    exchangeCall(honest, { client_id: 'notes' }),
  ),
  client('methods', 'an assertion and a secret', (honest) =>
    exchangeCall(honest, { client_secret: NOTES_SECRET }),
  ),
  client('secret', 'the id of another client with one’s own secret', (honest) =>
    notesExchange(honest, { client_id: 'crm', subject_token: honest.tokens.two }),
  ),
  client('secret', 'a wrong secret', (honest) => notesExchange(honest, { client_secret: 'guess' })),
  client('secret', 'the secret and one character more', (honest) =>
    notesExchange(honest, { client_secret: `${NOTES_SECRET}x` }),
  ),
  client('secret', 'an empty secret', (honest) => notesExchange(honest, { client_secret: '' })),
  client('secret', 'no proof at all', (honest) => notesExchange(honest, { client_secret: undefined })),
  client('secret', 'a wrong secret in the header', (honest) =>
    withHeaders(notesExchange(honest, { client_id: undefined, client_secret: undefined }), {
      authorization: basic('notes', 'guess'),
    }),
  ),
  client('methods', 'the secret in the header and in the body', (honest) =>
    withHeaders(notesExchange(honest), { authorization: basic('notes', NOTES_SECRET) }),
  ),
  client('mismatch', 'one client in the header, another in the body', (honest) =>
    withHeaders(notesExchange(honest, { client_id: 'crm', client_secret: undefined }), {
      authorization: basic('notes', NOTES_SECRET),
    }),
  ),
  client('methods', 'the subject token as a credential of the client', (honest) =>
    withHeaders(notesExchange(honest, { client_secret: undefined }), {
      authorization: `Bearer ${honest.tokens.notesTwo}`,
    }),
  ),
]

const request = (refused: Refused, rule: string, name: string, build: Forgery['request']): Forgery => ({
  name: `exchange: ${name}`,
  rule,
  target: 'token-endpoint',
  kind: 'request',
  refused,
  request: build,
})

const malformed = { status: 400, error: 'invalid_request' }
const noTarget = { status: 400, error: 'invalid_target' }

const requestForgeries: readonly Forgery[] = [
  ...(
    [
      ['subject_token', 'x'],
      ['client_id', 'crm'],
      ['client_secret', 'x'],
      ['scope', 'payroll.pay'],
      ['grant_type', GRANT],
      ['grant_type', 'authorization_code'],
      ['subject_token_type', ACCESS_TOKEN],
    ] as const
  ).map(([field, value]) =>
    request(malformed, 'form.repeated', `${field} twice, the second ${value}`, (honest) =>
      notesExchange(
        honest,
        { scope: 'payroll.read' },
        `&${new URLSearchParams({ [field]: value }).toString()}`,
      ),
    ),
  ),
  request(malformed, 'form.query', 'the secret in the query', async (honest) => {
    const sent = await notesExchange(honest, { client_secret: undefined })
    return { ...sent, url: `${sent.url}?client_secret=${NOTES_SECRET}` }
  }),
  request(malformed, 'form.query', 'the target in the query', async (honest) => {
    const sent = await notesExchange(honest)
    return { ...sent, url: `${sent.url}?audience=crm` }
  }),
  request(malformed, 'form.type', 'a JSON body', async (honest) => {
    const { body, ...sent } = await notesExchange(honest)
    const fields = Object.fromEntries(new URLSearchParams(String(body)))
    return { ...sent, headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) }
  }),
  ...(
    [
      ['actor_token', { actor_token: 'two', actor_token_type: ACCESS_TOKEN }],
      ['actor_token without type', { actor_token: 'two' }],
      ['actor_token_type alone', { actor_token_type: ACCESS_TOKEN }],
    ] as const
  ).map(([name, fields]) =>
    request(malformed, 'actor', `an ${name}`, (honest) =>
      exchangeCall(honest, {
        ...fields,
        ...('actor_token' in fields ? { actor_token: honest.tokens[fields.actor_token] } : {}),
      }),
    ),
  ),
  ...['id_token', 'jwt', 'refresh_token', 'saml2'].map((type) =>
    request(malformed, 'token_type', `the subject token called ${type}`, (honest) =>
      exchangeCall(honest, { subject_token_type: `urn:ietf:params:oauth:token-type:${type}` }),
    ),
  ),
  ...['refresh_token', 'id_token', 'id-jag'].map((type) =>
    request(malformed, 'token_type', `a wish for ${type}`, (honest) =>
      exchangeCall(honest, { requested_token_type: `urn:ietf:params:oauth:token-type:${type}` }),
    ),
  ),
  ...(
    [
      ['no type of the subject token', { subject_token_type: undefined }],
      ['an empty type of the subject token', { subject_token_type: '' }],
      ['the type of the subject token in another case', { subject_token_type: ACCESS_TOKEN.toUpperCase() }],
      ['the type of the subject token by its last word', { subject_token_type: 'access_token' }],
    ] as const
  ).map(([name, fields]) => request(malformed, 'token_type', name, (honest) => exchangeCall(honest, fields))),
  request(malformed, 'token_type', 'a wish for two types', (honest) =>
    exchangeCall(honest, {}, `&requested_token_type=${ACCESS_TOKEN}`),
  ),
  request(malformed, 'subject', 'an empty subject token', (honest) =>
    exchangeCall(honest, { subject_token: '' }),
  ),
  ...[
    'password',
    'client_credentials',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    GRANT.toUpperCase(),
    `${GRANT} `,
  ].map((grant) =>
    request(
      { status: 400, error: 'unsupported_grant_type' },
      'grant_type',
      `an agent by the grant ${JSON.stringify(grant)}`,
      async (honest) =>
        exchangeCall(honest, {
          grant_type: grant,
          client_assertion: String((await byHand(honest.world).proof())['client_assertion']),
        }),
    ),
  ),
  request(malformed, 'form.type', 'a form with parts', async (honest) => {
    const { body, ...sent } = await notesExchange(honest)
    const parts = [...new URLSearchParams(String(body))].map(
      ([name, value]) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    return {
      ...sent,
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: `${parts.join('')}--b--\r\n`,
    }
  }),
  request(malformed, 'form.type', 'a body of no type', async (honest) => {
    const { headers: _headers, ...sent } = await notesExchange(honest)
    return sent
  }),
  request(malformed, 'form.size', 'a body of more than 64 KiB', (honest) =>
    notesExchange(honest, {}, `&x=${'x'.repeat(65_536)}`),
  ),
  request(malformed, 'subject', 'no subject token', (honest) =>
    exchangeCall(honest, { subject_token: undefined }),
  ),
  request(noTarget, 'target', 'no target', (honest) => exchangeCall(honest, { audience: undefined })),
  request(noTarget, 'target', 'the caller itself as the target', (honest) =>
    exchangeCall(honest, { audience: 'crm' }),
  ),
  request(noTarget, 'target', 'another server as the target', (honest) =>
    exchangeCall(honest, { audience: 'notes' }),
  ),
  request(noTarget, 'target', 'the gateway as the target', (honest) =>
    exchangeCall(honest, { audience: 'gateway' }),
  ),
  request(noTarget, 'target', 'a name that every object has', (honest) =>
    exchangeCall(honest, { audience: 'constructor' }),
  ),
  request(noTarget, 'target', 'a mount as the target', (honest) =>
    exchangeCall(honest, { audience: undefined, resource: honest.world.mount('crm') }),
  ),
  request(noTarget, 'target', 'the URL of a server, for which the gateway alone gets tokens', (honest) =>
    exchangeCall(honest, { audience: undefined, resource: honest.world.urls.crm }),
  ),
  ...(
    [
      ['the key of the target in another case', { audience: 'Payroll' }],
      ['the key of the target and a space', { audience: 'payroll ' }],
      ['an empty target', { audience: '' }],
      ['an agent as the target', { audience: 'assistant' }],
      ['the issuer as the target', { audience: undefined, resource: 'issuer' }],
      ['the target with a slash', { audience: undefined, resource: 'payroll/' }],
      ['the target with a fragment', { audience: undefined, resource: 'payroll#x' }],
      ['a path below the target', { audience: undefined, resource: 'payroll/commission' }],
      ['a target that is no URL', { audience: undefined, resource: '/payroll' }],
      ['the key of the target as its URL', { audience: undefined, resource: 'key' }],
      ['the URL of the target as its key', { audience: 'payroll/url' }],
    ] as const satisfies readonly (readonly [string, Fields])[]
  ).map(([name, fields]) =>
    request(noTarget, 'target', name, (honest) => {
      const { world } = honest
      const spelled: Fields = {
        issuer: world.publicUrl,
        'payroll/': `${world.urls.payroll}/`,
        'payroll#x': `${world.urls.payroll}#x`,
        'payroll/commission': `${world.urls.payroll}/commission`,
        'payroll/url': world.urls.payroll,
        key: 'payroll',
      }
      const written = (value: string | undefined) => spelled[value ?? ''] ?? value
      return exchangeCall(
        honest,
        Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, written(value)])),
      )
    }),
  ),
  request(noTarget, 'target', 'a target and its mount', (honest) =>
    exchangeCall(honest, {}, `&resource=${encodeURIComponent(honest.world.mount('crm'))}`),
  ),
  request(noTarget, 'target', 'two targets', (honest) => exchangeCall(honest, {}, '&audience=crm')),
  request(noTarget, 'target', 'a key and the URL of something else', (honest) =>
    exchangeCall(honest, { resource: 'https://evil.example' }),
  ),
  request({ status: 400, error: 'access_denied' }, 'edge', 'a scope that no edge leads to', (honest) =>
    exchangeCall(honest, { scope: 'payroll.read payroll.pay' }),
  ),
  request(
    { status: 400, error: 'invalid_scope' },
    'scope',
    'a scope of the caller, not of the target',
    (honest) => exchangeCall(honest, { scope: 'crm.read' }),
  ),
  ...[
    ' ',
    'payroll.read ',
    'payroll.read\tpayroll.pay',
    'Payroll.Read',
    'constructor',
    '__proto__',
    'openid',
  ].map((scope) =>
    request(
      { status: 400, error: 'invalid_scope' },
      'scope',
      `the scope ${JSON.stringify(scope)}`,
      (honest) => exchangeCall(honest, { scope }),
    ),
  ),
  request(malformed, 'scope', 'more scopes than anybody can have', (honest) =>
    exchangeCall(honest, { scope: 'payroll.read '.repeat(400) }),
  ),
  request({ status: 400, error: 'invalid_scope' }, 'scope', 'every scope there is', (honest) =>
    exchangeCall(honest, { scope: '*' }),
  ),
  request(
    { status: 400, error: 'unauthorized_client' },
    'client_kind',
    'an agent exchanges its own token',
    async (honest) => {
      const change = { claims: { iss: 'assistant', sub: 'assistant' }, header: { kid: honest.agentKey.kid } }
      const key = await importJWK(honest.agentKey, 'ES256')
      return exchangeCall(honest, {
        subject_token: honest.tokens.one,
        client_assertion: await assertion(honest, { ...change, key }),
      })
    },
  ),
]

/** What only a verified lineage may say is not read from a request. */
const ignored: readonly Forgery[] = (
  [
    ['act', '{"iss":"x","sub":"evil"}'],
    ['may_act', '{"iss":"x","sub":"evil"}'],
    ['dlg', '{"gid":"x","hop":1,"rem":99,"anc":["x"]}'],
    ['txn', 'forged'],
    ['sub', 'forged'],
    ['aud', 'https://evil.example'],
    ['expires_in', '999999'],
    ['claims', '{"access_token":{"act":{"value":"evil"}}}'],
    ['subject_issuer', 'https://evil.example'],
  ] as const
).map(([field, value]) => ({
  name: `exchange: ${field} as a parameter`,
  rule: 'lineage',
  target: 'token-endpoint',
  kind: 'ignored',
  request: (honest) => exchangeCall(honest, { [field]: value }),
}))

export const exchangeForgeries: readonly Forgery[] = [...clientForgeries, ...requestForgeries, ...ignored]
