import { type AccessToken, currentActor, Refusal, sameActor, type TransactionToken } from '@tetrapod/protocol'
import { type Clock, nowSeconds } from '#kernel'
import type { Server, Servers } from '#servers'
import type { Tokens } from '#tokens'
import { type Caller, callerActor } from './callers.ts'
import type { ExchangeRequest } from './exchange-request.ts'
import type { Target } from './targets.ts'
import { transactionSubject } from './transaction-token.ts'

export interface SubjectsDeps {
  readonly tokens: Pick<Tokens, 'issuer' | 'verify' | 'verifyTransaction' | 'identify'>
  readonly servers: Servers
  readonly clock: Clock
}

/** An access token, or a transaction token where what a server is called with is not ours. */
export type SubjectToken = AccessToken | TransactionToken

/** A verified subject token, and the server at whose mount what it gives counts. */
export interface Subject {
  readonly token: SubjectToken
  readonly server: Server
}

/**
 * Steps 6 and 7: the token holds, and it is this caller's to present. A server and a sub-agent present what was given to
 * them: its audience is the server's own URL, or the sub-agent's client id, and a transaction token names the server. An agent that hands on presents its own: it is
 * the client and the current actor of it. So a token taken from somebody else is of no use. Throws Refusal.
 */
export async function verifiedSubject(
  caller: Caller,
  target: Target,
  { subjectToken: token, subjectKind }: ExchangeRequest,
  deps: SubjectsDeps,
): Promise<Subject> {
  if (caller.kind === 'server') {
    const { server } = caller
    const received =
      subjectKind === 'txn_token'
        ? await transactionSubject(server, token, deps)
        : await deps.tokens.verify(token, server.url)
    return { token: received, server }
  }
  if (subjectKind === 'txn_token') throw new Refusal('presenter', 'transaction tokens are for servers')
  return target.kind === 'delegate'
    ? ownSubject(caller, token, deps)
    : handedSubject(caller, target, token, deps)
}

/** Token 1 of the agent itself, or what it got as a sub-agent: for a mount, and not handed to anybody. */
async function ownSubject(caller: Caller, token: string, deps: SubjectsDeps): Promise<Subject> {
  const own = await deps.tokens.identify(token)
  if (own.expiresAt <= nowSeconds(deps.clock)) throw new Refusal('expired', 'the token has expired')
  const isCallers =
    own.clientId === caller.key && sameActor(currentActor(own.chain), callerActor(own.issuer, caller))
  if (!isCallers) throw new Refusal('presenter', 'the token is another client’s')
  const server = deps.servers.byMount(own.audience)
  if (server === undefined) throw new Refusal('audience', 'the token is for no mount')
  return { token: own, server }
}

/** What another agent handed to this one, for one mount alone. */
async function handedSubject(
  caller: Caller,
  target: Target,
  token: string,
  deps: SubjectsDeps,
): Promise<Subject> {
  const handed = await deps.tokens.verify(token, caller.key)
  if (handed.mayAct === undefined) throw new Refusal('may_act', 'nobody was named who may act')
  if (target.kind !== 'mount' || handed.delegation.res !== target.server.mount)
    throw new Refusal('resource', 'it was handed over for another mount')
  return { token: handed, server: target.server }
}

/** Step 10: `may_act`, where the token has one, names the caller, by its client id too if it says one. Throws Refusal. */
export function checkMayAct(caller: Caller, token: SubjectToken, issuer: string): void {
  const mayAct = 'mayAct' in token ? token.mayAct : undefined
  if (mayAct === undefined) return
  const { client_id = caller.key } = mayAct
  if (!sameActor(mayAct, callerActor(issuer, caller)) || client_id !== caller.key)
    throw new Refusal('may_act', 'another party may act')
}
