import { byHand, type Form } from '../support/by-hand.ts'
import type { Sent } from '../support/wire.ts'
import { byOther } from '../support/world.ts'
import { exchangeCall } from './exchange.ts'
import { type Forgery, gatewayCall, type Honest, type Refused, tokenCall } from './forgery.ts'

/** A refresh by the agent that the token was given to, some of its parameters replaced. */
async function refreshCall(honest: Honest, changed: Form, more = ''): Promise<Sent> {
  const { world, refreshToken } = honest
  const fields: Form = {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...(await byHand(world).proof()),
    ...changed,
  }
  return tokenCall(honest, fields, more)
}

const noGrant: Refused = { status: 400, error: 'invalid_grant' }
const malformed: Refused = { status: 400, error: 'invalid_request' }

const asked = (
  name: string,
  request: (honest: Honest) => Promise<Sent>,
  rule = 'another_kind',
  refused = noGrant,
): Forgery => ({
  name: `refresh: ${name}`,
  rule: `refresh.${rule}`,
  target: 'token-endpoint',
  kind: 'request',
  refused,
  ...(refused === noGrant ? { alike: 'refresh' } : {}),
  request,
})
const changed = (
  name: string,
  rule: string,
  change: (honest: Honest) => Form,
  refused: Refused = noGrant,
): Forgery => asked(name, (honest) => refreshCall(honest, change(honest)), rule, refused)

/** A refresh token as nobody but its agent may use it, and what is none. */
export const refreshForgeries: readonly Forgery[] = [
  asked('token 1 for a refresh token', (honest) => refreshCall(honest, { refresh_token: honest.tokens.one })),
  asked('token 2 for a refresh token', (honest) => refreshCall(honest, { refresh_token: honest.tokens.two })),
  asked('the id of a login for its refresh token', (honest) =>
    refreshCall(honest, { refresh_token: honest.refreshToken.split('.')[0] }),
  ),
  asked('a refresh token with the mark of another login', (honest) => {
    const [, random, mark] = honest.refreshToken.split('.')
    return refreshCall(honest, { refresh_token: `another.${random}.${mark}` })
  }),
  changed('a refresh token cut off', 'unknown', ({ refreshToken }) => ({
    refresh_token: refreshToken.slice(0, -1),
  })),
  changed('a refresh token with a letter more', 'unknown', ({ refreshToken }) => ({
    refresh_token: `${refreshToken}a`,
  })),
  changed('a refresh token in another case', 'unknown', ({ refreshToken }) => ({
    refresh_token: refreshToken.toUpperCase(),
  })),
  changed('a refresh token with its last part alone', 'unknown', ({ refreshToken }) => ({
    refresh_token: refreshToken.split('.').at(-1),
  })),
  changed('a refresh token with a part more', 'unknown', ({ refreshToken }) => ({
    refresh_token: `${refreshToken}.x`,
  })),
  changed('a refresh token that nobody gave', 'unknown', () => ({ refresh_token: 'a.b.c' })),
  changed('another agent’s refresh token', 'client', () => byOther),
  changed('more scopes than were granted', 'scope', () => ({ scope: 'crm.read crm.write' }), {
    status: 400,
    error: 'invalid_scope',
  }),
  changed('scopes of another resource', 'scope', () => ({ scope: 'payroll.read' }), {
    status: 400,
    error: 'invalid_scope',
  }),
  ...(
    [
      ['another mount', ({ world }) => world.mount('notes')],
      ['the server behind the mount', ({ world }) => world.urls.crm],
      ['an API', ({ world }) => world.urls.payroll],
    ] as const satisfies readonly (readonly [string, (honest: Honest) => string])[]
  ).map(([name, resource]) =>
    changed(`a token for ${name}`, 'resource', (honest) => ({ resource: resource(honest) }), {
      status: 400,
      error: 'invalid_target',
    }),
  ),
  changed('no refresh token', 'missing', () => ({ refresh_token: undefined }), malformed),
  changed('an empty refresh token', 'missing', () => ({ refresh_token: '' }), malformed),
  asked(
    'two refresh tokens',
    (honest) => refreshCall(honest, {}, `&refresh_token=${honest.refreshToken}`),
    'repeated',
    malformed,
  ),
  asked(
    'a refresh token in the query',
    async (honest) => {
      const sent = await refreshCall(honest, { refresh_token: undefined })
      return { ...sent, url: `${sent.url}?refresh_token=${honest.refreshToken}` }
    },
    'query',
    malformed,
  ),
  changed(
    'a refresh token by its agent, which proves nothing',
    'client',
    () => ({ client_assertion: undefined, client_assertion_type: undefined, client_id: 'assistant' }),
    { status: 401, error: 'invalid_client' },
  ),
  {
    name: 'gateway: a refresh token for token 1',
    rule: 'refresh.another_kind',
    target: 'gateway',
    kind: 'token',
    request: (honest) => gatewayCall(honest, honest.refreshToken),
  },
  {
    name: 'exchange: a refresh token for token 2',
    rule: 'refresh.another_kind',
    target: 'token-endpoint',
    kind: 'token',
    request: (honest) => exchangeCall(honest, { subject_token: honest.refreshToken }),
  },
]
