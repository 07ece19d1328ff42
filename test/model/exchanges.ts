import { API, MAX_AGE_SECONDS, RESOURCE } from './company.ts'
import { heldBy, isEnded, isLive, permits } from './standing.ts'
import {
  type Expected,
  isKnown,
  isServer,
  type Model,
  mount,
  partOf,
  refused,
  type Said,
  seconds,
  serverAt,
  type Token,
} from './state.ts'

const TOKEN_SECONDS = 300
const LEFT_MIN_SECONDS = 10

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
export function next(
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
