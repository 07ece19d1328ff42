import { type Company, companyWithout, type Piece, RESOURCE } from './company.ts'
import { type End, type Login, type Model, mount, type Session } from './state.ts'

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
