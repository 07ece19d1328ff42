import {
  type Expected,
  isKnown,
  isServer,
  keptBy,
  type Login,
  type Model,
  mount,
  partOf,
  type RefreshToken,
  refused,
  seconds,
  type Session,
} from './state.ts'

const TOKEN_SECONDS = 300
const AGAIN_MS = 10_000
const CODE_MS = 60_000
const IDLE_MS = 14 * 24 * 3600_000
const SESSION_SECONDS = 12 * 3600

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
