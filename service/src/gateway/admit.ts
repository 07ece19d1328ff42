import type { IncomingMessage } from 'node:http'
import { type AccessToken, bearerToken, Refusal } from '@tetrapod/protocol'
import type { Agents } from '#agents'
import { participants } from '#broker'
import type { Grant, Grants } from '#grants'
import type { Server, Servers } from '#servers'
import type { Tokens } from '#tokens'
import type { User, Users } from '#users'
import { fault } from './faults.ts'

export interface AdmitDeps {
  readonly tokens: Tokens
  readonly grants: Grants
  readonly users: Users
  readonly agents: Agents
  readonly servers: Servers
}

/** Whose call it is: the verified token, the grant it is a shadow of, the user, the agent they granted. */
export interface Caller {
  readonly token: AccessToken
  readonly grant: Grant
  readonly user: User
}

/** The token of a request, verified for this mount alone. Throws `gateway.token_missing`, `gateway.token_refused`. */
export async function verifiedToken(
  request: IncomingMessage,
  server: Server,
  { tokens }: AdmitDeps,
): Promise<AccessToken> {
  const { authorization } = request.headers
  if (authorization === undefined) throw fault.token_missing()
  const token = bearerToken(authorization)
  // Node keeps the first of two Authorization headers: which one was meant is not ours to guess.
  if (token === undefined || sentTwice(request, 'authorization'))
    throw fault.token_refused({ detail: 'malformed' })
  try {
    return await tokens.verify(token, server.mount)
  } catch (cause) {
    throw cause instanceof Refusal ? fault.token_refused({ detail: cause.code, cause }) : cause
  }
}

/** The standing permission behind a token, alive, of this user for this agent, both of whom still take part. */
export async function liveCaller(token: AccessToken, deps: AdmitDeps): Promise<Caller> {
  const [grant, user] = await Promise.all([
    deps.grants.live(token.delegation.gid),
    deps.users.find(token.subject),
  ])
  if (grant === undefined || user === undefined)
    throw fault.token_refused({ detail: 'no live grant, or no such user' })
  const { agent, unknown } = participants(token.chain, deps)
  if (unknown !== undefined || agent !== grant.agent || grant.user !== token.subject) {
    throw fault.token_refused({ detail: 'the grant is not of this user for this agent' })
  }
  return { token, grant, user }
}

function sentTwice({ rawHeaders }: IncomingMessage, name: string): boolean {
  return rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length > 1
}
