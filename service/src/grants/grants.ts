import type { ScopeEdges } from '@tetrapod/protocol'
import { redirectAllowed } from '#agents'
import { type Clock, Fault, own, randomId } from '#kernel'
import type { Revocation } from '#revocation'
import { fault } from './faults.ts'
import type { DelegateEdges, Grant, GrantedMount, GrantStore } from './grant-store.ts'
import { createMemory } from './memory.ts'

/** How long a consent lasts at most, in seconds. */
export const CONSENT_SECONDS_MAX = 30 * 24 * 3600

/** What the user agrees to on one consent page: one mount, as shown and as they left it. */
export interface Consent {
  readonly user: string
  readonly agent: string
  /** Where the answer goes, as shown. */
  readonly redirectUri: string
  /** The server's key. */
  readonly server: string
  readonly scopes: readonly string[]
  /** The closure of `scopes` through `calls`, as shown. */
  readonly calls: Readonly<Record<string, ScopeEdges>>
  /** Which agent may hand part of it to which sub-agents, as shown and as left; absent: nobody hands anything over. */
  readonly delegates?: DelegateEdges
  /** Shown and not agreed to: where the grant had them, it has them no more. */
  readonly refused?: readonly string[]
  /** For this server, from now on; at most {@link CONSENT_SECONDS_MAX}, which it also is when it is not said. */
  readonly lastsSeconds?: number
}

/** Corrects a record of what then did not happen, or may not have. */
export type Amend = (status: 'failed' | 'unknown', reason: string) => void

/** The user's standing permissions: the only authority. */
export interface Grants {
  /** The grant, if it is neither revoked nor expired, with those of its parts that have not ended. */
  live(id: string): Promise<Grant | undefined>
  /** The live grant of a user for an agent. */
  liveFor(user: string, agent: string): Promise<Grant | undefined>
  /** The live grants of a user, newest first. */
  liveOf(user: string): Promise<readonly Grant[]>
  /**
   * Takes a consent: a first grant, or the next version of the one there is. At the server it is about, what was shown is
   * granted as the user left it, and the part ends when they said; other servers' parts stay as they are. `onRecord` puts
   * it on record before it counts, and is told where it came to nothing. Throws `grants.changed_meanwhile`.
   */
  give(consent: Consent, onRecord: (grant: Grant) => Promise<Amend>): Promise<Grant>
  list(): Promise<readonly Grant[]>
  /** Revokes for good: durable and in force here when it resolves. Throws `grants.unknown`. */
  revoke(id: string): Promise<Grant>
}

export function createGrants(deps: {
  readonly store: GrantStore
  readonly revocation: Revocation
  readonly clock: Clock
}): Grants {
  const { store, revocation, clock } = deps
  const memory = createMemory(revocation)
  const alive = (grant: Grant | undefined) =>
    grant === undefined || grant.revokedAt !== undefined ? undefined : standing(grant, clock.now())

  return {
    async live(id) {
      if (revocation.revoked('grant', id)) return undefined
      const grant = memory.get(id) ?? (await memory.read(id, store.find))
      // It may have been revoked while it was being read.
      return revocation.revoked('grant', id) ? undefined : alive(grant)
    },
    async liveFor(user, agent) {
      return alive(await store.current(user, agent))
    },
    async liveOf(user) {
      const current = await store.currentOf(user)
      return current.flatMap((grant) => alive(grant) ?? [])
    },
    async give(consent, onRecord) {
      const current = await store.current(consent.user, consent.agent)
      const given = next(current, consent, clock.now())
      const amend = await onRecord(given)
      const entry = revocation.entry('grant_version', given.id)
      const write = current === undefined ? store.insert(given) : store.update(given, entry)
      const written = await write.catch((error: unknown) => {
        // It may have been written all the same.
        amend('unknown', error instanceof Fault ? error.code : 'internal')
        throw error
      })
      if (!written) {
        amend('failed', 'grants.changed_meanwhile')
        throw fault.changed_meanwhile({ detail: given.id })
      }
      if (current !== undefined) revocation.learn(entry)
      // Not remembered: another replica may have written the next version by now.
      return given
    },
    list: () => store.list(),
    async revoke(id) {
      const entry = revocation.entry('grant', id)
      if (!(await store.revoke(id, clock.now(), entry))) throw fault.unknown({ detail: id })
      revocation.learn(entry)
      const revoked = await store.find(id)
      if (revoked === undefined) throw fault.unknown({ detail: id })
      return memory.take(revoked)
    },
  }
}

/** The grant with the parts that have not ended; undefined when all have. */
function standing(grant: Grant, now: number): Grant | undefined {
  if (grant.expiresAt <= now) return undefined
  const parts = Object.entries(grant.mounts)
  const left = parts.filter(([, { expiresAt }]) => expiresAt > now)
  return left.length === parts.length ? grant : { ...grant, mounts: Object.fromEntries(left) }
}

/** What has ended gives nothing to the next version: what was not shown this time is not granted again. */
function next(current: Grant | undefined, consent: Consent, now: number): Grant {
  const { user, agent, server, redirectUri } = consent
  const kept = current && standing(current, now)
  const mounts = { ...kept?.mounts, [server]: agreed(own(kept?.mounts ?? {}, server), consent, now) }
  return {
    id: current?.id ?? randomId(),
    version: (current?.version ?? 0) + 1,
    user,
    agent,
    redirectUris: withRedirect(kept?.redirectUris ?? [], redirectUri),
    mounts,
    createdAt: current?.createdAt ?? now,
    expiresAt: Math.max(...Object.values(mounts).map(({ expiresAt }) => expiresAt)),
    revokedAt: undefined,
  }
}

function withRedirect(known: readonly string[], shown: string): readonly string[] {
  return redirectAllowed(known, shown) ? known : [...known, shown]
}

/**
 * One mount's part after a consent: of what was not shown this time, as before. Who may hand over to whom is shown each
 * time, so what was left of that is all there is.
 */
function agreed(before: GrantedMount | undefined, consent: Consent, now: number): GrantedMount {
  const { scopes, calls, delegates = {}, refused = [], lastsSeconds = CONSENT_SECONDS_MAX } = consent
  const expiresAt = now + Math.min(lastsSeconds, CONSENT_SECONDS_MAX) * 1000
  if (before === undefined) return { scopes, calls, delegates, since: now, expiresAt }
  const kept = without(before, new Set(refused))
  const apis = new Set([...Object.keys(kept.calls), ...Object.keys(calls)])
  return {
    scopes: union(kept.scopes, scopes),
    calls: Object.fromEntries(
      [...apis].map((api) => [api, mergeEdges(own(kept.calls, api), own(calls, api))]),
    ),
    delegates,
    since: kept.since,
    expiresAt,
  }
}

/** A part without some of its scopes and the edges that start there. */
function without({ scopes, calls, ...times }: GrantedMount, refused: ReadonlySet<string>): GrantedMount {
  const kept = (edges: ScopeEdges) =>
    Object.fromEntries(Object.entries(edges).filter(([scope]) => !refused.has(scope)))
  return {
    scopes: scopes.filter((scope) => !refused.has(scope)),
    calls: Object.fromEntries(Object.entries(calls).map(([api, edges]) => [api, kept(edges)])),
    ...times,
  }
}

function mergeEdges(before: ScopeEdges = {}, shown: ScopeEdges = {}): ScopeEdges {
  const scopes = new Set([...Object.keys(before), ...Object.keys(shown)])
  return Object.fromEntries([...scopes].map((scope) => [scope, union(own(before, scope), own(shown, scope))]))
}

function union(a: readonly string[] = [], b: readonly string[] = []): readonly string[] {
  return [...new Set([...a, ...b])]
}
