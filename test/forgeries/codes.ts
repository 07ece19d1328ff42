import { byHand, CHALLENGE, type Form, VERIFIER } from '../support/by-hand.ts'
import { send, type Sent } from '../support/wire.ts'
import { byOther } from '../support/world.ts'
import { exchangeCall } from './exchange.ts'
import { type Forgery, gatewayCall, type Honest, type Refused, tokenCall } from './forgery.ts'

/** The redemption of a new code by the agent that it was given to, some of its parameters replaced. */
async function redeemCall(honest: Honest, changed: Form = {}, more = ''): Promise<Sent> {
  const { world } = honest
  const fields: Form = {
    grant_type: 'authorization_code',
    code: await honest.code(),
    redirect_uri: world.urls.agent,
    code_verifier: VERIFIER,
    resource: world.mount('crm'),
    ...(await byHand(world).proof()),
    ...changed,
  }
  return tokenCall(honest, fields, more)
}

const noGrant: Refused = { status: 400, error: 'invalid_grant' }
const malformed: Refused = { status: 400, error: 'invalid_request' }
const noTarget: Refused = { status: 400, error: 'invalid_target' }
const noClient: Refused = { status: 401, error: 'invalid_client' }

const code = (refused: Refused, rule: string, name: string, request: Forgery['request']): Forgery => ({
  name: `code: ${name}`,
  rule: `code.${rule}`,
  target: 'token-endpoint',
  kind: 'request',
  refused,
  ...(refused === noGrant ? { alike: 'code' } : {}),
  request,
})
const changed = (
  refused: Refused,
  rule: string,
  name: string,
  change: (honest: Honest) => Form | Promise<Form>,
): Forgery => code(refused, rule, name, async (honest) => redeemCall(honest, await change(honest)))

/** A code of one login, as nobody but its agent may redeem it, and as often as that agent. */
export const codeForgeries: readonly Forgery[] = [
  code(noGrant, 'used', 'for the second time', async (honest) => {
    const first = await honest.code()
    await send(await redeemCall(honest, { code: first }))
    return redeemCall(honest, { code: first })
  }),
  code(noGrant, 'used', 'for the second time, after it was guessed at', async (honest) => {
    const first = await honest.code()
    await send(await redeemCall(honest, { code: first, code_verifier: `${VERIFIER}x` }))
    await send(await redeemCall(honest, { code: first }))
    return redeemCall(honest, { code: first })
  }),
  changed(noGrant, 'client', 'by another agent', () => byOther),
  changed(noGrant, 'verifier', 'with another verifier', () => ({ code_verifier: `${VERIFIER}x` })),
  changed(noGrant, 'verifier', 'with the verifier in another case', () => ({
    code_verifier: VERIFIER.toUpperCase(),
  })),
  changed(noGrant, 'verifier', 'with the challenge for the verifier', () => ({ code_verifier: CHALLENGE })),
  changed(noGrant, 'verifier', 'without a verifier', () => ({ code_verifier: undefined })),
  changed(noGrant, 'verifier', 'without a verifier, with a method that needs none', () => ({
    code_verifier: undefined,
    code_challenge_method: 'plain',
    code_challenge: VERIFIER,
  })),
  changed(noGrant, 'redirect_uri', 'to another address', () => ({
    redirect_uri: 'https://evil.example/callback',
  })),
  changed(noGrant, 'redirect_uri', 'to the address with a query', ({ world }) => ({
    redirect_uri: `${world.urls.agent}?x=1`,
  })),
  changed(noGrant, 'redirect_uri', 'to the address in another case', ({ world }) => ({
    redirect_uri: world.urls.agent.replace('callback', 'Callback'),
  })),
  changed(malformed, 'redirect_uri', 'to no address', () => ({ redirect_uri: undefined })),
  changed(noGrant, 'unknown', 'that nobody gave', () => ({ code: 'a'.repeat(43) })),
  changed(noGrant, 'unknown', 'cut off', async ({ code }) => ({ code: (await code()).slice(0, -1) })),
  changed(noGrant, 'unknown', 'with a letter more', async ({ code }) => ({ code: `${await code()}a` })),
  changed(noGrant, 'unknown', 'with a space behind it', async ({ code }) => ({ code: `${await code()} ` })),
  changed(noGrant, 'unknown', 'in another case', async ({ code }) => ({
    code: (await code()).toUpperCase(),
  })),
  changed(noGrant, 'unknown', 'that every object has', () => ({ code: 'constructor' })),
  changed(noGrant, 'another_kind', 'that is token 1', ({ tokens }) => ({ code: tokens.one })),
  changed(noGrant, 'another_kind', 'that is token 2', ({ tokens }) => ({ code: tokens.two })),
  changed(noGrant, 'another_kind', 'that is a refresh token', ({ refreshToken }) => ({ code: refreshToken })),
  changed(malformed, 'missing', 'that is not there', () => ({ code: undefined })),
  changed(malformed, 'missing', 'that is empty', () => ({ code: '' })),
  ...(['code', 'code_verifier', 'redirect_uri', 'client_assertion'] as const).map((field) =>
    code(malformed, 'repeated', `with ${field} twice`, (honest) => redeemCall(honest, {}, `&${field}=x`)),
  ),
  code(malformed, 'query', 'in the query', async (honest) => {
    const sent = await redeemCall(honest, { code: undefined })
    return { ...sent, url: `${sent.url}?code=${await honest.code()}` }
  }),
  code(malformed, 'form', 'in a JSON body', async (honest) => {
    const { body, ...sent } = await redeemCall(honest)
    const fields = Object.fromEntries(new URLSearchParams(String(body)))
    return { ...sent, headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) }
  }),
  changed(noTarget, 'resource', 'for another mount', ({ world }) => ({ resource: world.mount('notes') })),
  changed(noTarget, 'resource', 'for the server behind the mount', ({ world }) => ({
    resource: world.urls.crm,
  })),
  changed(noTarget, 'resource', 'for an API', ({ world }) => ({ resource: world.urls.payroll })),
  changed(noTarget, 'resource', 'for the mount with a slash', ({ world }) => ({
    resource: `${world.mount('crm')}/`,
  })),
  changed(malformed, 'client', 'by nobody', () => ({
    client_assertion: undefined,
    client_assertion_type: undefined,
  })),
  changed(noClient, 'client', 'by its agent, which proves nothing', () => ({
    client_assertion: undefined,
    client_assertion_type: undefined,
    client_id: 'assistant',
  })),
  changed(noClient, 'client', 'by its agent, with an assertion of another', async ({ world }) => ({
    ...(await byHand(world).proof({ id: 'other' })),
  })),
  {
    name: 'code: a code for a refresh token',
    rule: 'code.another_kind',
    target: 'token-endpoint',
    kind: 'request',
    refused: noGrant,
    request: async (honest) =>
      redeemCall(honest, {
        grant_type: 'refresh_token',
        refresh_token: await honest.code(),
        code: undefined,
        code_verifier: undefined,
        redirect_uri: undefined,
      }),
  },
  {
    name: 'gateway: a code for token 1',
    rule: 'code.another_kind',
    target: 'gateway',
    kind: 'token',
    request: async (honest) => gatewayCall(honest, await honest.code()),
  },
  {
    name: 'exchange: a code for token 2',
    rule: 'code.another_kind',
    target: 'token-endpoint',
    kind: 'token',
    request: async (honest) => exchangeCall(honest, { subject_token: await honest.code() }),
  },
]
