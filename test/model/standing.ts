import { RESOURCE } from './company.ts'
import {
  isAgent,
  isAlive,
  isServer,
  keptBy,
  type Model,
  partOf,
  type Said,
  seconds,
  type Token,
} from './state.ts'

const MARGIN_MS = 10_000
const SKEW_MS = 60_000

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

/** Whether introspection tells of it: a token that says more than its grant still gives is none. */
export function isActive(m: Model, token: Token): boolean {
  if (!isLive(m, token)) return false
  const { grant, server } = token.login
  if (token.audience !== RESOURCE) return token.scopes.isSubsetOf(heldBy(m, token))
  const part = partOf(m, grant, server)
  const reach = Object.entries(m.company.servers[server]?.calls ?? {}).flatMap(([from, to]) =>
    to.filter((it) => part?.scopes.has(from) && part.calls.has(`${from} ${it}`)),
  )
  return token.scopes.isSubsetOf(new Set(reach))
}

export const permits = (m: Model, agents: readonly string[], server: string, target: string) =>
  m.company.permitted.includes(target) &&
  !(server === 'crm' && agents.some((it) => m.company.forbidden.includes(it)))
