import { randomBytes } from 'node:crypto'
import type { Clock } from '#kernel'
import type { Lease, LeaseState, LeaseStore } from './lease-store.ts'

/** How often whoever has a lease gives a sign of life. */
export const BEAT_MS = 2000
/** Who gave none for so long, while we watched, is taken to have ended. */
export const DEAD_MS = 10_000

/** The leases of this process. */
export interface Tenancy {
  /** The lease of a log that nobody has, or of a new one. */
  acquire(): Promise<Lease>
  /** Gives a sign of life for every lease it has. Returns those that were lost to others. */
  beat(): Promise<readonly Lease[]>
  /** Takes the leases of those who ended without a word. */
  takeDead(): Promise<readonly Lease[]>
  /** What was seen until now counts no more: there was a time when nobody could have given a sign of life. */
  forget(): void
  /** Gives no more signs of life: others will find the log. */
  abandon(lease: Lease): void
  /** Lets anybody have the log. */
  release(lease: Lease): Promise<void>
}

interface Seen {
  readonly state: LeaseState
  readonly since: number
}

/**
 * No clock is compared with another's: a lease ends when one process has seen it unchanged for {@link DEAD_MS} of its own
 * time. Who judges wrongly does no harm, since a log is written under its lease's term alone.
 *
 * `alone`: nobody else can have a lease, so that whatever is held was left behind.
 */
export function createTenancy({
  leases,
  alone,
  clock,
}: {
  readonly leases: LeaseStore
  readonly alone: boolean
  readonly clock: Clock
}): Tenancy {
  const ours = new Map<string, Lease>()
  const watched = new Map<string, Seen>()
  const own = (lease: Lease): Lease => {
    watched.delete(lease.replica)
    ours.set(lease.replica, lease)
    return lease
  }
  const abandon = ({ replica, term }: Lease): void => {
    if (ours.get(replica)?.term === term) ours.delete(replica)
  }

  return {
    async acquire() {
      const free = (await leases.list()).filter(({ replica, held }) => !ours.has(replica) && (alone || !held))
      for (const state of free) {
        const lease = await leases.take(state)
        if (lease !== undefined) return own(lease)
      }
      for (;;) {
        const lease = await leases.create(newName())
        if (lease !== undefined) return own(lease)
      }
    },
    async beat() {
      const lost: Lease[] = []
      for (const lease of ours.values()) if (!(await leases.beat(lease))) lost.push(lease)
      for (const lease of lost) abandon(lease)
      return lost
    },
    async takeDead() {
      const taken: Lease[] = []
      for (const state of dead(await leases.list())) {
        const lease = await leases.take(state)
        if (lease !== undefined) taken.push(own(lease))
      }
      return taken
    },
    forget: () => watched.clear(),
    abandon,
    async release(lease) {
      abandon(lease)
      await leases.release(lease)
    },
  }

  function dead(states: readonly LeaseState[]): readonly LeaseState[] {
    const now = clock.now()
    const theirs = states.filter(({ replica, held }) => held && !ours.has(replica))
    return theirs.filter((state) => {
      const seen = watched.get(state.replica)
      if (seen?.state.term !== state.term || seen.state.beat !== state.beat) {
        watched.set(state.replica, { state, since: now })
        return false
      }
      return now - seen.since >= DEAD_MS
    })
  }
}

/** Without a hyphen, which parts it from the number in a ref. */
function newName(): string {
  return randomBytes(6).toString('hex')
}
