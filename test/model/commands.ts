import * as fc from 'fast-check'
import { expect } from 'vitest'
import { AGENTS, API, CLIENTS, PIECES, SERVERS, USERS } from './company.ts'
import * as can from './model.ts'
import { callTool, note, observe, outcome } from './observe.ts'
import type { Reality } from './reality.ts'

export type Command = fc.AsyncCommand<can.Model, Reality>
type Act = (m: can.Model, r: Reality) => Promise<void>

/** One thing that somebody does. What it asks of the model, and of the service, is looked at again after it. */
function command(name: string, act: Act, check: (m: Readonly<can.Model>) => boolean = () => true): Command {
  return {
    check,
    async run(m, r) {
      await act(m, r)
      await observe(m, r)
    },
    toString: () => name,
  }
}

/** Counts from the end. */
const pick = <T>(all: readonly T[], n: number): T => {
  const found = all[all.length - 1 - (n % all.length)]
  if (found === undefined) throw new Error('none')
  return found
}
/** Live tokens before dead ones. */
const tokens = (m: Readonly<can.Model>) => {
  const isLive = (it: can.Token) => can.isLive(m, it)
  return [...m.tokens.filter((it) => !isLive(it)), ...m.tokens.filter(isLive)]
}
/** Mostly nothing: an honest party is the rule. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const recent = fc.integer({ min: 0, max: 11 })
const SCOPES = { crm: ['crm.read', 'crm.write'], notes: ['notes.read'] } as const
const scopesOf = ({ server }: can.Login) => SCOPES[server === 'crm' ? 'crm' : 'notes']
const subset = (all: readonly string[], mask: number) => new Set(all.filter((_, i) => mask & (1 << i)))
const named = (text: object) => JSON.stringify(text)

// What may happen between a code and its redemption, and at any other time.

const signOut = async (m: can.Model, r: Reality, user: string) => {
  const session = can.sessionOf(m, user)
  if (session === undefined) return
  note(m, 'sign-out')
  await r.signOut(user)
  can.signOut(m, session)
}
const disable = async (m: can.Model, r: Reality, agent: string) => {
  if (!can.isAgent(m, agent)) return
  if (m.disabled.delete(agent)) return r.operator(`/agents/${agent}/enable`)
  note(m, 'disable')
  await r.operator(`/agents/${agent}/disable`)
  can.disable(m, agent)
}
const revokeGrant = async (m: can.Model, r: Reality, grant: can.Grant | undefined) => {
  if (grant?.id === undefined || grant.isRevoked) return
  note(m, 'revoke grant')
  await r.operator(`/grants/${grant.id}/revoke`)
  grant.isRevoked = true
}
const advance = (m: can.Model, r: Reality, milliseconds: number) => {
  r.advance(milliseconds)
  m.now = r.now()
}

interface Asking {
  readonly user: string
  readonly agent: string
  readonly server: 'crm' | 'notes'
  readonly asks: number
  readonly ticks: number
  readonly handsOver: boolean
  readonly lastsSeconds: number
  readonly prompt: boolean
  readonly meanwhile: string
}

const login = fc
  .record<Asking>({
    user: fc.constantFrom(...USERS),
    agent: fc.constantFrom('planner', 'planner', 'planner', 'solo'),
    server: fc.constantFrom('crm', 'crm', 'crm', 'notes'),
    asks: fc.constantFrom(3, 3, 1, 2),
    ticks: fc.constantFrom(3, 3, 3, 1, 2),
    handsOver: fc.constantFrom(true, true, true, false),
    lastsSeconds: fc.constantFrom(2592000, 86400, 3600),
    prompt: fc.constantFrom(false, false, true),
    meanwhile: seldom(fc.constantFrom('sign-out', 'disable', 'revoke grant', 'a minute', 'again')).map(
      (it) => it ?? '',
    ),
  })
  .map((it) => command(`login ${named(it)}`, (m, r) => logIn(m, r, it)))

/** The whole journey: authorization request, pages, code, redemption; and what happens before the last. */
async function logIn(m: can.Model, r: Reality, it: Asking): Promise<void> {
  const { user, agent, server, meanwhile } = it
  const known = m.company.servers[server]?.scopes ?? SCOPES[server]
  const asked = subset(known, it.asks)
  if (asked.size === 0) return
  const some = asked.intersection(subset(known, it.ticks))
  const ticked = some.size === 0 ? asked : some
  const isOffered = can.isKnown(m, agent) && can.isServer(m, server)
  const before = can.sessionOf(m, user)
  const covered = can.isCovered(m, user, agent, server, asked) && !it.prompt
  const done = await r.login({ ...it, scopes: asked, ticked })
  if (done.signsIn && m.company.users.includes(user))
    m.browsers.set(user, { user, authTime: can.seconds(m), isOut: false })
  const isGiven = isOffered && m.company.users.includes(user)
  note(m, `login: ${isGiven ? (covered ? 'covered' : 'consent') : 'refused'}`)
  expect({ ...done, code: done.code !== undefined }, named(it)).toMatchObject({
    ...(isOffered ? { signsIn: before === undefined, isShown: isGiven && !covered } : {}),
    code: isGiven,
  })
  const session = m.browsers.get(user)
  if (done.code === undefined || session === undefined) return
  if (!covered) can.consent(m, { ...it, asked, ticked })
  const grant = can.currentGrant(m, user, agent)
  if (grant === undefined) throw new Error('no grant')
  const begun = can.beginLogin(m, { grant, session, server, scopes: covered ? asked : ticked })
  const given = { at: m.now, code: done.code }
  if (meanwhile === 'sign-out') await signOut(m, r, user)
  if (meanwhile === 'disable') await disable(m, r, agent)
  if (meanwhile === 'revoke grant') await revokeGrant(m, r, grant)
  if (meanwhile === 'a minute') advance(m, r, 60_000)
  await redeem(m, r, begun, { ...given, again: false })
  if (meanwhile !== 'again') return
  await redeem(m, r, begun, { ...given, again: true })
  can.kill(begun)
}

const honestly = {
  agent: 'planner',
  server: 'crm',
  asks: 3,
  ticks: 3,
  handsOver: true,
  lastsSeconds: 86400,
  prompt: false,
  meanwhile: '',
} as const

/** Nothing comes of dead tokens: where no login lives, an honest one comes first. */
async function begin(m: can.Model, r: Reality, n: number): Promise<void> {
  if (m.tokens.some((it) => it.parent === undefined && can.isLive(m, it))) return
  await logIn(m, r, { ...honestly, user: USERS[n % USERS.length] ?? 'alice' })
  await observe(m, r)
}

async function redeem(
  m: can.Model,
  r: Reality,
  begun: can.Login,
  { code, ...given }: { readonly at: number; readonly code: string; readonly again: boolean },
) {
  const expected = can.redeem(m, begun, given)
  const answer = await r.redeem(begun.agent, begun.server, code)
  const token = await outcome(m, r, 'redeem', answer, expected)
  if (token !== undefined)
    begun.refreshTokens.push(can.refreshTokenOf(m, String(answer.body['refresh_token'])))
}

interface Refreshing {
  readonly which: number
  readonly older: number
  readonly narrow: number
}

const refresh = fc
  .record<Refreshing>({
    which: recent,
    older: fc.constantFrom(0, 0, 0, 0, 1, 2),
    narrow: fc.constantFrom(0, 0, 0, 1, 2, 3),
  })
  .map((it) =>
    command(
      `refresh ${named(it)}`,
      (m, r) => refreshOne(m, r, pick(withRefresh(m), it.which), it),
      (m) => withRefresh(m).length > 0,
    ),
  )

async function refreshOne(
  m: can.Model,
  r: Reality,
  begun: can.Login,
  { older, narrow }: Pick<Refreshing, 'older' | 'narrow'>,
): Promise<void> {
  const used = pick(begun.refreshTokens, older)
  const narrowed = narrow === 0 ? undefined : subset(scopesOf(begun), narrow)
  if (narrowed?.size === 0) return
  const expected = can.refresh(m, begun, used, narrowed)
  const isReplay = can.isReplay(m, begun, used)
  const answer = await r.refresh(begun.agent, used.value, narrowed)
  const token = await outcome(m, r, 'refresh', answer, expected)
  if (isReplay) can.kill(begun)
  if (token === undefined) return
  const next = String(answer.body['refresh_token'])
  if (used.usedAt === undefined) {
    used.usedAt = m.now
    begun.refreshTokens.push(can.refreshTokenOf(m, next))
  } else note(m, 'refresh: the same again')
  used.next ??= next
  expect(next).toBe(used.next)
}

/** What was agreed to for an hour ends, or is about to, and the agent goes on with its login; or it is agreed to anew. */
const lapse = fc
  .record({
    user: fc.constantFrom(...USERS),
    seconds: fc.constantFrom(3400, 3590, 3600, 3700),
    isAnew: fc.boolean(),
  })
  .map(({ user, seconds, isAnew }) =>
    command(`lapse ${named({ user, seconds, isAnew })}`, async (m, r) => {
      await logIn(m, r, { ...honestly, user, prompt: true, lastsSeconds: 3600 })
      const begun = m.logins.at(-1)
      advance(m, r, seconds * 1000)
      if (isAnew) await logIn(m, r, { ...honestly, user })
      note(m, 'lapse')
      if (begun !== undefined && begun.refreshTokens.length > 0)
        await refreshOne(m, r, begun, { older: 0, narrow: 0 })
    }),
  )
const withRefresh = (m: Readonly<can.Model>) => m.logins.filter((it) => it.refreshTokens.length > 0)

/** Whose the token is, and what it is good for: what an honest party asks for. */
function honest(m: can.Model, token: can.Token): { readonly caller: string; readonly target: string } {
  const { server } = token.login
  if (token.res !== undefined) return { caller: token.audience, target: server }
  if (token.audience === m.urls[server]) return { caller: server, target: API }
  return { caller: token.client, target: token.client === 'planner' ? 'researcher' : 'fetcher' }
}

const exchange = fc
  .record({
    which: recent,
    caller: seldom(fc.constantFrom(...CLIENTS)),
    target: seldom(fc.constantFrom(...AGENTS, ...SERVERS, API)),
    scopes: fc.constantFrom(0, 1, 1, 1, 2, 3),
  })
  .map((it) => {
    const act: Act = async (m, r) => {
      await begin(m, r, it.which)
      if (m.tokens.length === 0) return
      const token = pick(tokens(m), it.which)
      const right = honest(m, token)
      const { caller, target } = { caller: it.caller ?? right.caller, target: it.target ?? right.target }
      const all = target === API ? ['payroll.read', 'payroll.pay'] : scopesOf(token.login)
      const scopes = it.scopes === 0 ? undefined : subset(all, it.scopes)
      if (scopes?.size === 0) return
      const expected = can.exchange(m, { caller, token, target, scopes })
      const isMount = SERVERS.some((server) => server === target)
      const named = isMount ? { resource: can.mount(m, target) } : { audience: target }
      const answer = await r.exchange(caller, token.jwt, named, scopes)
      await outcome(m, r, 'exchange', answer, expected)
    }
    return command(`exchange ${named(it)}`, act)
  })

const atMount = (m: can.Model, { audience, login }: can.Token) => audience === can.mount(m, login.server)

/** All that an honest party can make of a token, until the API: chains get long by it. */
const onwards = fc
  .record({
    which: recent,
    scopes: fc.constantFrom(1, 1, 2, 3),
    isEdited: fc.constantFrom(false, false, true),
  })
  .map((it) => {
    const act: Act = async (m, r) => {
      await begin(m, r, it.which)
      const delegating = tokens(m).filter((one) => atMount(m, one) && m.company.agents[one.client]?.length)
      let token: can.Token | undefined = delegating.length === 0 ? undefined : pick(delegating, it.which)
      for (let step = 0; step < 2 && token !== undefined; step++) {
        const { caller, target } = honest(m, token)
        const scopes = subset(scopesOf(token.login), it.scopes)
        if (scopes.size === 0) return
        const asked = { caller, token, target, scopes: step === 0 ? scopes : undefined }
        const named = step === 0 ? { audience: target } : { resource: can.mount(m, target) }
        const answer = await r.exchange(caller, token.jwt, named, asked.scopes)
        token = await outcome(m, r, 'exchange', answer, can.exchange(m, asked))
      }
      const edge = PIECES.find((piece) => piece === `delegate ${token?.client ?? ''}`)
      if (!it.isEdited || edge === undefined || m.out.has(edge)) return
      can.edit(m, [edge])
      await r.reload(m.company)
    }
    return command(`onwards ${named(it)}`, act)
  })

const call = fc
  .record({
    which: recent,
    server: seldom(fc.constantFrom(...SERVERS)),
    tool: fc.constantFrom('find', 'find', 'remove', 'echo'),
  })
  .map((it) => {
    const act: Act = async (m, r) => {
      await begin(m, r, it.which)
      if (m.tokens.length === 0) return
      const token = pick(tokens(m), it.which)
      await callTool(m, r, token, it.server ?? token.login.server, it.tool)
    }
    return command(`call ${named(it)}`, act)
  })

const step = fc
  .constantFrom(1, 1, 5, 5, 9, 11, 11, 11, 30, 30, 100, 100, 280, 295, 3400, 3700, 86_500, 1_300_000)
  .map((seconds) =>
    command(`step ${seconds} s`, async (m, r) => {
      note(m, 'step')
      advance(m, r, seconds * 1000)
    }),
  )

const revokeToken = recent.map((which) =>
  command(
    `revoke token ${which}`,
    async (m, r) => {
      const token = pick(ofClients(m), which)
      note(m, 'revoke token')
      const { status } = await r.revoke(token.client, token.jwt)
      expect(status).toBe(can.isKnown(m, token.client) ? 200 : 401)
      // What nobody can read any more is nobody's to take back; what came of it under the next key lives on.
      if (can.isKnown(m, token.client) && !m.endedKeys.has(token.key)) token.isRevoked = true
    },
    (m) => ofClients(m).length > 0,
  ),
)
const ofClients = (m: Readonly<can.Model>) => m.tokens.filter(({ client }) => client !== 'gateway')

const revokeRefresh = recent.map((which) =>
  command(
    `revoke refresh token of ${which}`,
    async (m, r) => {
      const begun = pick(withRefresh(m), which)
      note(m, 'revoke refresh token')
      const { status } = await r.revoke(begun.agent, pick(begun.refreshTokens, 0).value)
      expect(status).toBe(can.isKnown(m, begun.agent) ? 200 : 401)
      if (can.isKnown(m, begun.agent)) can.kill(begun)
    },
    (m) => withRefresh(m).length > 0,
  ),
)

const revokeKey = recent.map((which) =>
  command(
    `revoke the key of ${which}`,
    async (m, r) => {
      const { key, exp } = pick(m.tokens, which)
      if (m.endedKeys.has(key) || exp < can.seconds(m)) return
      note(m, 'revoke key')
      await r.operator(`/keys/${key}/revoke`)
      m.endedKeys.add(key)
    },
    (m) => m.tokens.length > 0,
  ),
)

const ofUser = fc.constantFrom(...USERS)
const ends = [
  recent.map((n) =>
    command(
      `revoke grant ${n}`,
      (m, r) => revokeGrant(m, r, pick(m.grants, n)),
      (m) => m.grants.length > 0,
    ),
  ),
  revokeToken,
  revokeRefresh,
  revokeKey,
  ofUser.map((user) => command(`sign out ${user}`, (m, r) => signOut(m, r, user))),
  ofUser.map((user) =>
    command(
      `sign out ${user} everywhere`,
      async (m, r) => {
        note(m, 'sign out everywhere')
        await r.operator(`/users/${user}/sign-out`)
        can.signOutEverywhere(m, user)
      },
      (m) => m.accounts.has(user),
    ),
  ),
  fc
    .constantFrom(...AGENTS)
    .map((agent) => command(`stop, or let go on ${agent}`, (m, r) => disable(m, r, agent))),
]

/** What was taken out longest ago comes back: a company that lost everything finds nothing. */
const OUT_MAX = 2
const edit = fc.record({ piece: fc.constantFrom(...PIECES), isBack: fc.boolean() }).map((it) =>
  command(`edit ${named(it)}`, async (m, r) => {
    const [oldest] = m.out
    const back = oldest !== undefined && (it.isBack || m.out.size === OUT_MAX) ? [oldest] : []
    const pieces = it.isBack && back.length > 0 ? back : [...new Set([it.piece, ...back])]
    for (const piece of pieces) note(m, m.out.has(piece) ? 'edit: back' : 'edit: out')
    can.edit(m, pieces)
    await r.reload(m.company)
  }),
)

/** The walk to its end: the server that is called asks for a token of the API, and has it while the catalogue changes. */
const toApi = fc.record({ which: recent, isEdited: fc.boolean() }).map(({ which, isEdited }) =>
  command(`to the API ${named({ which, isEdited })}`, async (m, r) => {
    await begin(m, r, which)
    const found = tokens(m).filter((it) => atMount(m, it))
    if (found.length === 0) return
    const one = pick(found, which)
    const { server } = one.login
    const tools = Object.keys(m.company.servers[server]?.tools ?? {})
    await callTool(m, r, one, server, tools[which % tools.length] ?? 'find')
    const token = m.tokens.findLast((it) => it.parent === one && it.client === 'gateway')
    if (token === undefined) return
    const expected = can.exchange(m, { caller: server, token, target: API, scopes: undefined })
    const answer = await r.exchange(server, token.jwt, { audience: API })
    await outcome(m, r, 'exchange', answer, expected)
    const edge = PIECES.find((piece) => token.scopes.has(piece.replace('call ', '')))
    if (!isEdited || edge === undefined || m.out.has(edge)) return
    can.edit(m, [edge])
    await r.reload(m.company)
  }),
)

/** Whoever let an agent act thinks again, and leaves less ticked: what is out already is worth less from then on. */
const rethink = fc
  .record({ which: recent, ticks: fc.constantFrom(1, 2, 3), handsOver: fc.boolean() })
  .map(({ which, ticks, handsOver }) =>
    command(`rethink ${named({ which, ticks, handsOver })}`, async (m, r) => {
      await begin(m, r, which)
      if (m.tokens.length === 0) return
      const { grant, server } = pick(tokens(m), which).login
      const { user, agent } = grant
      const at = server === 'crm' ? 'crm' : 'notes'
      await logIn(m, r, { ...honestly, user, agent, server: at, prompt: true, ticks, handsOver })
    }),
  )

/** Everything is as it was. */
const mend = fc.constant(
  command('mend', async (m, r) => {
    for (const agent of m.disabled) await disable(m, r, agent)
    if (m.out.size === 0) return
    can.edit(m, [...m.out])
    await r.reload(m.company)
  }),
)

/** What happens, as often as it finds something. */
export const commands = fc.oneof(
  { weight: 5, arbitrary: login },
  { weight: 4, arbitrary: refresh },
  { weight: 5, arbitrary: exchange },
  { weight: 5, arbitrary: onwards },
  { weight: 3, arbitrary: call },
  { weight: 3, arbitrary: step },
  { weight: 2, arbitrary: rethink },
  { weight: 3, arbitrary: toApi },
  { weight: 1, arbitrary: lapse },
  { weight: 3, arbitrary: fc.oneof(...ends) },
  { weight: 3, arbitrary: edit },
  { weight: 1, arbitrary: mend },
)
