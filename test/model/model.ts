import { API, type Company, companyWithout, MAX_AGE_SECONDS, type Piece, RESOURCE } from './company.ts'

/*
 * Who may do what, as docs/delegation.md, consent-and-grants.md, revocation.md and lifetimes.md say it, and nothing of how the
 * service does it. Times in milliseconds, but for what tokens carry.
 */

const TOKEN_SECONDS = 300
const LEFT_MIN_SECONDS = 10
const AGAIN_MS = 10_000
const MARGIN_MS = 10_000
const SKEW_MS = 60_000
const CODE_MS = 60_000
const IDLE_MS = 14 * 24 * 3600_000
const SESSION_SECONDS = 12 * 3600

export interface Session {
  readonly user: string
  readonly authTime: number
  /** Not known before a token says it. */
  id?: string
  isOut: boolean
}

interface Part {
  readonly scopes: ReadonlySet<string>
  /** `crm.read payroll.read` */
  readonly calls: ReadonlySet<string>
  /** `planner researcher` */
  readonly delegates: ReadonlySet<string>
  readonly since: number
  readonly until: number
}

export interface Grant {
  readonly user: string
  readonly agent: string
  id?: string
  isRevoked: boolean
  parts: Readonly<Record<string, Part>>
}

export interface Login {
  readonly grant: Grant
  readonly session: Session
  readonly agent: string
  readonly server: string
  readonly scopes: ReadonlySet<string>
  readonly beganAt: number
  family?: string
  /** Gives no token any more. */
  isOver: boolean
  /** And those that are out end with it, for good. */
  isKilled: boolean
  readonly refreshTokens: RefreshToken[]
}

export interface RefreshToken {
  readonly value: string
  readonly expiresAt: number
  usedAt?: number
  next?: string
}

/** What a token says of itself, as it must be. */
export interface Said {
  readonly login: Login
  readonly parent?: Token
  readonly audience: string
  readonly client: string
  /** Outermost first. */
  readonly chain: readonly string[]
  readonly scopes: ReadonlySet<string>
  readonly iat: number
  readonly exp: number
  /** The mount that it was handed over for. */
  readonly res?: string
}

export interface Token extends Said {
  readonly jwt: string
  readonly jti: string
  readonly txn: string
  /** The key that signed it. */
  readonly key: string
  isRevoked: boolean
}

/** What comes back under its name: it ends what was issued before, and a little after. */
interface End {
  readonly kind: 'user' | 'agent' | 'server' | 'edge'
  readonly id: string
  readonly at: number
}

export interface Model {
  readonly publicUrl: string
  readonly urls: Readonly<Record<string, string>>
  now: number
  readonly out: Set<Piece>
  company: Company
  readonly disabled: Set<string>
  /** The session of each user's browser. */
  readonly browsers: Map<string, Session>
  readonly grants: Grant[]
  readonly logins: Login[]
  readonly tokens: Token[]
  readonly ends: End[]
  readonly endedKeys: Set<string>
  /** The `sub` of each user. */
  readonly accounts: Map<string, string>
  /** How often each thing happened: a model that is never asked finds nothing. */
  readonly seen: Map<string, number>
}

export function createModel(at: Pick<Model, 'publicUrl' | 'urls' | 'now'>): Model {
  return {
    ...at,
    out: new Set(),
    company: companyWithout(new Set()),
    disabled: new Set(),
    browsers: new Map(),
    grants: [],
    logins: [],
    tokens: [],
    ends: [],
    endedKeys: new Set(),
    accounts: new Map(),
    seen: new Map(),
  }
}

export const seconds = (m: Model) => Math.floor(m.now / 1000)
export const mount = (m: Pick<Model, 'publicUrl'>, server: string) => `${m.publicUrl}/${server}/mcp`
export const isAgent = (m: Model, key: string) => Object.hasOwn(m.company.agents, key)
export const isServer = (m: Model, key: string) => Object.hasOwn(m.company.servers, key)
const serverAt = (m: Model, address: string) =>
  Object.keys(m.company.servers).find((key) => mount(m, key) === address)
const partOf = (m: Model, grant: Grant, server: string): Part | undefined => {
  const part = grant.parts[server]
  return grant.isRevoked || part === undefined || part.until <= m.now ? undefined : part
}
const isAlive = (m: Model, grant: Grant) =>
  Object.keys(grant.parts).some((it) => partOf(m, grant, it) !== undefined)
/** Whether this party can say who it is. */
export const isKnown = (m: Model, client: string) =>
  isServer(m, client) ||
  (isAgent(m, client) && !m.disabled.has(client)) ||
  (client === API && m.company.hasApi)
const keptBy = (m: Model, { grant, server }: Login, scopes: Iterable<string>) => {
  const held = partOf(m, grant, server)?.scopes
  return new Set([...scopes].filter((scope) => held?.has(scope)))
}

// Sign-in, consent.

export const sessionOf = (m: Model, user: string): Session | undefined => {
  const session = m.browsers.get(user)
  const lives = session !== undefined && !session.isOut && session.authTime + SESSION_SECONDS > seconds(m)
  return lives && m.company.users.includes(user) ? session : undefined
}

/** Who hands to whom, once this agent hands to its own. */
function handovers(m: Model, from: string): readonly string[] {
  const to = m.company.agents[from] ?? []
  return to.flatMap((it) => [`${from} ${it}`, ...handovers(m, it)])
}

function callsFrom(m: Model, server: string, scopes: ReadonlySet<string>): readonly string[] {
  const calls = Object.entries(m.company.servers[server]?.calls ?? {})
  return calls.flatMap(([from, to]) => (scopes.has(from) ? to.map((it) => `${from} ${it}`) : []))
}

export const currentGrant = (m: Model, user: string, agent: string) =>
  m.grants.find((it) => it.user === user && it.agent === agent && !it.isRevoked)

/** Whether the user agreed to all of it before: then no page asks. */
export function isCovered(
  m: Model,
  user: string,
  agent: string,
  server: string,
  scopes: ReadonlySet<string>,
) {
  const grant = currentGrant(m, user, agent)
  const part = grant && partOf(m, grant, server)
  return (
    part !== undefined &&
    [...scopes].every((it) => part.scopes.has(it)) &&
    callsFrom(m, server, scopes).every((it) => part.calls.has(it)) &&
    handovers(m, agent).every((it) => part.delegates.has(it))
  )
}

export interface Consent {
  readonly user: string
  readonly agent: string
  readonly server: string
  readonly asked: ReadonlySet<string>
  readonly ticked: ReadonlySet<string>
  readonly handsOver: boolean
  readonly lastsSeconds: number
}

export function consent(
  m: Model,
  { user, agent, server, asked, ticked, handsOver, lastsSeconds }: Consent,
): void {
  const before = currentGrant(m, user, agent)
  const grant = before ?? { user, agent, isRevoked: false, parts: {} }
  if (before === undefined) m.grants.push(grant)
  const kept = partOf(m, grant, server)
  const stays = (scope = '') => !asked.has(scope) || ticked.has(scope)
  const keptCalls = [...(kept?.calls ?? [])].filter((call) => stays(call.split(' ')[0]))
  const left = Object.entries(grant.parts).filter(([, { until }]) => until > m.now)
  grant.parts = {
    ...Object.fromEntries(left),
    [server]: {
      scopes: new Set([...(kept?.scopes ?? [])].filter(stays)).union(ticked),
      calls: new Set([...keptCalls, ...callsFrom(m, server, ticked)]),
      delegates: new Set(handsOver ? handovers(m, agent) : []),
      since: kept?.since ?? m.now,
      until: m.now + lastsSeconds * 1000,
    },
  }
}

export function beginLogin(m: Model, login: Pick<Login, 'grant' | 'session' | 'server' | 'scopes'>): Login {
  const begun: Login = {
    ...login,
    agent: login.grant.agent,
    beganAt: m.now,
    isOver: false,
    isKilled: false,
    refreshTokens: [],
  }
  m.logins.push(begun)
  return begun
}

const isOpen = (m: Model, login: Login) => {
  const part = partOf(m, login.grant, login.server)
  return !login.isOver && part !== undefined && part.since <= login.beganAt
}

/** A refusal with one of these codes, or a token that says this. */
export type Expected = { readonly error: string } | { readonly token: Said }
const refused = (error: string) => ({ error })

/** Token 1 of a login, with these of its scopes. */
function root(m: Model, login: Login, scopes: ReadonlySet<string>): Expected {
  const until = partOf(m, login.grant, login.server)?.until ?? 0
  return {
    token: {
      login,
      audience: mount(m, login.server),
      client: login.agent,
      chain: [login.agent],
      scopes,
      iat: seconds(m),
      exp: Math.min(seconds(m) + TOKEN_SECONDS, Math.floor(until / 1000)),
    },
  }
}

export function redeem(
  m: Model,
  login: Login,
  given: { readonly at: number; readonly again: boolean },
): Expected {
  if (!isKnown(m, login.agent)) return refused('invalid_client')
  if (given.again || given.at + CODE_MS <= m.now || !isOpen(m, login)) return refused('invalid_grant')
  if (!m.company.users.includes(login.grant.user)) return refused('invalid_grant')
  if (!isServer(m, login.server)) return refused('invalid_target')
  return root(m, login, keptBy(m, login, login.scopes))
}

export const refreshTokenOf = (m: Model, value: string): RefreshToken => ({
  value,
  expiresAt: m.now + IDLE_MS,
})

export function refresh(
  m: Model,
  login: Login,
  used: RefreshToken,
  narrowed?: ReadonlySet<string>,
): Expected {
  if (!isKnown(m, login.agent)) return refused('invalid_client')
  if (!isOpen(m, login)) return refused('invalid_grant')
  const isLate = used.usedAt === undefined ? used.expiresAt <= m.now : m.now - used.usedAt >= AGAIN_MS
  if (isLate) return refused('invalid_grant')
  const known = new Set(m.company.servers[login.server]?.scopes)
  const scopes = keptBy(m, login, narrowed ?? login.scopes).intersection(known)
  if (narrowed?.isSubsetOf(login.scopes) === false) return refused('invalid_scope')
  if (scopes.size > 0) return root(m, login, scopes)
  return refused(narrowed === undefined ? 'invalid_grant' : 'invalid_scope')
}

/** Showing what was used a while ago ends the login, if it is its own agent that shows it. */
export const isReplay = (m: Model, login: Login, { usedAt }: RefreshToken) =>
  isKnown(m, login.agent) && isOpen(m, login) && usedAt !== undefined && m.now - usedAt >= AGAIN_MS

// What holds.

function edgesOf({ audience, chain }: Pick<Said, 'audience' | 'chain'>): readonly string[] {
  const stops = [audience, ...chain]
  return chain.map((from, i) => `${from} ${stops[i] ?? ''}`)
}

/** Whether something that the token ends with was revoked; it may be one that is only about to be issued. */
export function isEnded(m: Model, token: Said | Token): boolean {
  const { login, audience, chain } = token
  if (login.grant.isRevoked || login.session.isOut || login.isKilled || isTakenBack(token)) return true
  if ('key' in token && m.endedKeys.has(token.key)) return true
  const parties = new Set([audience, ...chain])
  const edges = new Set(edgesOf(token))
  const concerned = {
    user: (id: string) => id === login.grant.user,
    agent: (id: string) => parties.has(id),
    server: (id: string) => parties.has(id),
    edge: (id: string) => edges.has(id),
  }
  return m.ends.some(({ kind, id, at }) => token.iat * 1000 <= at + MARGIN_MS && concerned[kind](id))
}

const isTakenBack = (token: Said | Token): boolean =>
  ('isRevoked' in token && token.isRevoked) || (token.parent !== undefined && isTakenBack(token.parent))

/** What an SDK says that has the keys and the feed, and knows nothing else. */
export const holdsElsewhere = (m: Model, token: Token) =>
  !isEnded(m, token) && token.exp * 1000 + SKEW_MS > m.now

/** Whether everything behind the token lives: what every hop asks. */
export function isLive(m: Model, token: Token): boolean {
  const { login, chain, audience, res } = token
  const { grant, server } = login
  const agents = chain.filter((it) => !it.startsWith('http') && it !== server)
  const acted = agents.slice(1).map((from, i) => `${from} ${agents[i] ?? ''}`)
  const handed = res === undefined ? acted : [`${agents[0] ?? ''} ${audience}`, ...acted]
  const delegates = partOf(m, grant, server)?.delegates
  return (
    token.exp > seconds(m) &&
    !isEnded(m, token) &&
    isAlive(m, grant) &&
    m.company.users.includes(grant.user) &&
    agents.every((it) => isAgent(m, it) && !m.disabled.has(it)) &&
    (agents.length === chain.length || isServer(m, server)) &&
    handed.every((edge) => {
      const [from = '', to = ''] = edge.split(' ')
      return (
        isServer(m, server) && m.company.agents[from]?.includes(to) === true && delegates?.has(edge) === true
      )
    })
  )
}

/** What the token gives now, at its own mount. */
export const heldBy = (m: Model, token: Token) => keptBy(m, token.login, token.scopes)

const permits = (m: Model, agents: readonly string[], server: string, target: string) =>
  m.company.permitted.includes(target) &&
  !(server === 'crm' && agents.some((it) => m.company.forbidden.includes(it)))

// Exchange, RFC 8693.

export interface Request {
  readonly caller: string
  readonly token: Token
  /** An agent, a server (its mount), or the API. */
  readonly target: string
  readonly scopes: ReadonlySet<string> | undefined
}

export function exchange(m: Model, request: Request): Expected {
  const { caller, token } = request
  if (!isKnown(m, caller)) return refused('invalid_client')
  if (isServer(m, caller)) return towardsApi(m, request)
  if (caller === 'solo') return refused('unauthorized_client')
  const hands = m.company.agents[caller]?.includes(request.target) === true
  if (!hands && !isServer(m, request.target)) return refused('invalid_target')
  if (hands) {
    const isOwn =
      token.client === caller && token.chain[0] === caller && serverAt(m, token.audience) !== undefined
    return isOwn ? handedOver(m, request) : refused('invalid_request')
  }
  const isMine = token.audience === caller && token.res === mount(m, request.target)
  return isMine ? takenUp(m, request) : refused('invalid_request')
}

/** The next token: never longer, and never issued where it would be dead at birth. */
function next(
  m: Model,
  parent: Token,
  change: Pick<Said, 'audience' | 'client' | 'chain' | 'scopes' | 'res'>,
): Expected {
  const token: Said = { login: parent.login, parent, ...change, iat: seconds(m), exp: endAfter(m, parent) }
  return isEnded(m, token) ? refused('invalid_request') : { token }
}

function endAfter(m: Model, { exp, login }: Token): number {
  const until = partOf(m, login.grant, login.server)?.until ?? Infinity
  return Math.min(seconds(m) + TOKEN_SECONDS, exp, Math.floor(until / 1000))
}

const isTooShort = (m: Model, token: Token) => endAfter(m, token) - seconds(m) < LEFT_MIN_SECONDS

function handedOver(m: Model, { caller, token, target, scopes }: Request): Expected {
  const { server } = token.login
  if (!isLive(m, token) || m.disabled.has(target) || isTooShort(m, token)) return refused('invalid_request')
  if (!permits(m, [target, ...token.chain], server, server)) return refused('access_denied')
  if (scopes === undefined) return refused('invalid_request')
  if (![...scopes].every((it) => m.company.servers[server]?.scopes.includes(it)))
    return refused('invalid_scope')
  if (!scopes.isSubsetOf(heldBy(m, token))) return refused('invalid_scope')
  const part = partOf(m, token.login.grant, server)
  if (part?.delegates.has(`${caller} ${target}`) !== true) return refused('consent_required')
  return next(m, token, { audience: target, client: caller, chain: token.chain, scopes, res: token.audience })
}

function takenUp(m: Model, { caller, token, target, scopes }: Request): Expected {
  if (!isLive(m, token) || isTooShort(m, token)) return refused('invalid_request')
  const chain = [caller, ...token.chain]
  if (!permits(m, chain, target, target)) return refused('access_denied')
  const asked = scopes ?? heldBy(m, token)
  if (asked.size === 0 || ![...asked].every((it) => m.company.servers[target]?.scopes.includes(it)))
    return refused('invalid_scope')
  if (!asked.isSubsetOf(heldBy(m, token))) return refused('invalid_scope')
  return next(m, token, { audience: mount(m, target), client: caller, chain, scopes: asked })
}

function towardsApi(m: Model, { caller, token, target, scopes }: Request): Expected {
  const edges = Object.entries(m.company.servers[caller]?.calls ?? {})
  if (target !== API || !m.company.hasApi || edges.length === 0) return refused('invalid_target')
  if (token.audience !== m.urls[caller] || !isLive(m, token) || isTooShort(m, token))
    return refused('invalid_request')
  const agents = token.chain.filter((it) => !it.startsWith('http'))
  if (!permits(m, agents, caller, API)) return refused('access_denied')
  const held = heldBy(m, token)
  const shown = partOf(m, token.login.grant, caller)?.calls
  const reach = edges.flatMap(([from, to]) =>
    to.filter((it) => held.has(from) && shown?.has(`${from} ${it}`)),
  )
  const asked = scopes ?? new Set(reach)
  if (asked.size === 0 || ![...asked].every((it) => ['payroll.read', 'payroll.pay'].includes(it)))
    return refused('invalid_scope')
  if (![...asked].every((it) => reach.includes(it))) {
    const leads = new Set(edges.flatMap(([, to]) => to))
    return refused(asked.isSubsetOf(leads) ? 'consent_required' : 'access_denied')
  }
  const tooOld = token.login.session.authTime + MAX_AGE_SECONDS
  if (tooOld - seconds(m) < LEFT_MIN_SECONDS) return refused('insufficient_user_authentication')
  const given = next(m, token, {
    audience: RESOURCE,
    client: caller,
    chain: [caller, ...token.chain],
    scopes: asked,
  })
  return 'error' in given ? given : { token: { ...given.token, exp: Math.min(given.token.exp, tooOld) } }
}

// The gateway.

/** A status, `no tool`, `no scope`, or the token that the server is called with. */
export type Called = string | { readonly token: Said }

export function call(m: Model, token: Token, server: string, tool: string): Called {
  if (!isServer(m, server)) return '404'
  if (token.audience !== mount(m, server) || !isLive(m, token)) return '401'
  const needed = m.company.servers[server]?.tools[tool]
  if (needed === undefined || !permits(m, token.chain, server, server)) return 'no tool'
  const scopes = new Set(needed)
  if (!scopes.isSubsetOf(heldBy(m, token))) return 'no scope'
  const chain = [mount(m, server), ...token.chain]
  const given = next(m, token, { audience: m.urls[server] ?? '', client: 'gateway', chain, scopes })
  return 'error' in given ? '401' : given
}

// What ends it.

const end = (m: Model, kind: End['kind'], id: string) => void m.ends.push({ kind, id, at: m.now })
function close(m: Model, which: (login: Login) => boolean): void {
  for (const login of m.logins) if (which(login)) login.isOver = true
}

export function kill(login: Login): void {
  login.isOver = true
  login.isKilled = true
}

export function signOut(m: Model, session: Session): void {
  session.isOut = true
  close(m, (login) => login.session === session)
}

export function signOutEverywhere(m: Model, user: string): void {
  end(m, 'user', user)
  m.browsers.delete(user)
  close(m, ({ grant }) => grant.user === user)
}

export function disable(m: Model, agent: string): void {
  m.disabled.add(agent)
  end(m, 'agent', agent)
  close(m, (login) => login.agent === agent)
}

/** What tokens may rest on: what it is, and what about it must stay as it is. */
function standing({ agents, servers }: Company): ReadonlyMap<string, string> {
  const delegates = Object.entries(agents).flatMap(([from, to]) => to.map((it) => `${from} ${it}`))
  const calls = Object.entries(servers).flatMap(([server, { calls }]) =>
    Object.entries(calls).flatMap(([from, to]) =>
      to.map((it) => [`${server} ${from} ${it}`, `${server} ${RESOURCE}`] as const),
    ),
  )
  return new Map([...delegates.map((it) => [it, it] as const), ...calls])
}

/** Takes these out, or puts them back, in one step. */
export function edit(m: Model, pieces: readonly Piece[]): void {
  for (const piece of pieces) if (!m.out.delete(piece)) m.out.add(piece)
  const [before, after] = [m.company, companyWithout(m.out)]
  m.company = after
  for (const user of before.users) if (!after.users.includes(user)) signOutEverywhere(m, user)
  for (const agent of Object.keys(before.agents)) {
    if (Object.hasOwn(after.agents, agent)) continue
    end(m, 'agent', agent)
    close(m, (login) => login.agent === agent)
  }
  for (const server of Object.keys(before.servers)) {
    if (Object.hasOwn(after.servers, server)) continue
    end(m, 'server', server)
    end(m, 'server', mount(m, server))
    close(m, (login) => login.server === server)
  }
  const left = standing(after)
  for (const [step, edge] of standing(before)) if (!left.has(step)) end(m, 'edge', edge)
}
