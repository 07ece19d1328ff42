import type { Sent } from '../support/wire.ts'
import { exchangeCall, notesExchange } from './exchange.ts'
import {
  crmCall,
  type Forgery,
  gatewayCall,
  type Honest,
  payrollCall,
  type Refused,
  type Target,
} from './forgery.ts'

type Headers = Readonly<Record<string, string | readonly string[]>>

/** A place where a token is received, and how it says that there is none, or not exactly one. */
interface Place {
  readonly target: Target
  readonly where: string
  readonly none: Refused
  readonly refused: Refused
  readonly token: (honest: Honest) => string
  readonly call: (honest: Honest, token: string) => Sent
}

const places: readonly Place[] = [
  {
    target: 'gateway',
    where: 'gateway',
    none: { status: 401, error: 'gateway.token_missing' },
    refused: { status: 401, error: 'gateway.token_refused' },
    token: ({ tokens }) => tokens.one,
    call: gatewayCall,
  },
  {
    target: 'server-sdk',
    where: 'server',
    none: { status: 401, error: 'unauthorized' },
    refused: { status: 401, error: 'invalid_token' },
    token: ({ tokens }) => tokens.two,
    call: crmCall,
  },
  {
    target: 'server-sdk',
    where: 'API',
    none: { status: 401, error: 'unauthorized' },
    refused: { status: 401, error: 'invalid_token' },
    token: ({ tokens }) => tokens.three,
    call: payrollCall,
  },
]

/** The honest call without its token, and with other headers. */
function bare(sent: Sent, headers: Headers = {}): Sent {
  const { authorization: _authorization, ...rest } = sent.headers ?? {}
  return { ...sent, headers: { ...rest, ...headers } }
}

function inQuery(sent: Sent, name: string, token: string): Sent {
  const url = new URL(sent.url)
  return { ...sent, path: `${url.pathname}?${name}=${token}` }
}

/** The honest token where no token belongs: it is as if there were none. */
const elsewhere: readonly (readonly [string, (sent: Sent, token: string) => Sent])[] = [
  ['in the query as access_token', (sent, token) => inQuery(bare(sent), 'access_token', token)],
  ['in the query as token', (sent, token) => inQuery(bare(sent), 'token', token)],
  [
    'in a cookie',
    (sent, token) => bare(sent, { cookie: `access_token=${token}; Authorization=Bearer ${token}` }),
  ],
  ['in a header for proxies', (sent, token) => bare(sent, { 'proxy-authorization': `Bearer ${token}` })],
  ['in a header of our own making', (sent, token) => bare(sent, { 'x-access-token': token })],
  [
    'in a header that a proxy adds',
    (sent, token) => bare(sent, { 'x-forwarded-authorization': `Bearer ${token}` }),
  ],
  ['in the header of a transaction token', (sent, token) => bare(sent, { 'txn-token': token })],
  ['in the header of a proof', (sent, token) => bare(sent, { dpop: token })],
  ['nowhere', (sent) => bare(sent)],
]

const credentials: readonly (readonly [
  string,
  (token: string, bob: string) => string | readonly string[],
])[] = [
  ['without a scheme', (token) => token],
  ['under the scheme Basic', (token) => `Basic ${Buffer.from(`:${token}`).toString('base64')}`],
  ['under the scheme DPoP, without a proof', (token) => `DPoP ${token}`],
  ['under a scheme that nobody knows', (token) => `Token ${token}`],
  ['under a scheme that begins with the right one', (token) => `Bearerx ${token}`],
  ['behind a colon', (token) => `Bearer: ${token}`],
  ['behind an equals sign', (token) => `Bearer=${token}`],
  ['behind a tab', (token) => `Bearer\t${token}`],
  ['in quotes', (token) => `Bearer "${token}"`],
  ['behind its name', (token) => `Bearer token=${token}`],
  ['with a word behind it', (token) => `Bearer ${token} x`],
  ['with a parameter behind it', (token) => `Bearer ${token};x=1`],
  ['with a comma behind it', (token) => `Bearer ${token},`],
  ['with a space in it', (token) => `Bearer ${token.slice(0, 40)} ${token.slice(40)}`],
  ['with a letter that is no ASCII', (token) => `Bearer ${token}\u00e9`],
  ['twice in one header', (token) => `Bearer ${token}, Bearer ${token}`],
  ['twice, the same', (token) => [`Bearer ${token}`, `Bearer ${token}`]],
  ['beside that of another user', (token, bob) => [`Bearer ${token}`, `Bearer ${bob}`]],
  ['behind that of another scheme', (token) => ['Basic eDp5', `Bearer ${token}`]],
  ['beside none', (token) => [`Bearer ${token}`, '']],
  ['percent-encoded', (token) => `Bearer ${token.replaceAll('.', '%2e')}`],
  ['as nothing behind the scheme', () => 'Bearer'],
  ['as nothing behind the scheme and a space', () => 'Bearer '],
  ['as nothing at all', () => ''],
]

const atPlace = ({ target, where, none, refused, token, call }: Place): readonly Forgery[] => [
  ...elsewhere.map(([name, change]): Forgery => ({
    name: `${where}: the token ${name}`,
    rule: 'transport.missing',
    target,
    kind: 'request',
    refused: none,
    alike: `${where} without a token`,
    request: (honest) => change(call(honest, token(honest)), token(honest)),
  })),
  ...credentials.map(([name, write]): Forgery => ({
    name: `${where}: the header has the token ${name}`,
    rule: 'transport.malformed',
    target,
    kind: 'request',
    refused,
    alike: where,
    request: (honest) =>
      bare(call(honest, token(honest)), { authorization: write(token(honest), honest.bob) }),
  })),
]

/** At the token endpoint the subject token is a parameter of the form, and nothing else. */
const subjectToken = (name: string, request: Forgery['request'], error = 'invalid_request'): Forgery => ({
  name: `exchange: the subject token ${name}`,
  rule: 'transport.subject_token',
  target: 'token-endpoint',
  kind: 'request',
  refused: { status: 400, error },
  request,
})

const subjectTokens: readonly Forgery[] = [
  subjectToken('with its scheme', (honest) =>
    exchangeCall(honest, { subject_token: `Bearer ${honest.tokens.two}` }),
  ),
  subjectToken('with a space before it', (honest) =>
    exchangeCall(honest, { subject_token: ` ${honest.tokens.two}` }),
  ),
  subjectToken('with a line end behind it', (honest) =>
    exchangeCall(honest, { subject_token: `${honest.tokens.two}\n` }),
  ),
  subjectToken('with a zero byte behind it', (honest) =>
    exchangeCall(honest, { subject_token: `${honest.tokens.two}\u0000` }),
  ),
  subjectToken('encoded twice', (honest) =>
    exchangeCall(honest, { subject_token: encodeURIComponent(honest.tokens.two).replaceAll('.', '%2e') }),
  ),
  subjectToken('twice, the same', (honest) =>
    exchangeCall(honest, {}, `&subject_token=${honest.tokens.two}`),
  ),
  subjectToken('in the query alone', async (honest) => {
    const sent = await exchangeCall(honest, { subject_token: undefined })
    return { ...sent, url: `${sent.url}?subject_token=${honest.tokens.two}` }
  }),
  subjectToken('in the header alone', async (honest) => {
    const sent = await exchangeCall(honest, { subject_token: undefined })
    return { ...sent, headers: { ...sent.headers, 'x-subject-token': honest.tokens.two } }
  }),
  subjectToken('as its hash', (honest) => notesExchange(honest, { subject_token: 'a'.repeat(43) })),
  subjectToken('as a list', (honest) =>
    exchangeCall(honest, { subject_token: undefined }, `&subject_token[]=${honest.tokens.two}`),
  ),
]

export const transportForgeries: readonly Forgery[] = [...places.flatMap(atPlace), ...subjectTokens]
