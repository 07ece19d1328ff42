import type { ClientKey, Login } from '@tetrapod/agent-sdk'
import { decodeJwt, type JWTPayload } from 'jose'
import { byHand, createPerson, type Form } from '../support/by-hand.ts'
import { type Forge, openForge } from '../support/forge.ts'
import { rpc, send, type Sent } from '../support/wire.ts'
import type { World } from '../support/world.ts'

export type Target = 'gateway' | 'server-sdk' | 'token-endpoint'

/**
 * What is forged. A `token` or a `client` is refused with one answer per target, whatever is wrong with it; a `request`
 * says itself how it is refused; an `ignored` one is served as if the forged part were not there.
 */
export type Forgery = {
  readonly name: string
  /** Which rule refuses it: for a token the code of the `Refusal`, where the verifier alone can tell. */
  readonly rule: string
  readonly target: Target
  readonly request: (honest: Honest) => Sent | Promise<Sent>
} & (
  | { readonly kind: 'token'; readonly bearer?: (honest: Honest) => Bearer | Promise<Bearer> }
  | { readonly kind: 'client' | 'ignored' }
  | {
      readonly kind: 'request'
      readonly refused: Refused
      /** All of one group are answered alike, to the last header. Absent: what is wrong may be said. */
      readonly alike?: string
    }
)

/** The status, and the code of the error: JSON-RPC's at the gateway, OAuth's at the token endpoint, ours in front of both. */
export interface Refused {
  readonly status: number
  readonly error: number | string
}

/** A token and who receives it. */
export interface Bearer {
  readonly token: string
  readonly audience: string
}

/** What an attacker may hold: every token of an honest walk, the public keys, and here even our own key. */
export interface Honest {
  readonly world: World
  readonly forge: Forge
  /** The agent's key: a party's own, used where it does not belong. */
  readonly agentKey: ClientKey
  /** Tokens 1 to 3 of Alice at the CRM, and token 1 and 2 at `notes`. */
  readonly tokens: Readonly<Record<'one' | 'two' | 'three' | 'notesOne' | 'notesTwo', string>>
  /** Token 1 of Bob at the CRM. */
  readonly bob: string
  /** Of Bob's, not used. */
  readonly refreshToken: string
  /** A new code of Bob's for the agent `assistant`, with {@link VERIFIER}. */
  readonly code: () => Promise<string>
}

export async function openHonest(world: World): Promise<Honest> {
  const one = tokenOf(await world.signIn('alice', { scopes: ['crm.read'] }))
  await send(rpc({ url: world.mount('crm'), token: one, params: { name: 'my_commission', arguments: {} } }))
  const notesOne = tokenOf(await world.signIn('alice', { server: 'notes' }))
  await send(
    rpc({ url: world.mount('notes'), token: notesOne, params: { name: 'echo', arguments: { text: 'x' } } }),
  )
  const bob = tokenOf(await world.signIn('bob', { scopes: ['crm.read'] }))
  const tokens = {
    one,
    two: world.lastToken('crm'),
    three: world.lastToken('payroll'),
    notesOne,
    notesTwo: world.lastToken('notes'),
  }
  const hand = byHand(world)
  const person = createPerson(world.publicUrl)
  const code = () => hand.codeOf(person, {}, 'bob')
  const { body } = await hand.redeem(await code())
  const refreshToken = String(body['refresh_token'])
  return { world, forge: await openForge(world), agentKey: world.agentKey, tokens, bob, refreshToken, code }
}

function tokenOf(login: Login): string {
  return login.token() ?? ''
}

/** Claims of an honest token, some of them replaced; undefined leaves one out. */
export function claimsOf(token: string, changed: Readonly<Record<string, unknown>> = {}): JWTPayload {
  const all = { ...decodeJwt(token), ...changed }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

export function encoded(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** The honest call at the gateway, which each forgery changes in one place. */
export function gatewayCall({ world }: Honest, token: string | undefined): Sent {
  return rpc({ url: world.mount('crm'), token, params: { name: 'find_customer', arguments: { query: 'a' } } })
}

/** A form at the token endpoint, less the parameters that have no value; `more` is added as it is. */
export function tokenCall({ world }: Honest, fields: Form, more = ''): Sent {
  const sent = Object.entries(fields).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return {
    url: `${world.publicUrl}/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `${new URLSearchParams(sent).toString()}${more}`,
  }
}

/** The honest call at the CRM itself, as the gateway makes it. */
export function crmCall({ world }: Honest, token: string): Sent {
  return rpc({ url: world.urls.crm, token, params: { name: 'my_commission', arguments: {} } })
}

/** The honest call at the API, as the CRM makes it. */
export function payrollCall({ world }: Honest, token: string): Sent {
  return {
    method: 'GET',
    url: `${world.urls.payroll}/commission`,
    headers: { authorization: `Bearer ${token}` },
  }
}
