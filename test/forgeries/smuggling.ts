import { meta, type Rpc, rpc, type Sent } from '../support/wire.ts'
import type { Forgery, Honest, Refused } from './forgery.ts'

const find = { name: 'find_customer', arguments: { query: 'a' } }
const notJson = { status: 400, error: -32_700 }
const noRequest = { status: 400, error: -32_600 }
const badMeta = { status: 400, error: -32_602 }
const mismatch = { status: 400, error: -32_020 }
const noVersion = { status: 400, error: -32_022 }
const badParams = { status: 200, error: -32_602 }
const noPath = { status: 404, error: 'http.not_found' }

const forgery = (
  [rule, refused]: readonly [string, Refused],
  name: string,
  request: (honest: Honest) => Sent,
): Forgery => ({
  name: `gateway: ${name}`,
  rule: `smuggling.${rule}`,
  target: 'gateway',
  kind: 'request',
  refused,
  request,
})

const call = ({ world, tokens }: Honest, changed: Partial<Rpc>) =>
  rpc({ url: world.mount('crm'), token: tokens.one, params: find, ...changed })

/** Under the headers of the honest call, another body. */
const body = (honest: Honest, text: string | Uint8Array): Sent => ({ ...call(honest, {}), body: text })
const honestBody = (honest: Honest) => String(call(honest, {}).body)

/** The honest body with one text replaced in it. */
const edited = (from: string, to: string) => (honest: Honest) =>
  body(honest, honestBody(honest).replace(from, to))

const duplicates = (
  [
    ['method', '"method":', '"method":"tools/list","method":'],
    ['method, once with escapes', '"method":', '"\\u006dethod":"tools/list","method":'],
    ['params', '"params":', '"params":{},"params":'],
    ['id', '"id":', '"id":2,"id":'],
    ['name', '"name":', '"name":"delete_customer","name":'],
    ['name, once with escapes', '"name":', '"n\\u0061me":"delete_customer","name":'],
    ['an argument', '"query":', '"query":"b","query":'],
    ['an argument deep down', '"query":"a"', '"query":[{"x":{"y":1,"y":2}}]'],
    ['_meta', '"_meta":', '"_meta":{},"_meta":'],
    [
      'the protocol version',
      '"io.modelcontextprotocol/protocolVersion":',
      '"io.modelcontextprotocol/protocolVersion":"2025-06-18","io.modelcontextprotocol/protocolVersion":',
    ],
  ] as const
).map(([what, from, to]) => forgery(['duplicate_key', notJson], `${what} twice`, edited(from, to)))

const variants = [
  ...['Method', 'METHOD', 'JsonRpc', 'Params', 'ID'].map((name) =>
    forgery(
      ['case_variant', noRequest],
      `a member ${name} beside the real one`,
      edited('{"jsonrpc"', `{"${name}":"tools/list","jsonrpc"`),
    ),
  ),
  forgery(['case_variant', noRequest], 'METHOD instead of method', edited('"method"', '"METHOD"')),
  ...['Name', 'NAME', 'Arguments'].map((name) =>
    forgery(
      ['case_variant', badParams],
      `a param ${name} beside the real one`,
      edited('"name":', `"${name}":"delete_customer","name":`),
    ),
  ),
  forgery(
    ['unknown_member', noRequest],
    'a member nobody knows',
    edited('{"jsonrpc"', '{"extra":1,"jsonrpc"'),
  ),
  forgery(
    ['unknown_member', badParams],
    'a param nobody knows',
    edited('"name":', '"task":{"ttl":1},"name":'),
  ),
  forgery(
    ['unknown_member', badParams],
    'an answer to a question nobody asked',
    edited('"name":', '"inputResponses":{},"name":'),
  ),
]

const headers = (
  [
    ['mcp-method', 'tools/list'],
    ['mcp-method', 'Tools/Call'],
    ['mcp-method', '=?base64?dG9vbHMvY2FsbA==?='],
    ['mcp-method', undefined],
    ['mcp-method', ['tools/call', 'tools/list']],
    ['mcp-name', 'delete_customer'],
    ['mcp-name', 'Find_Customer'],
    ['mcp-name', undefined],
    ['mcp-name', ['find_customer', 'delete_customer']],
    ['mcp-name', '=?base64?ZGVsZXRlX2N1c3RvbWVy?='],
    ['mcp-name', '=?base64?ZmluZF9jdXN0b21lcg?='],
    ['mcp-name', '=?base64?ZmluZF9jdXN0b21lcg=='],
    ['mcp-name', 'find_customer\u00a0'],
    ['mcp-protocol-version', '2025-11-25'],
    ['mcp-protocol-version', undefined],
    ['mcp-protocol-version', ['2026-07-28', '2025-11-25']],
    ['mcp-protocol-version', '=?base64?MjAyNi0wNy0yOA==?='],
  ] as const
).map(([name, value]) =>
  forgery(
    ['header_mismatch', mismatch],
    `the header ${name} says ${value === undefined ? 'nothing' : JSON.stringify(value)}`,
    (honest) => call(honest, { headers: { [name]: value } }),
  ),
)

const bodies = [
  forgery(['batch', noRequest], 'a batch of one', (honest) => body(honest, `[${honestBody(honest)}]`)),
  forgery(['batch', noRequest], 'a batch of two', (honest) =>
    body(honest, `[${honestBody(honest)},${honestBody(honest)}]`),
  ),
  forgery(['two_values', notJson], 'a second request behind the first', (honest) =>
    body(honest, `${honestBody(honest)}\n${honestBody(honest)}`),
  ),
  forgery(['encoding', notJson], 'UTF-16', (honest) =>
    body(honest, Buffer.from(honestBody(honest), 'utf16le')),
  ),
  forgery(['encoding', notJson], 'a byte order mark', (honest) =>
    body(honest, `\uFEFF${honestBody(honest)}`),
  ),
  forgery(['encoding', notJson], 'a tool name in overlong UTF-8', (honest) => {
    const [before, after] = honestBody(honest).split('find_customer') as [string, string]
    return body(
      honest,
      Buffer.concat([Buffer.from(before), Buffer.of(0xc1, 0xa6), Buffer.from(`ind_customer${after}`)]),
    )
  }),
  forgery(
    ['surrogate', notJson],
    'half of a surrogate pair in an argument',
    edited('"query":"a"', '"query":"\\ud800"'),
  ),
  forgery(
    ['depth', notJson],
    'arguments nested without end',
    edited('"query":"a"', `"query":${'['.repeat(5000)}${']'.repeat(5000)}`),
  ),
  forgery(
    ['prototype', noRequest],
    'a prototype for the request',
    edited('{"jsonrpc"', '{"__proto__":{"method":"tools/list"},"jsonrpc"'),
  ),
  forgery(['era', noVersion], 'the handshake of an older client', (honest) =>
    body(honest, '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}'),
  ),
  forgery(['era', badMeta], 'a header of this era over a body of none', edited('"_meta"', '"meta"')),
  forgery(['era', noVersion], 'an older version in the body than in the header', (honest) =>
    call(honest, {
      params: { ...find, _meta: { ...meta, 'io.modelcontextprotocol/protocolVersion': '2025-06-18' } },
    }),
  ),
  ...[
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-7',
    'multipart/form-data',
  ].map((type) =>
    forgery(['media_type', { status: 415, error: -32_600 }], `a body of type ${type}`, (honest) =>
      call(honest, { headers: { 'content-type': type } }),
    ),
  ),
  forgery(['media_type', { status: 415, error: -32_600 }], 'a compressed body', (honest) =>
    call(honest, { headers: { 'content-encoding': 'gzip' } }),
  ),
]

/** Names that look like a tool of `notes`, whose only tool is `echo`. */
const lookalikes = [
  'echo ',
  ' echo',
  'echo\u0000',
  'Echo',
  'ECHO',
  'ech\u043e',
  'ec\u200bho',
  'echo\ufe0f',
  '\uff45cho',
  'e\u0301cho',
  'echo/../echo',
  '*',
  'e*',
  'constructor',
  '__proto__',
].map((name) =>
  forgery(['tool_name', badParams], `the tool ${JSON.stringify(name)}`, ({ world, tokens }) => {
    const encoded = `=?base64?${Buffer.from(name).toString('base64')}?=`
    return rpc({
      url: world.mount('notes'),
      token: tokens.notesOne,
      params: { name },
      headers: { 'mcp-name': encoded },
    })
  }),
)

const paths = [
  '//crm/mcp',
  '/crm//mcp',
  '/crm/mcp/',
  '/crm/mcp/.',
  '/crm/./mcp',
  '/notes/../crm/mcp',
  '/crm/%6dcp',
  '/%63rm/mcp',
  '/crm%2fmcp',
  '/crm/mcp%2f',
  '/crm/mcp%00',
  '/crm/mcp;v=1',
  '/crm;x/mcp',
  '/CRM/mcp',
  '/crm/MCP',
  '/crm\\mcp',
  '/crm/mcp#x',
  'http://evil.example/crm/mcp',
].map((path) => forgery(['path', noPath], `the path ${path}`, (honest) => ({ ...call(honest, {}), path })))

/** The honest call, from where it is not answered. */
const origins = [
  forgery(
    ['origin', { status: 403, error: 'gateway.origin_refused' }],
    'the honest call from a foreign web page',
    (honest) => call(honest, { headers: { origin: 'https://evil.example' } }),
  ),
  forgery(
    ['host', { status: 403, error: 'http.wrong_host' }],
    'the honest call under a rebound host name',
    (honest) => call(honest, { headers: { host: 'evil.example' } }),
  ),
]

export const smugglingForgeries: readonly Forgery[] = [
  ...origins,
  ...duplicates,
  ...variants,
  ...headers,
  ...bodies,
  ...lookalikes,
  ...paths,
]
