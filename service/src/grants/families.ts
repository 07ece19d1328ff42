import { type Clock, own, randomId } from '#kernel'
import type { Revocation } from '#revocation'
import type { Family, FamilyStore } from './family-store.ts'
import { fault } from './faults.ts'
import type { Grants } from './grants.ts'

/** What a login begins with. */
export type NewFamily = Pick<Family, 'grant' | 'session' | 'user' | 'agent' | 'server'>

/** The logins of agents: what a replayed code or refresh token ends, while the grant goes on. */
export interface Families {
  /** Durable when it resolves. Throws `grants.signed_out` where its session ended meanwhile. */
  begin(login: NewFamily): Promise<Family>
  /** The login, if it has not ended and what it was given under lives without a break. */
  live(id: string): Promise<Family | undefined>
  /** Notes that a token was given for it now. */
  used(id: string): Promise<void>
  /** Ends it for good, the tokens already out included: durable and in force here when it resolves. False when it had ended. */
  end(id: string): Promise<boolean>
  /** The last use of each grant of a user, by grant, in milliseconds. */
  lastUses(user: string): Promise<ReadonlyMap<string, number>>
}

export function createFamilies(deps: {
  readonly store: FamilyStore
  readonly grants: Pick<Grants, 'live'>
  readonly revocation: Revocation
  readonly clock: Clock
}): Families {
  const { store, grants, revocation, clock } = deps
  const grantedPart = async ({ grant, server }: Pick<Family, 'grant' | 'server'>) =>
    own((await grants.live(grant))?.mounts ?? {}, server)
  return {
    async begin(login) {
      // The clock of the replica where the user agreed may be ahead of this one.
      const now = Math.max(clock.now(), (await grantedPart(login))?.since ?? 0)
      const family: Family = { ...login, id: randomId(), beganAt: now, usedAt: now, endedAt: undefined }
      if (!(await store.insert(family))) throw fault.signed_out({ detail: login.session })
      return family
    },
    async live(id) {
      if (revocation.revoked('family', id)) return undefined
      const family = await store.find(id)
      if (family === undefined || family.endedAt !== undefined) return undefined
      const part = await grantedPart(family)
      return part !== undefined && part.since <= family.beganAt ? family : undefined
    },
    used: (id) => store.touch(id, clock.now()),
    async end(id) {
      const entry = revocation.entry('family', id)
      const ended = await store.end(id, clock.now(), entry)
      if (ended) revocation.learn(entry)
      return ended
    },
    lastUses: (user) => store.lastUses(user),
  }
}
