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
/** Who acts next on it: the gateway as its mount, or the server that received it. */
const nextActor = ({ world, audience }: Model) => (audience === world.mount('crm') ? audience : 'crm')
const priorOf = (model: Model) => {
  const { act } = actOf(model)
  return act === undefined ? {} : { act }
}
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

/** Another header over the payload and the signature of the honest token. */
const reheaded = (text: string): TokenForgery['make'] => {
  return ({ token }) => `${encoded(text)}.${parts(token)[1]}.${parts(token)[2]}`
}
const headerOf = ({ forge }: Model, changed: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: forge.kid, ...changed })
const withDelegation = (changed: Readonly<Record<string, unknown>>): TokenForgery['make'] =>
  claims((model) => ({ dlg: { ...delegationOf(model), ...changed } }))
const withActor = (changed: Readonly<Record<string, unknown>>): TokenForgery['make'] =>
  claims((model) => ({ act: { ...actOf(model), ...changed } }))

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
  { name: 'typ of an ID-JAG', rule: 'type', make: header({ typ: 'oauth-id-jag+jwt' }) },
  { name: 'typ of a transaction token', rule: 'type', make: header({ typ: 'txntoken+jwt' }) },
  { name: 'typ in a list', rule: 'type', make: header({ typ: ['at+jwt'] }) },
  { name: 'typ and a space', rule: 'type', make: header({ typ: 'at+jwt ' }) },
  { name: 'a kid that is empty', rule: 'header', make: header({ kid: '' }) },
  {
    name: 'a kid and a space',
    rule: 'key',
    make: (model) => reheaded(headerOf(model, { kid: `${model.forge.kid} ` }))(model),
  },
  ...['es256', 'ES384', 'ES256K', 'RS256', 'PS256'].map((alg) => ({
    name: `an algorithm that we do not sign with: ${alg}`,
    rule: 'algorithm',
    make: (model: Model) => reheaded(headerOf(model, { alg }))(model),
  })),
  {
    name: 'an algorithm that we know and this key is not for',
    rule: 'algorithm',
    make: (model) => reheaded(headerOf(model, { alg: 'Ed25519' }))(model),
  },
  {
    name: 'no algorithm',
    rule: 'algorithm',
    make: (model) => reheaded(headerOf(model, { alg: undefined }))(model),
  },
  {
    name: 'algorithms in a list',
    rule: 'algorithm',
    make: (model) => reheaded(headerOf(model, { alg: ['ES256'] }))(model),
  },
  {
    name: 'two algorithms: one reader takes the first, another the last',
    rule: 'malformed',
    make: (model) => reheaded(headerOf(model).replace('{', '{"alg":"none",'))(model),
  },
  {
    name: 'a header that is a list',
    rule: 'malformed',
    make: (model) => reheaded(`[${headerOf(model)}]`)(model),
  },
  {
    name: 'a header that is no JSON',
    rule: 'malformed',
    make: (model) => reheaded(headerOf(model).slice(0, -1))(model),
  },
  {
    name: 'a header changed after signing',
    rule: 'signature',
    make: (model) => reheaded(headerOf(model, { cty: 'x' }))(model),
  },
  // The signature
  {
    name: 'a signature in DER, as other software writes it',
    rule: 'signature',
    make: ({ token }) => {
      const raw = Buffer.from(parts(token)[2], 'base64url')
      const integer = (bytes: Buffer) => Buffer.concat([Buffer.of(2, 33, 0), bytes])
      const der = Buffer.concat([
        Buffer.of(0x30, 70),
        integer(raw.subarray(0, 32)),
        integer(raw.subarray(32)),
      ])
      return `${parts(token).slice(0, 2).join('.')}.${der.toString('base64url')}`
    },
  },
  {
    name: 'the honest signature and one byte more',
    rule: 'signature',
    make: ({ token }) => {
      const longer = Buffer.concat([Buffer.from(parts(token)[2], 'base64url'), Buffer.of(0)])
      return `${parts(token).slice(0, 2).join('.')}.${longer.toString('base64url')}`
    },
  },
  {
    name: 'the signature over another header',
    rule: 'signature',
    make: async ({ token, forge }) => {
      const other = await forge.sign(claimsOf(token), { typ: 'JWT' })
      return `${parts(token).slice(0, 2).join('.')}.${parts(other)[2]}`
    },
  },
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
  {
    name: 'five parts: an encrypted one',
    rule: 'malformed',
    make: ({ token }) => `${token}.${parts(token)[1]}.${parts(token)[2]}`,
  },
  {
    name: 'parts that are padded',
    rule: 'malformed',
    make: ({ token }) => `${parts(token)[0]}.${parts(token)[1]}.${parts(token)[2]}==`,
  },
  {
    name: 'another alphabet of base64',
    rule: 'malformed',
    make: ({ token }) => `${parts(token)[0]}.${parts(token)[1]}.+/${parts(token)[2].slice(2)}`,
  },
  {
    name: 'a token in a token',
    rule: 'malformed',
    make: ({ token, forge }) => forge.signText(JSON.stringify(token)),
  },
  {
    name: 'a signed payload that is cut off',
    rule: 'malformed',
    make: ({ token, forge }) => forge.signText(JSON.stringify(claimsOf(token)).slice(0, -1)),
  },
  {
    name: 'a chain as deep as a token has room for',
    rule: 'malformed',
    make: ({ forge }) => forge.signText(`${'{"act":'.repeat(700)}{}${'}'.repeat(700)}`),
  },
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
  { name: 'no beginning', rule: 'claims', make: claims(() => ({ iat: undefined })) },
  { name: 'an end before time itself', rule: 'claims', make: claims(() => ({ exp: -1 })) },
  { name: 'an end with a fraction', rule: 'claims', make: claims((model) => ({ exp: now(model) + 100.5 })) },
  { name: 'a beginning that is no number', rule: 'claims', make: claims(() => ({ nbf: 'never' })) },
  // Issuer and audience
  { name: 'no audience', rule: 'claims', make: claims(() => ({ aud: undefined })) },
  { name: 'an empty audience', rule: 'claims', make: claims(() => ({ aud: '' })) },
  { name: 'no audiences in the list', rule: 'claims', make: claims(() => ({ aud: [] })) },
  {
    name: 'our issuer in capitals',
    rule: 'issuer',
    make: claims(({ world }) => ({ iss: world.publicUrl.toUpperCase() })),
  },
  { name: 'issuers in a list', rule: 'claims', make: claims(({ world }) => ({ iss: [world.publicUrl] })) },
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
  { name: 'an actor with an empty name', rule: 'chain', make: withActor({ sub: '' }) },
  { name: 'an actor with a name that is too long', rule: 'chain', make: withActor({ sub: 'a'.repeat(257) }) },
  {
    name: 'an actor that is a client alone',
    rule: 'chain',
    make: withActor({ sub: undefined, client_id: 'assistant' }),
  },
  { name: 'an actor with an end of its own', rule: 'chain', make: withActor({ exp: 1e12 }) },
  { name: 'an actor with a binding of its own', rule: 'chain', make: withActor({ cnf: { jkt: 'x' } }) },
  { name: 'an actor in another case', rule: 'chain', make: withActor({ Sub: 'evil' }) },
  { name: 'an actor whose client is a list', rule: 'chain', make: withActor({ client_id: ['gateway'] }) },
  {
    name: 'an actor with the name of a property',
    rule: 'chain',
    make: withActor({ constructor: { name: 'x' } }),
  },
  {
    name: 'an actor with a prototype',
    rule: 'chain',
    make: ({ token, forge }) =>
      forge.signText(
        JSON.stringify(claimsOf(token)).replace('"act":{', '"act":{"__proto__":{"sub":"evil"},'),
      ),
  },
  { name: 'an actor before nobody', rule: 'chain', make: withActor({ act: null }) },
  {
    name: 'an actor before a list of them',
    rule: 'chain',
    make: claims((model) => ({ act: { ...actOf(model), act: [actOf(model)] } })),
  },
  { name: 'act is a text', rule: 'chain', make: claims((model) => ({ act: JSON.stringify(actOf(model)) })) },
  {
    name: 'seventeen actors',
    rule: 'depth',
    make: claims(({ world }) => ({ act: chainOf(17, world.publicUrl) })),
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
  { name: 'no hop', rule: 'claims', make: withDelegation({ hop: 0 }) },
  { name: 'no depth', rule: 'claims', make: withDelegation({ rem: undefined }) },
  { name: 'a depth with a fraction', rule: 'claims', make: withDelegation({ rem: 0.5 }) },
  { name: 'a depth that is a text', rule: 'claims', make: withDelegation({ rem: '7' }) },
  { name: 'a lineage without grant', rule: 'claims', make: withDelegation({ gid: undefined }) },
  { name: 'a lineage with an empty grant', rule: 'claims', make: withDelegation({ gid: '' }) },
  { name: 'a lineage with more in it', rule: 'claims', make: withDelegation({ user: 'evil' }) },
  {
    name: 'a lineage with more ancestors than there can be',
    rule: 'claims',
    make: withDelegation({ anc: Array.from({ length: 65 }, (_, i) => `a${i}`) }),
  },
  { name: 'a lineage whose ancestors are a text', rule: 'claims', make: withDelegation({ anc: 'family' }) },
  {
    name: 'a lineage that is a list',
    rule: 'claims',
    make: claims((model) => ({ dlg: [delegationOf(model)] })),
  },
  {
    name: 'handed over, to nobody',
    rule: 'claims',
    make: claims((model) => ({ dlg: { ...delegationOf(model), res: model.audience } })),
  },
  {
    name: 'may_act is a list',
    rule: 'claims',
    make: claims(({ world }) => ({ may_act: [{ iss: world.publicUrl, sub: 'crm' }] })),
  },
  { name: 'may_act without an issuer', rule: 'claims', make: claims(() => ({ may_act: { sub: 'crm' } })) },
  {
    name: 'may_act with a chain of its own',
    rule: 'claims',
    make: claims((model) => ({ may_act: { iss: model.world.publicUrl, sub: 'crm', act: actOf(model) } })),
  },
  { name: 'may_act is anybody', rule: 'claims', make: claims(() => ({ may_act: '*' })) },
  // The rest
  { name: 'bound to a key that nobody proves', rule: 'binding', make: claims(() => ({ cnf: { jkt: 'x' } })) },
  { name: 'bound to nothing', rule: 'binding', make: claims(() => ({ cnf: null })) },
  {
    name: 'bound to a certificate that nobody shows',
    rule: 'binding',
    make: claims(() => ({ cnf: { 'x5t#S256': 'x' } })),
  },
  {
    name: 'bound to a key that comes along',
    rule: 'binding',
    make: claims(({ forge }) => ({ cnf: { jwk: forge.publicJwk } })),
  },
  { name: 'bound in a list', rule: 'binding', make: claims(() => ({ cnf: [] })) },
  { name: 'the nonce of an ID token', rule: 'claims', make: claims(() => ({ nonce: 'n1' })) },
  {
    name: 'the events of a logout token',
    rule: 'claims',
    make: claims(() => ({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } })),
  },
  ...['client_id', 'jti', 'scope', 'auth_time', 'acr', 'sid', 'sub_id'].map((name) => ({
    name: `no ${name}`,
    rule: 'claims',
    make: claims(() => ({ [name]: undefined })),
  })),
  {
    name: 'a user of the identity provider by mail alone',
    rule: 'claims',
    make: claims(() => ({ sub_id: { format: 'email', email: 'alice@example.com' } })),
  },
  { name: 'an empty subject', rule: 'claims', make: claims(() => ({ sub: '' })) },
  { name: 'an id that is too long', rule: 'claims', make: claims(() => ({ jti: 'x'.repeat(513) })) },
  { name: 'scopes in quotes', rule: 'claims', make: claims(() => ({ scope: '"crm.read"' })) },
  {
    name: 'a claim in another case in place of the real one',
    rule: 'claims',
    make: claims((model) => ({ sub: undefined, Sub: claimsOf(model.token)['sub'] })),
  },
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
  {
    name: 'another user as the account behind this one',
    rule: 'grant',
    make: claims((model) => ({ dlg: { ...delegationOf(model), sub: claimsOf(model.bob)['sub'] } })),
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
  ...(
    [
      ['another', (iss) => ({ iss, sub: 'evil' })],
      ['somebody of the right name at another issuer', (_, sub) => ({ iss: 'https://evil.example', sub })],
      ['the right one as another client', (iss, sub) => ({ iss, sub, client_id: 'evil' })],
    ] as const satisfies readonly (readonly [string, (iss: string, sub: string) => object])[]
  ).map(([name, named]) => ({
    name: `may_act names ${name}`,
    rule: 'may_act',
    make: claims((model) => ({ may_act: named(model.world.publicUrl, nextActor(model)) })),
  })),
  {
    name: 'an actor that nobody knows between those who acted',
    rule: 'actor',
    make: claims((model) => ({
      act: { ...actOf(model), act: { iss: model.world.publicUrl, sub: 'evil', ...priorOf(model) } },
      dlg: { ...delegationOf(model), hop: Number(delegationOf(model)['hop']) + 1 },
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
