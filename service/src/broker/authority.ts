import {
  type AccessToken,
  currentActor,
  GATEWAY,
  innermostActor,
  type Lineage,
  Refusal,
} from '@tetrapod/protocol'
import type { Agents } from '#agents'
import { type Grant, type Grants, grantsDelegation } from '#grants'
import type { PolicySubject } from '#policy'
import type { Servers } from '#servers'
import type { Tokens } from '#tokens'
import type { User, Users } from '#users'
import { participants, policySubject } from './participants.ts'

export interface AuthorityDeps {
  readonly tokens: Tokens
  readonly grants: Grants
  readonly users: Users
  readonly agents: Pick<Agents, 'standing' | 'delegatesOf'>
  readonly servers: Servers
}

/** What stands behind a token right now: the token itself is its short shadow. */
export interface Authority<Token extends Lineage = AccessToken> {
  readonly token: Token
  readonly grant: Grant
  readonly user: User
  /** How the policy asks for them. */
  readonly subject: PolicySubject
}

/**
 * The standing permission behind a verified token: not revoked, alive, of this user, for the agent of its chain; user and
 * every actor still take part, and whoever an agent handed it to is still one of its sub-agents, by the catalogue and the grant. Asked at every hop, so that what is taken back stops the next one (DESIGN §4.8).
 *
 * Throws Refusal `revoked`, `grant`, `user`, `actor`, `agent`, `delegation`, and `revocation.stale` while nobody can tell what was revoked.
 */
export async function liveAuthority<Token extends Lineage>(
  token: Token,
  deps: AuthorityDeps,
): Promise<Authority<Token>> {
  if (deps.tokens.revoked(token)) throw new Refusal('revoked', 'something that it ends with was revoked')
  const [grant, user] = await Promise.all([
    deps.grants.live(token.delegation.gid),
    deps.users.find(token.account),
  ])
  const { agents, unlisted, unknown } = await participants(token.chain, deps)
  if (grant === undefined || grant.user !== token.account)
    throw new Refusal('grant', 'no live grant of this user')
  if (user === undefined) throw new Refusal('user', 'the user takes no part any more')
  if (unknown !== undefined) throw new Refusal('actor', `${unknown.sub} takes no part any more`)
  if (agents.at(-1) !== grant.agent) throw new Refusal('agent', 'the grant is for another agent')
  if (!handovers(token, agents).every(([from, to]) => mayHandOver(from, to, { token, grant }, deps)))
    throw new Refusal('delegation', 'an agent hands on to another no longer')
  return { token, grant, user, subject: policySubject(user, { agents, unlisted }) }
}

/** Which agent handed it to which, from the agents of the chain, outermost first. */
function handovers(
  { chain, audience, delegation }: Lineage,
  agents: readonly string[],
): readonly (readonly [from: string, to: string])[] {
  const acted = agents.slice(1).map((from, i) => [from, agents[i] ?? from] as const)
  return delegation.res === undefined ? acted : [[currentActor(chain).sub, audience], ...acted]
}

function mayHandOver(
  from: string,
  to: string,
  { token, grant }: Pick<Authority<Lineage>, 'token' | 'grant'>,
  { agents, servers }: AuthorityDeps,
): boolean {
  const server = servers.byMount(mountOf(token))
  return (
    server !== undefined &&
    agents.delegatesOf(from).includes(to) &&
    grantsDelegation(grant, server.key, from, to)
  )
}

/** The mount that the agents work at: where the gateway acted, or else what the token is for. */
function mountOf({ chain, audience, delegation }: Lineage): string {
  const gateway = chain.find(({ client_id }) => client_id === GATEWAY)
  return gateway?.sub ?? delegation.res ?? audience
}

/** What every record about a verified token says: the token's own words, which hold whether or not its grant still does. */
export function tokenOnRecord(token: Lineage) {
  return {
    user: { id: token.account, username: token.subjectId.sub },
    jti: token.jti,
    txn: token.transaction,
    grant: token.delegation.gid,
    agent: innermostActor(token.chain).sub,
    chain: token.chain,
    pattern: 'token_exchange',
  }
}
