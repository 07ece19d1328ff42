import { createHash, randomUUID } from 'node:crypto'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { importJWK, type JWK, SignJWT } from 'jose'
import { createCookieJar } from '../../demo/src/walk/cookie-jar.ts'
import { formsOf, refreshOf, textOf } from '../../demo/src/walk/html-forms.ts'
import { passwords, type World } from './world.ts'

export type Form = Readonly<Record<string, string | readonly string[] | undefined>>

/** PKCE by hand: the verifier of every code that this file asks for. */
export const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** A browser that does one request at a time, so that a test can look, and lie, in between. */
export interface Person {
  send(url: string, init?: RequestInit): Promise<Response>
  /** Goes where redirects and meta refreshes of ours lead: to a page of ours, or to the first address that is not. */
  follow(url: string): Promise<Stop>
  /** Sends the form of a page of ours, as that page would. */
  submit(stop: Stop, values: Readonly<Record<string, string>>): Promise<Stop>
  /** The `Cookie` header for an address. */
  cookies(url: string): string
}

export interface Stop {
  readonly url: URL
  /** Undefined for an address that is not ours, which was not opened. */
  readonly response: Response | undefined
  readonly body: string
  readonly text: string
}

export function createPerson(origin: string): Person {
  const jar = createCookieJar()
  const person: Person = {
    async send(url, init = {}) {
      const headers = new Headers(init.headers)
      const cookie = jar.for(new URL(url))
      if (cookie !== undefined) headers.set('cookie', cookie)
      const response = await fetch(url, { ...init, headers, redirect: 'manual' })
      jar.keep(new URL(url), response.headers.getSetCookie())
      return response
    },
    async follow(url) {
      let at = new URL(url)
      for (let hop = 0; hop < 12; hop++) {
        if (at.origin !== origin) return { url: at, response: undefined, body: '', text: '' }
        const response = await person.send(at.href)
        const body = await response.text()
        const next = response.headers.get('location') ?? refreshOf(body)
        if (next === undefined || next === null) return { url: at, response, body, text: textOf(body) }
        at = new URL(next, at)
      }
      throw new Error(`${url} leads in circles`)
    },
    async submit({ url, body }, values) {
      const [form] = formsOf(body)
      if (form === undefined) throw new Error(`there is no form at ${url.pathname}: ${textOf(body)}`)
      const target = new URL(form.action, url)
      const response = await person.send(target.href, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams({ ...form.fields, ...values }),
      })
      const answer = await response.text()
      const next = refreshOf(answer)
      if (next !== undefined) return person.follow(new URL(next, target).href)
      return { url: target, response, body: answer, text: textOf(answer) }
    },
    cookies: (url) => jar.for(new URL(url)) ?? '',
  }
  return person
}

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** What an attacker, or a client without our SDK, writes by hand. */
export function byHand(world: World) {
  const { publicUrl, urls, agentKey } = world

  const authorizationRequest = (parameters: Form = {}): Form => ({
    response_type: 'code',
    client_id: 'assistant',
    redirect_uri: urls.agent,
    state: 'the-state',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    resource: world.mount('crm'),
    scope: 'crm.read',
    ...parameters,
  })

  const authorizeUrl = (parameters: Form = {}): string => {
    const url = new URL(`${publicUrl}/authorize`)
    for (const [name, value] of Object.entries(authorizationRequest(parameters)))
      append(url.searchParams, name, value)
    return url.href
  }

  /** Goes from an authorization request to the consent page or beyond it, signing in on the way where it is asked. */
  const toConsent = async (person: Person, parameters: Form = {}, username = 'alice') => {
    const stop = await person.follow(authorizeUrl(parameters))
    if (stop.url.pathname !== '/sign-in') return stop
    return person.submit(stop, { username, password: passwords[username] ?? '' })
  }

  /** The address that the agent is sent back to, by a person who agrees to everything. */
  const callback = async (person: Person, parameters: Form = {}, username = 'alice'): Promise<URL> => {
    const stop = await toConsent(person, parameters, username)
    if (stop.response === undefined) return stop.url
    return (await person.submit(stop, { decision: 'allow' })).url
  }

  const codeOf = async (person: Person, parameters: Form = {}, username = 'alice') => {
    const { searchParams } = await callback(person, parameters, username)
    const code = searchParams.get('code')
    if (code === null) throw new Error(`no code: ${searchParams.toString()}`)
    return code
  }

  const posted = async (path: string, parameters: Form, headers: Record<string, string>): Promise<Answer> => {
    const body = new URLSearchParams()
    for (const [name, value] of Object.entries(parameters)) append(body, name, value)
    const response = await fetch(`${publicUrl}${path}`, { method: 'POST', body, headers })
    return { status: response.status, body: (await response.json()) as Answer['body'] }
  }
  const token = (parameters: Form, headers: Record<string, string> = {}) =>
    posted('/token', parameters, headers)

  /** Pushes an authorization request as `assistant` does. `parameters` replace what it would send. */
  const push = async (parameters: Form = {}, headers: Record<string, string> = {}) =>
    posted('/par', { ...authorizationRequest(), ...(await proof()), ...parameters }, headers)

  const assertion = (
    overrides: {
      readonly claims?: Readonly<Record<string, unknown>>
      readonly header?: Readonly<Record<string, unknown>>
      readonly key?: JWK
      readonly id?: string
    } = {},
  ) => signAssertion({ issuer: publicUrl, id: 'assistant', key: agentKey, ...overrides })

  const proof = async (...overrides: Parameters<typeof assertion>): Promise<Form> => ({
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: await assertion(...overrides),
  })

  /** Redeems a code as `assistant` does. `parameters` replace what it would send; undefined leaves it out. */
  const redeem = async (code: string, parameters: Form = {}, headers: Record<string, string> = {}) =>
    token(
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: urls.agent,
        code_verifier: VERIFIER,
        resource: world.mount('crm'),
        ...(await proof()),
        ...parameters,
      },
      headers,
    )

  /** Uses a refresh token as `assistant` does. `parameters` replace what it would send. */
  const refresh = async (
    refreshToken: unknown,
    parameters: Form = {},
    headers: Record<string, string> = {},
  ) =>
    token(
      {
        grant_type: 'refresh_token',
        refresh_token: String(refreshToken),
        ...(await proof()),
        ...parameters,
      },
      headers,
    )

  return { authorizeUrl, toConsent, callback, codeOf, token, assertion, proof, redeem, refresh, push }
}

/** A private key as either SDK holds it. */
export type Signer = JWK | { readonly kid: string; readonly privateKey: CryptoKey }

/** A client assertion (RFC 7523), honest unless told otherwise. Claims that are undefined are left out. */
export async function signAssertion(options: {
  readonly issuer: string
  readonly id: string
  readonly key: Signer
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}): Promise<string> {
  const { issuer, id, key, claims, header } = options
  const now = Math.floor(Date.now() / 1000)
  const honest = { iss: id, sub: id, aud: issuer, jti: randomUUID(), iat: now, exp: now + 60 }
  return new SignJWT({ ...honest, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: String(key.kid), typ: 'client-authentication+jwt', ...header })
    .sign(
      'privateKey' in key && key.privateKey instanceof CryptoKey
        ? key.privateKey
        : await importJWK({ ...key }, 'ES256'),
    )
}

/** The tools that the gateway lists for a token. Rejects when it refuses the token. */
export async function toolsFor(mount: string, token: string): Promise<readonly string[]> {
  const client = await officialClient(mount, token)
  const { tools } = await client.listTools()
  await client.close()
  return tools.map(({ name }) => name)
}

/** The official client, connected with a token that somebody else obtained. */
export async function officialClient(mount: string, token: string): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  const authProvider = { token: () => Promise.resolve(token) }
  await client.connect(new StreamableHTTPClientTransport(new URL(mount), { authProvider }))
  return client
}

function append(to: URLSearchParams, name: string, value: Form[string]): void {
  for (const one of typeof value === 'string' ? [value] : (value ?? [])) to.append(name, one)
}
