import { createPublicKey, type KeyObject } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import {
  type Bearer,
  claimsOf,
  crmCall,
  encoded,
  type Forgery,
  gatewayCall,
  type Honest,
  payrollCall,
  type Target,
} from './forgery.ts'
import { exchangeCall } from './exchange.ts'
import { rpc, type Sent } from '../support/wire.ts'

/** What every forgery of a token begins with: an honest one, and who receives it. */
interface Model extends Honest {
  readonly token: string
  readonly audience: string
}

interface TokenForgery {
  readonly name: string
  readonly rule: string
  readonly make: (model: Model) => string | Promise<string>
}

/** Signed by our own key, with claims that the service would not write. */
const claims = (changed: (model: Model) => Readonly<Record<string, unknown>>): TokenForgery['make'] => {
  return (model) => model.forge.sign(claimsOf(model.token, changed(model)))
}
const header = (changed: Readonly<Record<string, unknown>>): TokenForgery['make'] => {
  return ({ forge, token }) => forge.sign(claimsOf(token), changed)
}
const now = ({ world }: Model) => Math.floor(world.clock.now() / 1000)
const actOf = (model: Model) => claimsOf(model.token)['act'] as Readonly<Record<string, unknown>>
const delegationOf = (model: Model) => claimsOf(model.token)['dlg'] as Readonly<Record<string, unknown>>
const parts = (token: string) => token.split('.') as [string, string, string]

/** An actor chain of that many different actors. */
function chainOf(length: number, iss: string): object | undefined {
  let act: object | undefined
  for (let i = 0; i < length; i++) act = { iss, sub: `a${i}`, ...(act === undefined ? {} : { act }) }
  return act
}

async function attackerKey() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateKey, jwk: await exportJWK(publicKey) }
}

/** Signed by a key of the attacker, in the name of ours. */
const foreign = (extra: (jwk: object) => Readonly<Record<string, unknown>>): TokenForgery['make'] => {
  return async ({ forge, token }) => {
    const { privateKey, jwk } = await attackerKey()
    const protectedHeader = { alg: 'ES256', typ: 'at+jwt', kid: forge.kid, ...extra(jwk) }
    return new SignJWT(claimsOf(token)).setProtectedHeader(protectedHeader).sign(privateKey)
  }
}

function hmacWith(key: string | KeyObject, { forge, token }: Model): Promise<string> {
  const secret = Buffer.from(typeof key === 'string' ? key : key.export({ type: 'spki', format: 'pem' }))
  return new SignJWT(claimsOf(token))
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: forge.kid })
    .sign(secret)
}

/** Refused by the verifier, wherever the token is presented. */
const anywhere: readonly TokenForgery[] = [
  // The algorithm and the key
  {
    name: 'alg none, no signature',
    rule: 'malformed',
    make: ({ token, forge }) =>
      `${encoded({ alg: 'none', typ: 'at+jwt', kid: forge.kid })}.${parts(token)[1]}.`,
  },
  ...['none', 'None', 'nOnE'].map((alg) => ({
    name: `alg ${alg}, the signature left on`,
    rule: 'algorithm',
    make: ({ token, forge }: Model) =>
      `${encoded({ alg, typ: 'at+jwt', kid: forge.kid })}.${parts(token)[1]}.${parts(token)[2]}`,
  })),
  {
    name: 'HS256 with our public key (PEM) as the secret',
    rule: 'algorithm',
    make: (model) => hmacWith(createPublicKey({ key: model.forge.publicJwk, format: 'jwk' }), model),
  },
  {
    name: 'HS256 with our public key (JWK) as the secret',
    rule: 'algorithm',
    make: (model) => hmacWith(JSON.stringify(model.forge.publicJwk), model),
  },
  { name: 'another key under our kid', rule: 'signature', make: foreign(() => ({})) },
  { name: 'another key that comes along as jwk', rule: 'header', make: foreign((jwk) => ({ jwk })) },
  {
    name: 'another key that jku points to',
    rule: 'header',
    make: foreign(() => ({ jku: 'https://evil.example/jwks' })),
  },
  {
    name: 'another key that x5u points to',
    rule: 'header',
    make: foreign(() => ({ x5u: 'https://evil.example/chain' })),
  },
  { name: 'another key with a certificate in x5c', rule: 'header', make: foreign(() => ({ x5c: ['MIIB'] })) },
  { name: 'a kid that is a path', rule: 'key', make: header({ kid: '../../../dev/null' }) },
  { name: 'a kid that is SQL', rule: 'key', make: header({ kid: "' or '1'='1" }) },
  { name: 'a kid that every object has', rule: 'key', make: header({ kid: 'constructor' }) },
  { name: 'a kid that is no string', rule: 'header', make: header({ kid: ['x'] }) },
  { name: 'no kid', rule: 'header', make: header({ kid: undefined }) },
  // The header
  {
    name: 'crit names something nobody knows',
    rule: 'header',
    make: async ({ token, forge }) => {
      const [, payload, signature] = parts(token)
      return `${encoded({ alg: 'ES256', typ: 'at+jwt', kid: forge.kid, crit: ['exp'] })}.${payload}.${signature}`
    },
  },
  {
    name: 'a payload that is not encoded (b64)',
    rule: 'header',
    make: ({ token, forge }) => {
      const [, payload, signature] = parts(token)
      return `${encoded({ alg: 'ES256', typ: 'at+jwt', kid: forge.kid, b64: false })}.${payload}.${signature}`
    },
  },
  { name: 'typ JWT: an ID token in its looks', rule: 'type', make: header({ typ: 'JWT' }) },
  { name: 'no typ', rule: 'type', make: header({ typ: undefined }) },
  { name: 'typ of a client assertion', rule: 'type', make: header({ typ: 'client-authentication+jwt' }) },
  { name: 'typ of a logout token', rule: 'type', make: header({ typ: 'logout+jwt' }) },
  // The signature
  {
    name: 'a truncated signature',
    rule: 'signature',
    make: ({ token }) => token.slice(0, -8),
  },
  {
    name: 'a signature of zeros',
    rule: 'signature',
    make: ({ token }) => `${parts(token).slice(0, 2).join('.')}.${Buffer.alloc(64).toString('base64url')}`,
  },
  {
    name: 'a signature of the same length that is noise',
    rule: 'signature',
    make: ({ token }) => `${parts(token).slice(0, 2).join('.')}.${Buffer.alloc(64, 7).toString('base64url')}`,
  },
  {
    name: 'the signature with r and s swapped',
    rule: 'signature',
    make: ({ token }) => {
      const bytes = Buffer.from(parts(token)[2], 'base64url')
      const swapped = Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)])
      return `${parts(token).slice(0, 2).join('.')}.${swapped.toString('base64url')}`
    },
  },
  {
    name: 'the payload of another user under the signature',
    rule: 'signature',
    make: ({ token, bob }) => `${parts(token)[0]}.${parts(bob)[1]}.${parts(token)[2]}`,
  },
  {
    name: 'one more scope under the signature',
    rule: 'signature',
    make: ({ token }) =>
      `${parts(token)[0]}.${encoded(claimsOf(token, { scope: 'crm.read crm.write' }))}.${parts(token)[2]}`,
  },
  // The form
  { name: 'a fourth part', rule: 'malformed', make: ({ token }) => `${token}.${parts(token)[1]}` },
  { name: 'two parts', rule: 'malformed', make: ({ token }) => parts(token).slice(0, 2).join('.') },
  {
    name: 'longer than any token of ours',
    rule: 'malformed',
    make: claims(() => ({ padding: 'x'.repeat(8192) })),
  },
  {
    name: 'a claim twice: one reader takes the first, another the last',
    rule: 'malformed',
    make: ({ token, forge, bob }) => {
      const text = JSON.stringify(claimsOf(token))
      return forge.signText(`{"sub":${JSON.stringify(claimsOf(bob)['sub'])},${text.slice(1)}`)
    },
  },
  {
    name: 'a claim twice, once with escapes',
    rule: 'malformed',
    make: ({ token, forge }) =>
      forge.signText(`{"\\u0061ud":"x",${JSON.stringify(claimsOf(token)).slice(1)}`),
  },
  {
    name: 'a member twice deep in act',
    rule: 'malformed',
    make: ({ token, forge }) =>
      forge.signText(JSON.stringify(claimsOf(token)).replace('"act":{', '"act":{"sub":"evil",')),
  },
  {
    name: 'a payload that is an array',
    rule: 'malformed',
    make: ({ forge, token }) => forge.signText(JSON.stringify([claimsOf(token)])),
  },
  // Time
  {
    name: 'expired',
    rule: 'expired',
    make: claims((model) => ({ iat: now(model) - 400, exp: now(model) - 100 })),
  },
  {
    name: 'not valid before a time to come',
    rule: 'not_yet',
    make: claims((model) => ({ nbf: now(model) + 100 })),
  },
  {
    name: 'issued in the future',
    rule: 'not_yet',
    make: claims((model) => ({ iat: now(model) + 100, exp: now(model) + 400 })),
  },
  { name: 'no end', rule: 'claims', make: claims(() => ({ exp: undefined })) },
  {
    name: 'an end that is a string',
    rule: 'claims',
    make: claims((model) => ({ exp: `${now(model) + 100}` })),
  },
  { name: 'an end beyond all numbers', rule: 'claims', make: claims(() => ({ exp: 1e300 })) },
  {
    name: 'an end before its beginning',
    rule: 'claims',
    make: claims((model) => ({ iat: now(model) + 30, exp: now(model) + 20 })),
  },
  // Issuer and audience
  { name: 'another issuer', rule: 'issuer', make: claims(() => ({ iss: 'https://evil.example' })) },
  {
    name: 'our issuer with a slash',
    rule: 'issuer',
    make: claims(({ world }) => ({ iss: `${world.publicUrl}/` })),
  },
  { name: 'no issuer', rule: 'claims', make: claims(() => ({ iss: undefined })) },
  {
    name: 'the audience of another mount',
    rule: 'audience',
    make: claims(({ world }) => ({ aud: world.mount('notes') })),
  },
  {
    name: 'the audience of another server',
    rule: 'audience',
    make: claims(({ world }) => ({ aud: world.urls.notes })),
  },
  {
    name: 'the issuer as audience',
    rule: 'audience',
    make: claims(({ world }) => ({ aud: world.publicUrl })),
  },
  {
    name: 'several audiences, ours among them',
    rule: 'claims',
    make: claims(({ audience, world }) => ({ aud: [audience, world.urls.notes] })),
  },
  { name: 'our audience in a list', rule: 'claims', make: claims(({ audience }) => ({ aud: [audience] })) },
  {
    name: 'our audience with a slash',
    rule: 'audience',
    make: claims(({ audience }) => ({ aud: `${audience}/` })),
  },
  {
    name: 'our audience in capitals',
    rule: 'audience',
    make: claims(({ audience }) => ({ aud: audience.toUpperCase() })),
  },
  {
    name: 'a longer audience that begins with ours',
    rule: 'audience',
    make: claims(({ audience }) => ({ aud: `${audience}.evil` })),
  },
  // Who acts
  { name: 'nobody acts', rule: 'claims', make: claims(() => ({ act: undefined })) },
  { name: 'act is a list', rule: 'chain', make: claims((model) => ({ act: [actOf(model)] })) },
  {
    name: 'an actor without issuer',
    rule: 'chain',
    make: claims((model) => ({ act: { ...actOf(model), iss: undefined } })),
  },
  {
    name: 'an actor with claims of its own',
    rule: 'chain',
    make: claims((model) => ({ act: { ...actOf(model), scope: 'all' } })),
  },
  {
    name: 'an actor twice',
    rule: 'loop',
    make: claims((model) => ({
      act: { ...actOf(model), act: { iss: actOf(model)['iss'], sub: actOf(model)['sub'] } },
    })),
  },
  {
    name: 'the user as an actor',
    rule: 'subject',
    make: claims((model) => ({
      act: { iss: model.world.publicUrl, sub: claimsOf(model.token)['sub'], act: actOf(model) },
    })),
  },
  { name: 'nine actors', rule: 'depth', make: claims(({ world }) => ({ act: chainOf(9, world.publicUrl) })) },
  { name: 'a chain without end', rule: 'depth', make: claims(() => ({ act: chainOf(60, 'i') })) },
  {
    name: 'one actor more than hop counts',
    rule: 'chain',
    make: claims((model) => ({ act: { iss: model.world.publicUrl, sub: 'evil', act: actOf(model) } })),
  },
  {
    name: 'a hop too many',
    rule: 'chain',
    make: claims((model) => ({ dlg: { ...delegationOf(model), hop: 7 } })),
  },
  { name: 'no lineage', rule: 'claims', make: claims(() => ({ dlg: undefined })) },
  {
    name: 'a lineage without ancestor',
    rule: 'claims',
    make: claims((model) => ({ dlg: { ...delegationOf(model), anc: [] } })),
  },
  {
    name: 'a depth below zero',
    rule: 'claims',
    make: claims((model) => ({ dlg: { ...delegationOf(model), rem: -1 } })),
  },
  { name: 'may_act is anybody', rule: 'claims', make: claims(() => ({ may_act: '*' })) },
  // The rest
  { name: 'bound to a key that nobody proves', rule: 'binding', make: claims(() => ({ cnf: { jkt: 'x' } })) },
  { name: 'bound to nothing', rule: 'binding', make: claims(() => ({ cnf: null })) },
  { name: 'no subject', rule: 'claims', make: claims(() => ({ sub: undefined })) },
  { name: 'a subject that is a list', rule: 'claims', make: claims(() => ({ sub: ['a', 'b'] })) },
  { name: 'no transaction', rule: 'claims', make: claims(() => ({ txn: undefined })) },
  { name: 'scopes that are a list', rule: 'claims', make: claims(() => ({ scope: ['crm.read'] })) },
  {
    name: 'scopes parted by a line end',
    rule: 'claims',
    make: claims(() => ({ scope: 'crm.read\ncrm.write' })),
  },
  {
    name: 'an ID token',
    rule: 'type',
    make: ({ forge, token, world }) => {
      const { iss, sub, iat, exp, auth_time } = claimsOf(token)
      const claims: JWTPayload = {
        iss: iss ?? '',
        sub: sub ?? '',
        iat: iat ?? 0,
        exp: exp ?? 0,
        aud: 'assistant',
      }
      return forge.sign({ ...claims, auth_time, nonce: world.publicUrl }, { typ: 'JWT' })
    },
  },
]

/** Refused by who can ask the grant: the chain holds for itself. */
const grantRules: readonly TokenForgery[] = [
  {
    name: 'a grant that nobody gave',
    rule: 'grant',
    make: claims((model) => ({ dlg: { ...delegationOf(model), gid: 'forged' } })),
  },
  {
    name: 'another user under this grant',
    rule: 'grant',
    make: claims(({ bob }) => ({ sub: claimsOf(bob)['sub'] })),
  },
  {
    name: 'the grant of another user',
    rule: 'grant',
    make: claims((model) => ({
      dlg: { ...delegationOf(model), gid: (claimsOf(model.bob)['dlg'] as { gid: string }).gid },
    })),
  },
  { name: 'a user that is nobody', rule: 'grant', make: claims(() => ({ sub: 'nobody' })) },
  {
    name: 'an agent that is nobody',
    rule: 'grant',
    make: claims((model) => ({
      act: JSON.parse(JSON.stringify(actOf(model)).replace('"assistant"', '"evil"')) as object,
    })),
  },
  ...[
    ['an agent at a host that nobody accepts', 'https://evil.example/client.json'],
    ['an agent at an accepted host, under the grant of another', 'https://claude.ai/oauth/client.json'],
    ['an agent that never registered', 'dyn_aaaaaaaaaaaaaaaaaaaaaa'],
  ].map(([name = '', agent = '']) => ({
    name,
    rule: 'grant',
    make: claims((model) => ({
      act: JSON.parse(JSON.stringify(actOf(model)).replace('"assistant"', JSON.stringify(agent))) as object,
    })),
  })),
  {
    name: 'an agent of another issuer',
    rule: 'grant',
    make: claims((model) => ({
      act: JSON.parse(
        JSON.stringify(actOf(model)).replace(
          `"iss":"${model.world.publicUrl}","sub":"assistant"`,
          '"iss":"https://evil.example","sub":"assistant"',
        ),
      ) as object,
    })),
  },
  {
    name: 'a chain that may not grow',
    rule: 'depth',
    make: claims((model) => ({ dlg: { ...delegationOf(model), rem: 0 } })),
  },
]

interface Place {
  readonly target: Target
  readonly where: string
  readonly model: (honest: Honest) => Bearer
  readonly call: (honest: Honest, token: string) => Sent | Promise<Sent>
}

const places: readonly Place[] = [
  {
    target: 'gateway',
    where: 'gateway',
    model: ({ tokens, world }) => ({ token: tokens.one, audience: world.mount('crm') }),
    call: gatewayCall,
  },
  {
    target: 'server-sdk',
    where: 'server',
    model: ({ tokens, world }) => ({ token: tokens.two, audience: world.urls.crm }),
    call: crmCall,
  },
  {
    target: 'server-sdk',
    where: 'API',
    model: ({ tokens, world }) => ({ token: tokens.three, audience: world.urls.payroll }),
    call: payrollCall,
  },
  {
    target: 'token-endpoint',
    where: 'exchange',
    model: ({ tokens, world }) => ({ token: tokens.two, audience: world.urls.crm }),
    call: (honest, token) => exchangeCall(honest, { subject_token: token }),
  },
]

/** `verifier`: its rule is one of the verifier's, which can be asked without sending anything. */
function at(
  { target, where, model, call }: Place,
  { name, rule, make }: TokenForgery,
  verifier = true,
): Forgery {
  const made = new WeakMap<Honest, Promise<string>>()
  const token = (honest: Honest) => {
    const once = made.get(honest) ?? Promise.resolve(make({ ...honest, ...model(honest) }))
    made.set(honest, once)
    return once
  }
  return {
    name: `${where}: ${name}`,
    rule,
    target,
    kind: 'token',
    request: async (honest) => call(honest, await token(honest)),
    ...(verifier && {
      bearer: async (honest: Honest) => ({ token: await token(honest), audience: model(honest).audience }),
    }),
  }
}

const [gateway, server, api, exchange] = places as [Place, Place, Place, Place]

/** A token of this very walk, given to somebody else than it was issued for. */
const misdirected: readonly Forgery[] = (
  [
    [gateway, 'token 2, which the gateway itself was given', 'two'],
    [gateway, 'token 3', 'three'],
    [gateway, 'token 1 of another mount', 'notesOne'],
    [server, 'token 1: the agent goes around the gateway', 'one'],
    [server, 'token 3: the API calls back', 'three'],
    [server, 'token 2 of another server', 'notesTwo'],
    [api, 'token 1: the agent calls the API', 'one'],
    [api, 'token 2: the server passes on what it received', 'two'],
    [exchange, 'token 1 as the subject', 'one'],
    [exchange, 'token 3 as the subject', 'three'],
    [exchange, 'token 2 of another server as the subject', 'notesTwo'],
  ] as const
).map(([place, name, held]) => at(place, { name, rule: 'audience', make: ({ tokens }) => tokens[held] }))

/** Holds, and says more than the user agreed to: the grant decides, not the token. */
const beyondTheGrant: Forgery = {
  name: 'gateway: a scope that the user never granted',
  rule: 'grant',
  target: 'gateway',
  kind: 'request',
  refused: { status: 403, error: 'gateway.scope_missing' },
  request: async ({ forge, tokens, world }) =>
    rpc({
      url: world.mount('crm'),
      token: await forge.sign(claimsOf(tokens.one, { scope: 'crm.read crm.write' })),
      params: { name: 'delete_customer', arguments: { id: 'c-1' } },
    }),
}

export const tokenForgeries: readonly Forgery[] = [
  beyondTheGrant,
  ...places.flatMap((place) => anywhere.map((forgery) => at(place, forgery))),
  ...[gateway, exchange].flatMap((place) => grantRules.map((forgery) => at(place, forgery, false))),
  ...misdirected,
]
