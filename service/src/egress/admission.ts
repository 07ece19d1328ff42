import { LRUCache } from 'lru-cache'
import { type Clock, createTokenBucket, type TokenBucket } from '#kernel'

/**
 * Takes one fetch of a host. Returns 0 when there was one to take, else the seconds until there will be. Who is known takes
 * from a reserve of their own, which strangers cannot use up.
 */
export type Admission = (host: string, known: boolean) => number

/** Of one host, and of all together: whoever may name an address could have us ask without end. */
const PER_HOST = { perSecond: 0.5, burst: 20 }
const OF_ALL = { perSecond: 5, burst: 100 }
const HOSTS_MAX = 1000

/** What strangers can make us fetch, bounded: for the door to what was learnt (DESIGN §4.11). */
export function createAdmission(clock: Clock): Admission {
  const [strangers, known] = [lane(clock), lane(clock)]
  return (host, isKnown) => (isKnown ? known : strangers)(host)
}

function lane(clock: Clock): (host: string) => number {
  const all = createTokenBucket({ ...OF_ALL, clock })
  const byHost = new LRUCache<string, TokenBucket>({ max: HOSTS_MAX })
  return (host) => {
    const own = byHost.get(host) ?? createTokenBucket({ ...PER_HOST, clock })
    byHost.set(host, own)
    return own() || all()
  }
}
