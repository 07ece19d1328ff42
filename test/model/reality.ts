import { createHash, randomBytes, scryptSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endsToken, type AccessToken, revocablesOf, TOKEN_TYPE_ACCESS_TOKEN } from '@tetrapod/protocol'
import { createVerifier } from '@tetrapod/server-sdk'
import { importJWK, type JWK } from 'jose'
import { formsOf } from '../../demo/src/walk/html-forms.ts'
import { build } from '../../service/src/main.ts'
import { CHALLENGE, createPerson, EXCHANGE, type Person, VERIFIER } from '../support/by-hand.ts'
import { close, freePorts, listen } from '../support/ports.ts'
import { ask, rpc, send } from '../support/wire.ts'
import { type Company, mountOf, REDIRECT_URI, SERVERS, urlOf, USERS, written } from './company.ts'

const SECRET = 'a-secret-of-every-party-0123456789'
const PASSWORD = 'a-password-of-everybody'
const HASH = hashOf(PASSWORD)

export type Reality = Awaited<ReturnType<typeof openReality>>
export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}
interface Entry {
  readonly kind: string
  readonly id_hash: string
  readonly at: number
}

/** The running service, with everybody who talks to it, over sockets. Its clock goes on when it is told to. */
export async function openReality(company: Company) {
  const [own = 0, upstreamPort = 0] = await freePorts(2)
  const at = { publicUrl: `http://127.0.0.1:${own}`, upstream: `http://127.0.0.1:${upstreamPort}` }
  const directory = await mkdtemp(join(tmpdir(), 'tetrapod-model-'))
  let now = Date.now()
  const clock = { now: () => now }
  const received = new Map<string, string>()
  const upstream = await listen(
    (request, response) => void answered(request, response, received),
    upstreamPort,
  )
  const hashes = Object.fromEntries(USERS.map((user) => [user, HASH]))
  const quiet = () => {}
  const service = await build({
    config: { text: written(company, at, hashes), environment: { SECRET } },
    dataDirectory: directory,
    clock,
    log: { info: quiet, warn: quiet, error: quiet },
  })
  await service.listen()

  const people = new Map<string, Person>(USERS.map((user) => [user, createPerson(at.publicUrl)]))
  const personOf = (user: string) => people.get(user) ?? createPerson(at.publicUrl)
  const verifier = createVerifier({ issuer: at.publicUrl, keys: keysOf(at.publicUrl), clock })
  const entries: Entry[] = []
  let sequence = 0

  const post = async (
    path: string,
    client: string,
    form: Readonly<Record<string, string | undefined>>,
  ): Promise<Answer> => {
    const sent = Object.entries({ ...form, client_id: client, client_secret: SECRET })
    const body = new URLSearchParams(sent.filter((it): it is [string, string] => it[1] !== undefined))
    const { status, text } = await send({
      url: `${at.publicUrl}${path}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString(),
    })
    return { status, body: JSON.parse(text) as Answer['body'] }
  }
  const operator = async (path: string) => {
    const { status, text } = await ask(service.socket, 'POST', path)
    if (status !== 204) throw new Error(`${path}: ${status} ${text}`)
  }
  let calls = 0

  return {
    publicUrl: at.publicUrl,
    urls: Object.fromEntries(SERVERS.map((server) => [server, urlOf(at, server)])),
    now: () => now,
    advance: (milliseconds: number) => void (now += milliseconds),
    operator,
    verify: (jwt: string, audience: string): Promise<AccessToken> => verifier.verify(jwt, audience),
    /** As a person who leaves ticked what they want to give. Undefined: no code came of it. */
    async login(asked: {
      readonly user: string
      readonly agent: string
      readonly server: string
      readonly scopes: ReadonlySet<string>
      readonly prompt: boolean
      readonly ticked: ReadonlySet<string>
      readonly handsOver: boolean
      readonly lastsSeconds: number
    }) {
      const person = personOf(asked.user)
      const url = new URL(`${at.publicUrl}/authorize`)
      url.search = new URLSearchParams({
        response_type: 'code',
        client_id: asked.agent,
        redirect_uri: REDIRECT_URI,
        state: 'state',
        code_challenge: CHALLENGE,
        code_challenge_method: 'S256',
        resource: mountOf(at, asked.server),
        scope: [...asked.scopes].join(' '),
        ...(asked.prompt ? { prompt: 'consent' } : {}),
      }).toString()
      let stop = await person.follow(url.href)
      const signsIn = stop.url.pathname === '/sign-in'
      if (signsIn) stop = await person.submit(stop, { username: asked.user, password: PASSWORD })
      const isShown = stop.response?.status === 200 && stop.body.includes('name="lasts"')
      if (isShown) {
        const unticked = [...asked.scopes].filter((it) => !asked.ticked.has(it)).map((it) => `scope:${it}`)
        let { body } = stop
        for (const box of unticked) body = body.replace(new RegExp(`(name="${box}"[^>]*?) checked`), '$1')
        if (!asked.handsOver) body = body.replace(/(name="agent:[^>]*?) checked/g, '$1')
        stop = await person.submit(
          { ...stop, body },
          { decision: 'allow', lasts: String(asked.lastsSeconds) },
        )
      }
      const code = stop.response === undefined ? stop.url.searchParams.get('code') : null
      return { signsIn, isShown, code: code ?? undefined, text: stop.text || stop.url.search }
    },
    redeem: (agent: string, server: string, code: string) =>
      post('/token', agent, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: REDIRECT_URI,
        code_verifier: VERIFIER,
        resource: mountOf(at, server),
      }),
    refresh: (agent: string, value: string, scopes?: ReadonlySet<string>) =>
      post('/token', agent, {
        grant_type: 'refresh_token',
        refresh_token: value,
        scope: scopes === undefined ? undefined : [...scopes].join(' '),
      }),
    exchange: (
      caller: string,
      jwt: string,
      target: { readonly audience?: string; readonly resource?: string },
      scopes?: ReadonlySet<string>,
    ) =>
      post('/token', caller, {
        grant_type: EXCHANGE,
        subject_token: jwt,
        subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
        ...target,
        scope: scopes === undefined ? undefined : [...scopes].join(' '),
      }),
    introspect: (client: string, jwt: string) => post('/introspect', client, { token: jwt }),
    revoke: (client: string, token: string) => post('/revoke', client, { token }),
    /** What became of a call, and the token that the server was called with. */
    async call(
      jwt: string,
      server: string,
      tool: string,
    ): Promise<{ readonly result: string; readonly two?: string }> {
      const id = `call-${++calls}`
      const params = { name: tool, arguments: { id } }
      const { status, text } = await send(rpc({ url: mountOf(at, server), token: jwt, params, id }))
      const { error } = JSON.parse(text) as { readonly error?: { readonly message?: string } }
      if (status === 403) return { result: 'no scope' }
      if (status !== 200) return { result: String(status) }
      if (error !== undefined)
        return { result: error.message?.includes('tool') ? 'no tool' : `error: ${text}` }
      const two = received.get(id)
      return two === undefined ? { result: 'nothing arrived' } : { result: 'ok', two }
    },
    async signOut(user: string): Promise<void> {
      const person = personOf(user)
      const page = await person.follow(`${at.publicUrl}/grants`)
      const form = formsOf(page.body).find(({ action }) => action === '/sign-out')
      if (form === undefined) throw new Error(`no sign-out: ${page.text}`)
      const answer = await person.send(`${at.publicUrl}/sign-out`, {
        method: 'POST',
        headers: { origin: at.publicUrl },
        body: new URLSearchParams({ ...form.fields }),
      })
      if (answer.status !== 200) throw new Error(`sign-out: ${answer.status}`)
    },
    reload: (next: Company) => service.reload(written(next, at, hashes)),
    /** Reads the feed to its end. */
    async readFeed(): Promise<void> {
      const basic = Buffer.from(`archive:${SECRET}`).toString('base64')
      for (;;) {
        const { text } = await send({
          method: 'GET',
          url: `${at.publicUrl}/revocations?after=${sequence}&wait=0`,
          headers: { authorization: `Basic ${basic}` },
        })
        const page = JSON.parse(text) as { sequence: number; entries: readonly Entry[]; more?: boolean }
        entries.push(...page.entries)
        sequence = page.sequence
        if (page.more !== true) return
      }
    },
    /** What an API says that has the keys and the feed alone. */
    holdsByFeed(token: AccessToken): boolean {
      if (token.expiresAt * 1000 + 60_000 <= now) return false
      const named = new Set(revocablesOf(token).map(({ kind, id }) => `${kind} ${sha256(id)}`))
      return !entries.some((entry) => named.has(`${entry.kind} ${entry.id_hash}`) && endsToken(entry, token))
    },
    async close(): Promise<void> {
      await service.close()
      await close(upstream)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** An MCP server that answers everything, and keeps what it was called with. */
async function answered(
  request: IncomingMessage,
  response: ServerResponse,
  received: Map<string, string>,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { id, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
    readonly id: string
    readonly params: { readonly arguments: { readonly id: string } }
  }
  received.set(params.arguments.id, request.headers.authorization?.replace('Bearer ', '') ?? '')
  const result = { content: [{ type: 'text', text: 'done' }], resultType: 'complete' }
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
}

/** Our keys, fetched anew for one that is not known. */
function keysOf(publicUrl: string) {
  const known = new Map<string, CryptoKey>()
  return async (kid: string): Promise<CryptoKey | undefined> => {
    if (known.has(kid)) return known.get(kid)
    const { text } = await send({ method: 'GET', url: `${publicUrl}/jwks` })
    for (const key of (JSON.parse(text) as { readonly keys: readonly JWK[] }).keys) {
      const imported = await importJWK(key, 'ES256')
      if (imported instanceof CryptoKey) known.set(String(key.kid), imported)
    }
    return known.get(kid)
  }
}

/** As cheap as a configuration may have it. */
function hashOf(password: string): string {
  const salt = randomBytes(16)
  const hash = scryptSync(password, salt, 32, { N: 1024, r: 1, p: 1 })
  return `scrypt:1024:1:1:${salt.toString('base64url')}:${hash.toString('base64url')}`
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')
