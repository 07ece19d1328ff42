import type { Lineage } from './access-token.ts'

/** What a token of ours can end with. */
export type RevocationKind =
  'grant' | 'family' | 'session' | 'token' | 'key' | 'user' | 'agent' | 'server' | 'edge'

/** One thing that can be revoked: of this kind, under this id. */
export interface Revocable {
  readonly kind: RevocationKind
  readonly id: string
}

/** What tells what a token ends with. Every verified token does; so does one that is about to be signed. */
export type Endable = Pick<
  Lineage,
  'issuer' | 'audience' | 'account' | 'sessionId' | 'jti' | 'keyId' | 'issuedAt' | 'chain' | 'delegation'
>

/**
 * Everything that ends a token when it is revoked: its grant, its login, its session, its user, the token itself and each
 * that it was exchanged from, the key it was signed with, every party that acts in its chain under a name of its own
 * issuer, whom it is for, and every edge it travelled: from actor to actor, and from the current one to the audience. Agents
 * and servers share one namespace, so a party is named as both.
 */
export function revocablesOf(token: Endable): readonly Revocable[] {
  const [family, ...ancestors] = token.delegation.anc
  const actors = token.chain.filter(({ iss }) => iss === token.issuer).map(({ sub }) => sub)
  return [
    { kind: 'grant', id: token.delegation.gid },
    ...(family === undefined ? [] : [{ kind: 'family', id: family } as const]),
    { kind: 'session', id: token.sessionId },
    { kind: 'user', id: token.account },
    ...[token.jti, ...ancestors].map((id) => ({ kind: 'token', id }) as const),
    { kind: 'key', id: token.keyId },
    ...[token.audience, ...actors].flatMap((id) => [
      { kind: 'agent', id } as const,
      { kind: 'server', id } as const,
    ]),
    ...edgesOf(token).map((id) => ({ kind: 'edge', id }) as const),
  ]
}

/** The id of an edge: who calls or hands over, and whom. Neither a key nor a URL has a space. */
export function edgeId(from: string, to: string): string {
  return `${from} ${to}`
}

/** An actor of another issuer is nobody here, whatever its name: no edge of ours leads to it or from it. */
function edgesOf({ issuer, audience, chain }: Endable): readonly string[] {
  const stops = [{ iss: issuer, sub: audience }, ...chain]
  return chain.flatMap((from, place) => {
    const to = stops[place]
    return to?.iss === issuer && from.iss === issuer ? [edgeId(from.sub, to.sub)] : []
  })
}

/** What comes back under its id: a user signs in anew, an agent or a server is enabled again, an edge drawn again. */
const RETURNING: ReadonlySet<string> = new Set<RevocationKind>(['user', 'agent', 'server', 'edge'])

/** A replica may go on so long after it last read the feed (milliseconds). Then it refuses until it reads again. */
export const FEED_STALE_MS = 5000
/** The clocks of two replicas may differ so much (milliseconds). */
export const REPLICA_SKEW_MS = 5000
/**
 * How long after the revocation of a user, an agent, a server or an edge a token of theirs may have been issued and still come from
 * before it: a replica that has not heard of it yet exchanges tokens, and its clock may be ahead.
 */
export const ISSUED_BEFORE_MARGIN_MS = FEED_STALE_MS + REPLICA_SKEW_MS

/**
 * Whether an entry of the feed ends a token that it names. Ids of grants, logins, sessions, tokens and keys never come
 * back: their entry ends it for good. Users, agents, servers and edges do: theirs ends what was issued up to `at` (milliseconds)
 * and {@link ISSUED_BEFORE_MARGIN_MS} longer, and no later token.
 */
export function endsToken(
  entry: { readonly kind: string; readonly at: number },
  { issuedAt }: Pick<Lineage, 'issuedAt'>,
): boolean {
  return !RETURNING.has(entry.kind) || issuedAt * 1000 <= entry.at + ISSUED_BEFORE_MARGIN_MS
}
