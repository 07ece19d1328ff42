import { byHand, type Form, VERIFIER } from '../support/by-hand.ts'
import type { Sent } from '../support/wire.ts'
import { exchangeCall } from './exchange.ts'
import { type Forgery, gatewayCall, type Honest } from './forgery.ts'

/** A refresh by the agent that the token was given to, some of its parameters replaced. */
async function refreshCall(honest: Honest, changed: Form): Promise<Sent> {
  const { world, refreshToken } = honest
  const fields: Form = {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...(await byHand(world).proof()),
    ...changed,
  }
  return {
    url: `${world.publicUrl}/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields as Record<string, string>).toString(),
  }
}

const asked = (name: string, request: (honest: Honest) => Promise<Sent>): Forgery => ({
  name: `refresh: ${name}`,
  rule: 'refresh.another_kind',
  target: 'token-endpoint',
  kind: 'request',
  refused: { status: 400, error: 'invalid_grant' },
  request,
})

/** What one endpoint gave, shown where another kind belongs. */
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
  asked('a refresh token for a code', (honest) =>
    refreshCall(honest, {
      grant_type: 'authorization_code',
      code: honest.refreshToken,
      redirect_uri: honest.world.urls.agent,
      code_verifier: VERIFIER,
    }),
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
