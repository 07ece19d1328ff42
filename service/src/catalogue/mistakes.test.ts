import { describe, expect, test } from 'vitest'
import { HASH, load, problemsOf, whole } from './catalogue.fixture.ts'

/** What is changed in the whole configuration, and the one line that must come of it. */
const mistakes: readonly (readonly [what: string, from: string, to: string, problem: string])[] = [
  ['an unknown key', 'name: Payroll', 'nmae: Payroll', '17:14 apis.payroll.nmae: This key is unknown here'],
  ['an unknown section', 'apis:\n', 'idps: {}\napis:\n', '16:1 idps: This key is unknown here'],
  ['a missing key', ', resource: http://127.0.0.1:4002', '', '17:3 apis.payroll.resource: It is required'],
  ['a number for a text', 'name: Customers', 'name: 5', '10:11 servers.crm.name: Write a text here'],
  ['a text for a list', '[sales]', 'sales', '3:60 users.alice.groups: Write a list here'],
  [
    'nothing for a mapping',
    ' { servers: [crm], apis: [payroll] }',
    '',
    '20:5 policies[2].permit: Write a mapping here',
  ],
  ['a key in capitals', '  robot:', '  Robot:', '7:3 agents.Robot: A name is a lower-case letter'],
  [
    'a key written twice',
    'name: Customers',
    'name: Customers\n    name: Leads',
    '11:5 This key is written twice',
  ],
  ['a tag', 'name: Customers', 'name: !!binary Cust', '10:11 Tags have no meaning here'],
  [
    '`__proto__` for a scope',
    '{ payroll.read: Read',
    '{ __proto__: x, payroll.read: Read',
    '17:72 `__proto__` is no name',
  ],

  [
    'http to another machine (server)',
    'http://127.0.0.1:4001/mcp',
    'http://crm.internal/mcp',
    '11:10 servers.crm.url: Use https',
  ],
  [
    'http to another machine (API)',
    'http://127.0.0.1:4002',
    'http://127.0.0.1.evil.example',
    '17:39 apis.payroll.resource: Use https',
  ],
  [
    'http to another machine (agent keys)',
    'jwks_uri: http://127.0.0.1:4003/jwks',
    'jwks_uri: http://a.example/jwks',
    '6:97 agents.assistant.jwks_uri: Use https',
  ],
  [
    'http to another machine (server keys)',
    '{ secret: file:///run/secrets/crm }',
    '{ jwks_uri: http://a.example/jwks }',
    '12:25 servers.crm.client.jwks_uri: Use https',
  ],
  [
    'http to another machine (redirect)',
    'https://robot.example/cb',
    'http://robot.example/cb',
    '7:28 agents.robot.redirect_uris[1]: Use https',
  ],
  [
    'another scheme',
    'https://robot.example/cb',
    'javascript:alert(1)',
    '7:28 agents.robot.redirect_uris[1]: Write an absolute URL',
  ],
  [
    'a redirect with a fragment',
    'robot.example/cb',
    'robot.example/cb#',
    '7:28 agents.robot.redirect_uris[1]: A URL here has no fragment',
  ],
  [
    'a redirect with a user',
    'robot.example/cb',
    'robot.example@evil.example/cb',
    '7:28 agents.robot.redirect_uris[1]: A URL holds no user name',
  ],
  [
    'a redirect with a wildcard',
    'robot.example/cb',
    '*.example/cb',
    '7:28 agents.robot.redirect_uris[1]: A redirect URI is compared',
  ],
  [
    'a redirect that the parser would repair',
    'https://robot.example/cb',
    '"https:\\\\\\\\robot.example/cb"',
    '7:28 agents.robot.redirect_uris[1]: Write an absolute URL',
  ],
  [
    'no redirect at all',
    '[https://robot.example/cb]',
    '[]',
    '7:27 agents.robot.redirect_uris: Name at least one',
  ],

  [
    'a publicUrl with a path',
    ':4000\n',
    ':4000/auth\n',
    '1:12 publicUrl: Write it as http://127.0.0.1:4000, without a path',
  ],
  [
    'a publicUrl with a query',
    ':4000\n',
    ':4000?a=b\n',
    '1:12 publicUrl: Write it as http://127.0.0.1:4000,',
  ],
  ['a publicUrl with a slash', ':4000\n', ':4000/\n', '1:12 publicUrl: Write it as http://127.0.0.1:4000,'],
  [
    'a publicUrl of another machine',
    'http://127.0.0.1:4000',
    'http://tetrapod.example.com',
    '1:12 publicUrl: Use https: http is for this machine alone',
  ],
  [
    'a listen that is a URL',
    ':4000\n',
    ':4000\nlisten: http://127.0.0.1:4000\n',
    '2:9 listen: Write an address of this machine and a port',
  ],

  [
    'a plaintext secret',
    'file:///run/secrets/robot',
    'hunter2',
    '7:63 agents.robot.secret: A secret is never written here',
  ],
  [
    'a plaintext client secret',
    'file:///run/secrets/crm',
    'hunter2',
    '12:23 servers.crm.client.secret: A secret is never written here',
  ],
  [
    'a plaintext password',
    'env:ALICE',
    'hunter2',
    '3:41 users.alice.password: A password is never written here',
  ],
  [
    'a password hash where a secret must be',
    'file:///run/secrets/robot',
    HASH,
    '7:63 agents.robot.secret: A secret is never written here',
  ],
  [
    'a hash that costs nothing',
    'scrypt:16384:',
    'scrypt:2:',
    '4:20 users.bob.password: A password is never written here',
  ],
  [
    'a hash that costs too much',
    'scrypt:16384:',
    'scrypt:1048576:',
    '4:20 users.bob.password: A password is never written here',
  ],
  [
    'a reference to nothing',
    'env:ALICE',
    'env:NOBODY',
    '3:41 users.alice.password: This reference does not resolve: Set NOBODY',
  ],
  [
    'a reference to an empty value',
    'file:///run/secrets/robot',
    'env:EMPTY',
    '7:63 agents.robot.secret: This reference resolves to an empty value',
  ],
  [
    'a reference to a plaintext password',
    'env:ALICE',
    'env:PLAIN',
    '3:41 users.alice.password: This reference resolves to something that is not',
  ],
  [
    'a database URL written out',
    'apis:\n',
    'database: postgres://tetrapod:hunter2@db/tetrapod\napis:\n',
    '16:11 database: A secret is never written here',
  ],
  [
    'a database reference to something else',
    'apis:\n',
    'database: env:PLAIN\napis:\n',
    '16:11 database: This reference resolves to something that is not the URL of a PostgreSQL database',
  ],
  [
    'two credentials',
    ', secret: file',
    ', jwks_uri: https://robot.example/jwks, secret: file',
    '7:3 agents.robot: Give it one credential',
  ],
  ['no credential', ', secret: file:///run/secrets/robot', '', '7:3 agents.robot: Give it one credential'],
  [
    'a client without credential',
    '{ secret: file:///run/secrets/crm }',
    '{}',
    '12:5 servers.crm.client: Give it one credential',
  ],
  [
    'an API’s client with two credentials',
    'client: { jwks_uri: http://127.0.0.1:4002/jwks }',
    'client: { jwks_uri: http://127.0.0.1:4002/jwks, secret: file:///run/secrets/crm }',
    '17:108 apis.payroll.client: Give it one credential',
  ],
  [
    'an API’s secret that leads to nothing',
    'client: { jwks_uri: http://127.0.0.1:4002/jwks }',
    'client: { secret: env:NOBODY }',
    '17:126 apis.payroll.client.secret: This reference does not resolve',
  ],

  ...(
    [
      [
        'a static credential written out',
        '{ pattern: pre_injected, value: hunter2 }',
        '.value: A secret is never written here',
      ],
      [
        'a reference to no credential',
        '{ pattern: pre_injected, value: env:NOBODY }',
        '.value: This reference does not resolve',
      ],
      [
        'a credential of two lines',
        '{ pattern: pre_injected, value: env:LINES }',
        '.value: This reference resolves to something that no request header can carry',
      ],
      ['a static credential without one', '{ pattern: pre_injected }', ': This value is not one of those'],
      ['a static credential in plain sight', 'hunter2', ': This value is not one of those'],
      [
        'a credential of an unknown pattern',
        '{ pattern: magic, value: env:PLAIN }',
        ': This value is not one of those',
      ],
      [
        'a header that is no name',
        '{ pattern: pre_injected, header: "x api", value: env:PLAIN }',
        '.header: A header name is a letter',
      ],
      ...[
        'Host',
        'txn-token',
        'Cookie',
        'mcp-name',
        'Content-Type',
        'Transfer-Encoding',
        'dpop',
        'accept',
      ].map(
        (header) =>
          [
            `the header ${header} for a credential`,
            `{ pattern: pre_injected, header: ${header}, value: env:PLAIN }`,
            '.header: The gateway writes this header itself',
          ] as const,
      ),
    ] as const
  ).map(
    ([what, credential, problem]) =>
      [
        what,
        '    scopes: { crm.read',
        `    credential: ${credential}\n    scopes: { crm.read`,
        `servers.crm.credential${problem}`,
      ] as const,
  ),
  [
    'a word for a yes',
    '    scopes: { crm.read',
    '    internal: sure\n    scopes: { crm.read',
    '13:15 servers.crm.internal: ',
  ],
  [
    'no redirect for an agent that does not exchange',
    'robot: { redirect_uris: [https://robot.example/cb], secret: file:///run/secrets/robot, exchange: true, delegates: [assistant] }',
    'robot: { secret: file:///run/secrets/robot }',
    '7:3 agents.robot.redirect_uris: It is required: add it. Only an agent with `exchange: true`',
  ],
  [
    'a hand-over by an agent that does not exchange',
    'robot, exchange: true, delegates',
    'robot, delegates',
    '7:90 agents.robot.delegates: An agent that hands over exchanges',
  ],
  [
    'a hand-over to an agent that does not exchange',
    'jwks, exchange: true }',
    'jwks }',
    '7:118 agents.robot.delegates[1]: A sub-agent exchanges what it is handed: give assistant `exchange: true`',
  ],
  [
    'a hand-over to nobody',
    'delegates: [assistant]',
    'delegates: [assistant, constructor]',
    '7:129 agents.robot.delegates[2]: No agent of the catalogue has this name',
  ],
  [
    'a hand-over to a server',
    'delegates: [assistant]',
    'delegates: [crm]',
    '7:118 agents.robot.delegates[1]: No agent of the catalogue has this name',
  ],
  [
    'a hand-over to itself',
    'delegates: [assistant]',
    'delegates: [robot]',
    '7:118 agents.robot.delegates[1]: An agent does not hand to itself',
  ],
  [
    'an exchange that is said with a word',
    'exchange: true, delegates: [assistant]',
    'exchange: "false"',
    '7:100 agents.robot.exchange: ',
  ],

  ['a reserved key', '  robot:', '  gateway:', '7:3 agents.gateway: This name is one of our own'],
  ['the key of a path we serve', '  robot:', '  sign-in:', '7:3 agents.sign-in: This name is one of our own'],
  ['a key of another kind', '  robot:', '  payroll:', '17:3 apis.payroll: agents.payroll has this name'],
  [
    'an API at the address of a server',
    'resource: http://127.0.0.1:4002',
    'resource: http://127.0.0.1:4001/mcp/',
    '17:39 apis.payroll.resource: This is the address of servers.crm',
  ],
  [
    'a server at a mount',
    'http://127.0.0.1:4001/mcp',
    'http://127.0.0.1:4000/crm/mcp',
    '11:10 servers.crm.url: This is the address of Tetrapod itself',
  ],
  [
    'an API at our own address',
    'http://127.0.0.1:4002',
    'http://127.0.0.1:4000',
    '17:39 apis.payroll.resource: This is the address of Tetrapod itself',
  ],

  [
    'a call to an unknown API',
    '{ payroll: { crm',
    '{ constructor: { crm',
    '14:14 servers.crm.calls.constructor: There is no API',
  ],
  [
    'a call from an unknown scope',
    '{ crm.read: [payroll.read] }',
    '{ toString: [payroll.read] }',
    '14:25 servers.crm.calls.payroll.toString: This is no scope of crm',
  ],
  [
    'a call to an unknown scope',
    '[payroll.read] }',
    '[toString] }',
    '14:36 servers.crm.calls.payroll["crm.read"][1]: This is no scope of payroll',
  ],
  [
    'a call from a server that is nobody',
    '    client: { secret: file:///run/secrets/crm }\n',
    '',
    '13:5 servers.crm.calls: A server that calls must say who it is',
  ],
  [
    'an unknown scope at a tool',
    '"*": { scopes: [crm.read]',
    '"*": { scopes: [crm.admin]',
    '15:69 servers.crm.tools["*"].scopes[1]: This is no scope of crm',
  ],
  [
    'a scope with a space',
    'crm.write: Change',
    'crm write: Change',
    '13:46 servers.crm.scopes["crm write"]: A scope has no spaces',
  ],

  ['a rule on an unknown user', '[bob]', '[Bob]', '21:23 policies[3].forbid.users[1]: Nothing under `users`'],
  [
    'a rule on an unknown agent',
    'groups: [sales], servers',
    'agents: [constructor], servers',
    '19:24 policies[1].permit.agents[1]: Nothing under `agents`',
  ],
  [
    'a rule on an unknown server',
    'servers: [crm], apis',
    'servers: [crn], apis',
    '20:25 policies[2].permit.servers[1]: Nothing under `servers`',
  ],
  [
    'a rule on an unknown API',
    'apis: [payroll]',
    'apis: [crm]',
    '20:38 policies[2].permit.apis[1]: Nothing under `apis`',
  ],
  [
    'a rule that is neither',
    '- permit: { servers: [crm], apis: [payroll] }',
    '- {}',
    '20:5 policies[2]: A rule is one `permit` or one `forbid`',
  ],
  [
    'a rule that is both',
    '- permit: { servers: [crm], apis: [payroll] }',
    '- { permit: {}, forbid: {} }',
    '20:5 policies[2]: A rule is one `permit` or one `forbid`',
  ],
  [
    'a rule on tools and APIs',
    'apis: [payroll]',
    'tools: [a], apis: [payroll]',
    '20:43 policies[2].permit.apis: A rule is about `tools` or about `apis`',
  ],
  [
    'a rule on a document at a host that is not accepted',
    'groups: [sales], servers',
    'agents: ["https://evil.example/doc"], servers',
    '19:24 policies[1].permit.agents[1]: Nothing under `agents`',
  ],
  [
    'an address for a host',
    '[claude.ai, {',
    '["https://claude.ai", {',
    '23:23 registration.metadataDocuments[1]: Write a host as it stands in an address',
  ],
  [
    'a wildcard in a host',
    '[claude.ai, {',
    '["*.ai", {',
    '23:23 registration.metadataDocuments[1]: Write a host as it stands in an address',
  ],
  [
    'a host with the port that need not be said',
    'host: agents.corp.internal',
    'host: "agents.corp.internal:443"',
    '23:42 registration.metadataDocuments[2].host: Write a host as it stands in an address',
  ],
  [
    'keys of a publisher over http',
    'https://publisher.example/jwks',
    'http://publisher.example/jwks',
    '25:56 registration.statements["https://publisher.example"].jwks_uri: Use https',
  ],
  [
    'a subject that nobody has',
    'subject: corp',
    'subject: constructor',
    '17:167 apis.payroll.subject: No user has an id at a provider of this name',
  ],
  [
    'one id of two users at one provider',
    `password: '${HASH}'`,
    `password: '${HASH}', linked: { other: alice@corp.example, corp: alice@corp.example }`,
    'users.bob.linked.corp: users.alice has this id there',
  ],
  [
    'an id that is the name of a server',
    'corp: alice@corp.example',
    'corp: crm',
    '3:85 users.alice.linked.corp: An agent, a server or an API has this name',
  ],
  [
    'an id that is the gateway’s name',
    'corp: alice@corp.example',
    'corp: gateway',
    '3:85 users.alice.linked.corp: An agent, a server or an API has this name',
  ],
  [
    'an id with a space at its end',
    'corp: alice@corp.example',
    'corp: "alice "',
    '3:85 users.alice.linked.corp: An id has 1 to 255 characters',
  ],
  [
    'an authentication that asks for nothing',
    '{ max_age: 3600, acr_values: [urn:tetrapod:acr:password] }',
    '{}',
    '17:189 apis.payroll.authentication: Say `max_age`',
  ],
  [
    'an age that no sign-in reaches an API in',
    'max_age: 3600',
    'max_age: 59',
    '17:200 apis.payroll.authentication.max_age: Write a number of seconds',
  ],
  [
    'an age that is no number',
    'max_age: 3600',
    'max_age: soon',
    '17:200 apis.payroll.authentication.max_age: Write a number of seconds',
  ],
  [
    'an acr with a space, which would be two',
    '[urn:tetrapod:acr:password]',
    '["a b"]',
    '17:219 apis.payroll.authentication.acr_values[1]: An acr value has no space',
  ],
  ['an empty list', '[bob]', '[]', '21:22 policies[3].forbid.users: An empty list matches nothing'],
]

describe('a mistake is refused with its line, its column and what to do:', () => {
  test.each(mistakes)('%s', async (_, from, to, problem) => {
    expect(whole).toContain(from)
    expect(await problemsOf(whole.replace(from, () => to))).toEqual([expect.stringContaining(problem)])
  })

  test('all of them at once, in the order of the file', async () => {
    const text = `publicUrl: http://tetrapod.example
servers:
  crm: { url: ftp://x, calls: { payrol: {} }, color: red }
policies:
  - permit: { users: [nobody] }
`
    expect(await problemsOf(text)).toEqual([
      expect.stringMatching(/^1:12 publicUrl: Use https/),
      expect.stringMatching(/^3:15 servers\.crm\.url: Write an absolute URL/),
      expect.stringMatching(/^3:24 servers\.crm\.calls: A server that calls/),
      expect.stringMatching(/^3:33 servers\.crm\.calls\.payrol: There is no API/),
      expect.stringMatching(/^3:47 servers\.crm\.color: This key is unknown/),
      expect.stringMatching(/^5:23 policies\[1\]\.permit\.users\[1\]: Nothing under/),
    ])
  })

  test('every name that is one of our own', async () => {
    const own =
      `gateway dynamic authorize token par register introspect revoke revocations jwks sign-in sign-out
      interaction connect connections grants admin assets livez readyz metrics mcp well-known`.split(/\s+/)
    const agents = own.map(
      (key) => `  ${key}: { redirect_uris: [https://a.example], jwks_uri: https://a.example }`,
    )
    const problems = await problemsOf(['publicUrl: http://127.0.0.1:4000', 'agents:', ...agents].join('\n'))
    expect(problems).toEqual(
      own.map((key, index) => `${index + 3}:3 agents.${key}: This name is one of our own: choose another.`),
    )
  })

  test('an agent that others alone hand to needs no redirect', async () => {
    const redirect = 'redirect_uris: [http://127.0.0.1:4003/callback], '
    const { catalogue } = await load(whole.replace(redirect, ''))
    expect(catalogue.agents[0]).toMatchObject({ key: 'assistant', redirectUris: [], exchange: true })
  })

  test('a rule may name a document at an accepted host, and all that registered themselves', async () => {
    const agents = 'agents: [assistant, dynamic, "https://claude.ai/oauth/x"], servers'
    await expect(load(whole.replace('groups: [sales], servers', agents))).resolves.toBeDefined()
  })

  test('an account id stands for a user whom only the database knows', async () => {
    await expect(load(whole.replace('[bob]', '[bob, 0123456789abcdefghij_-]'))).resolves.toBeDefined()
  })
})
