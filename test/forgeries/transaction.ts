import type { JWTPayload } from 'jose'
import type { Sent } from '../support/wire.ts'
import { exchangeCall } from './exchange.ts'
import { claimsOf, crmCall, encoded, type Forgery, gatewayCall, type Honest, type Target } from './forgery.ts'

type Change = (honest: Honest) => Readonly<Record<string, unknown>>

const TXN_TOKEN = 'urn:ietf:params:oauth:token-type:txn_token'
const typed = { typ: 'txntoken+jwt' }

/** The claims of the transaction token that would be issued beside token 2, for the CRM alone; undefined leaves one out. */
function transactionOf(honest: Honest, changed: Readonly<Record<string, unknown>> = {}): JWTPayload {
  const { tokens, world } = honest
  const { iat = 0, dlg } = claimsOf(tokens.two)
  return claimsOf(tokens.two, {
    aud: new URL(world.publicUrl).host,
    client_id: undefined,
    req_wl: 'gateway',
    jti: 'forged',
    exp: iat + 60,
    dlg: { ...(dlg as object), anc: ancestors(honest), to: 'crm' },
    ...changed,
  })
}

function ancestors({ tokens }: Honest): readonly string[] {
  const { jti = '', dlg } = claimsOf(tokens.two)
  return [...(dlg as { anc: readonly string[] }).anc, jti]
}

const lineage = (honest: Honest, changed: Readonly<Record<string, unknown>>) => ({
  dlg: { ...(transactionOf(honest)['dlg'] as object), ...changed },
})

/** The honest call at the CRM, and its transaction token beside it. */
export async function crmCallWith(honest: Honest, ...told: readonly string[]): Promise<Sent> {
  const { headers, ...sent } = crmCall(honest, honest.tokens.two)
  return { ...sent, headers: { ...headers, 'txn-token': told } }
}

/** The honest exchange of the CRM, for its transaction token. */
export function transactionExchange(honest: Honest, told: string): Promise<Sent> {
  return exchangeCall(honest, { subject_token: told, subject_token_type: TXN_TOKEN })
}

/** What nobody forged, signed as the service signs it. */
export function honestTransaction(honest: Honest): Promise<string> {
  return honest.forge.sign(transactionOf(honest), typed)
}

interface Made {
  readonly name: string
  readonly rule: string
  readonly make: (honest: Honest) => Promise<string> | string
}

const changed = (rule: string, name: string, change: Change, header: Change = () => ({})): Made => ({
  name: `a transaction token ${name}`,
  rule,
  make: (honest) => honest.forge.sign(transactionOf(honest, change(honest)), { ...typed, ...header(honest) }),
})

const none: Change = () => ({})
const seconds = ({ world }: Honest, from: number) => Math.floor(world.clock.now() / 1000) + from

/** Refused wherever one is read. */
const anywhere: readonly Made[] = [
  {
    name: 'a transaction token, its scope edited under the signature',
    rule: 'signature',
    make: async (honest) => {
      const [head, , signature] = (await honestTransaction(honest)).split('.')
      return `${head}.${encoded(transactionOf(honest, { scope: 'crm.read crm.write' }))}.${signature}`
    },
  },
  {
    name: 'a transaction token with the signature of token 2',
    rule: 'signature',
    make: async (honest) => {
      const [head, payload] = (await honestTransaction(honest)).split('.')
      return `${head}.${payload}.${honest.tokens.two.split('.')[2]}`
    },
  },
  {
    name: 'a transaction token that nobody signed',
    rule: 'algorithm',
    make: (honest) => `${encoded({ alg: 'none', kid: 'k', ...typed })}.${encoded(transactionOf(honest))}.AA`,
  },
  {
    name: 'a transaction token with a key of its own',
    rule: 'header',
    make: (honest) => honest.forge.sign(transactionOf(honest), { ...typed, jwk: honest.forge.publicJwk }),
  },
  {
    name: 'the access token in the place of a transaction token',
    rule: 'type',
    make: ({ tokens }) => tokens.two,
  },
  changed('type', 'that says it is an access token', none, () => ({ typ: 'at+jwt' })),
  changed('type', 'that says it is a JWT', none, () => ({ typ: 'JWT' })),
  {
    name: 'an access token that says it is a transaction token',
    rule: 'claims',
    make: ({ forge, tokens }) => forge.sign(claimsOf(tokens.two), typed),
  },
  changed('issuer', 'of another issuer', () => ({ iss: 'https://evil.example' })),
  changed('audience', 'of another trust domain', () => ({ aud: 'evil.example' })),
  changed('audience', 'of this host without its port', ({ world }) => ({
    aud: new URL(world.publicUrl).hostname,
  })),
  changed('audience', 'for the issuer', ({ world }) => ({ aud: world.publicUrl })),
  changed('audience', 'for the server itself', ({ world }) => ({ aud: world.urls.crm })),
  changed('claims', 'of several domains', ({ world }) => ({ aud: [new URL(world.publicUrl).host, 'x'] })),
  changed('audience', 'for another server', (honest) => lineage(honest, { to: 'notes' })),
  changed('audience', 'for the gateway', (honest) => lineage(honest, { to: 'gateway' })),
  changed('claims', 'for nobody', (honest) => lineage(honest, { to: undefined })),
  changed('claims', 'for everybody', (honest) => lineage(honest, { to: ['crm', 'notes'] })),
  changed('expired', 'of two minutes ago', (honest) => ({
    iat: seconds(honest, -180),
    exp: seconds(honest, -120),
  })),
  changed('not_yet', 'of a time to come', (honest) => ({
    iat: seconds(honest, 120),
    exp: seconds(honest, 180),
  })),
  changed('claims', 'that lives for an hour', (honest) => ({ exp: seconds(honest, 3600) })),
  changed('claims', 'that nobody asked for', () => ({ req_wl: undefined })),
  changed('claims', 'with a client id', () => ({ client_id: 'gateway' })),
  changed('claims', 'on which somebody may act', ({ world }) => ({
    may_act: { iss: world.publicUrl, sub: 'crm' },
  })),
  changed('claims', 'handed over for a mount', (honest) =>
    lineage(honest, { res: honest.world.mount('crm') }),
  ),
  changed('binding', 'that is bound to a key', () => ({ cnf: { jkt: 'x' } })),
  changed('chain', 'in which nobody acts', () => ({ act: undefined })),
  changed('chain', 'with a hop too many', (honest) => lineage(honest, { hop: 5 })),
  changed('loop', 'with an actor twice', (honest) => {
    const act = transactionOf(honest)['act'] as object
    return { act: { ...act, act } }
  }),
  changed('subject', 'in which the user acts', (honest) => {
    const { iss, sub, act } = transactionOf(honest)
    return { act: { iss, sub, act }, ...lineage(honest, { hop: 3 }) }
  }),
  changed('claims', 'without a transaction', () => ({ txn: undefined })),
  changed('claims', 'without a scope', () => ({ scope: undefined })),
]

/** It holds for itself, and is not of this access token. */
const besideAnother: readonly Made[] = [
  changed('subject', 'of another user', ({ bob }) => ({ sub: claimsOf(bob)['sub'] })),
  changed('subject', 'of another call', () => ({ txn: 'another' })),
  changed('subject', 'of another token', (honest) =>
    lineage(honest, { anc: ancestors(honest).slice(0, -1) }),
  ),
]

/** It holds for itself, and nothing stands behind it. */
const withoutAuthority: readonly Made[] = [
  changed('grant', 'of a grant that nobody gave', (honest) => lineage(honest, { gid: 'forged' })),
  changed('grant', 'of another user', ({ bob }) => ({ sub: claimsOf(bob)['sub'] })),
  changed('agent', 'of an agent that is nobody', (honest) => ({
    act: JSON.parse(JSON.stringify(transactionOf(honest)['act']).replace('"assistant"', '"evil"')) as object,
  })),
  changed('depth', 'that may go no further', (honest) => lineage(honest, { rem: 0 })),
]

const at =
  (target: Target, where: string, call: (honest: Honest, told: string) => Promise<Sent> | Sent) =>
  ({ name, rule, make }: Made): Forgery => ({
    name: `${where}: ${name}`,
    rule: `transaction.${rule}`,
    target,
    kind: 'token',
    request: async (honest) => call(honest, await make(honest)),
  })

const honestly: Made = {
  name: 'a transaction token as the bearer token',
  rule: 'type',
  make: honestTransaction,
}

export const transactionForgeries: readonly Forgery[] = [
  ...[...anywhere, ...withoutAuthority].map(at('token-endpoint', 'exchange', transactionExchange)),
  at('token-endpoint', 'exchange', (honest, told) => exchangeCall(honest, { subject_token: told }))({
    ...honestly,
    name: 'a transaction token that is declared as an access token',
  }),
  at(
    'token-endpoint',
    'exchange',
    transactionExchange,
  )({
    name: 'an access token that is declared as a transaction token',
    rule: 'type',
    make: ({ tokens }) => tokens.two,
  }),
  ...[...anywhere, ...besideAnother].map(at('server-sdk', 'server', crmCallWith)),
  at('server-sdk', 'server', (honest, told) => crmCallWith(honest, told, told))({
    ...honestly,
    name: 'a transaction token twice',
  }),
  at('server-sdk', 'server', crmCall)(honestly),
  at('gateway', 'gateway', gatewayCall)(honestly),
]
