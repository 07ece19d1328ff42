import type { ScopeEdges } from '@tetrapod/protocol'
import { type Clock, Fault, own, randomId } from '#kernel'
import type { Revocation } from '#revocation'
import { fault } from './faults.ts'
import type { Grant, GrantedMount, GrantStore } from './grant-store.ts'
import { createMemory } from './memory.ts'

/** How long a consent lasts, in milliseconds. */
const GRANT_MS = 30 * 24 * 3600_000

/** What the user agrees to on one consent page: one mount, as shown. */
export interface Consent {
  readonly user: string
  readonly agent: string
  /** Where the answer goes, as shown. */
  readonly redirectUri: string
  /** The server's key. */
  readonly server: string
  readonly scopes: readonly string[]
  /** The closure through `calls`, as shown. */
  readonly calls: Readonly<Record<string, ScopeEdges>>
}

/** Corrects a record of what then did not happen, or may not have. */
export type Amend = (status: 'failed' | 'unknown', reason: string) => void

/** The user's standing permissions: the only authority. */
export interface Grants {
  /** The grant, if it is neither revoked nor expired. */
  live(id: string): Promise<Grant | undefined>
  /** The live grant of a user for an agent. */
  liveFor(user: string, agent: string): Promise<Grant | undefined>
  /**
   * Takes a consent: a first grant, or the next version of the one there is, wider by what was shown. `onRecord` puts it
   * on record before it counts, and is told where it came to nothing. Throws `grants.changed_meanwhile`.
   */
  give(consent: Consent, onRecord: (grant: Grant) => Promise<Amend>): Promise<Grant>
  list(): Promise<readonly Grant[]>
  /** Revokes for good: durable and in force here when it resolves. Throws `grants.unknown`. */
  revoke(id: string): Promise<Grant>
  /** When a consent given now would end, in milliseconds. */
  expiryOfNew(): number
}

export function createGrants(deps: {
  readonly store: GrantStore
  readonly revocation: Revocation
  readonly clock: Clock
}): Grants {
  const { store, revocation, clock } = deps
  const memory = createMemory(revocation)
  const alive = (grant: Grant | undefined) =>
    grant !== undefined && grant.revokedAt === undefined && grant.expiresAt > clock.now() ? grant : undefined
  const expiryOfNew = () => clock.now() + GRANT_MS

  return {
    expiryOfNew,
    async live(id) {
      if (revocation.revoked('grant', id)) return undefined
      const grant = memory.get(id) ?? (await memory.read(id, store.find))
      // It may have been revoked while it was being read.
      return revocation.revoked('grant', id) ? undefined : alive(grant)
    },
    async liveFor(user, agent) {
      return alive(await store.current(user, agent))
    },
    async give(consent, onRecord) {
      const current = await store.current(consent.user, consent.agent)
      const next = current === undefined ? first(consent, clock.now()) : wider(current, consent, clock.now())
      const given = { ...next, expiresAt: expiryOfNew() }
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
      return memory.take(given)
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

function first({ user, agent, redirectUri, server, scopes, calls }: Consent, now: number): Grant {
  const mounts = { [server]: { scopes, calls } }
  return {
    id: randomId(),
    version: 1,
    user,
    agent,
    redirectUris: [redirectUri],
    mounts,
    createdAt: now,
    expiresAt: now,
    revokedAt: undefined,
  }
}

/** An expired grant gives nothing to the next version: what was not shown this time is not granted again. */
function wider(current: Grant, { redirectUri, server, scopes, calls }: Consent, now: number): Grant {
  const kept = current.expiresAt > now ? current : { mounts: {}, redirectUris: [] }
  const merged = merge(own(kept.mounts, server), { scopes, calls })
  return {
    ...current,
    version: current.version + 1,
    redirectUris: union(kept.redirectUris, [redirectUri]),
    mounts: { ...kept.mounts, [server]: merged },
  }
}

function merge(before: GrantedMount | undefined, shown: GrantedMount): GrantedMount {
  if (before === undefined) return shown
  const apis = new Set([...Object.keys(before.calls), ...Object.keys(shown.calls)])
  return {
    scopes: union(before.scopes, shown.scopes),
    calls: Object.fromEntries(
      [...apis].map((api) => [api, mergeEdges(own(before.calls, api), own(shown.calls, api))]),
    ),
  }
}

function mergeEdges(before: ScopeEdges = {}, shown: ScopeEdges = {}): ScopeEdges {
  const scopes = new Set([...Object.keys(before), ...Object.keys(shown)])
  return Object.fromEntries([...scopes].map((scope) => [scope, union(own(before, scope), own(shown, scope))]))
}

function union(a: readonly string[] = [], b: readonly string[] = []): readonly string[] {
  return [...new Set([...a, ...b])]
}
