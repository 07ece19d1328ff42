import { type Clock, systemClock } from '@tetrapod/protocol'

/** What reaches outside: the network and the time. Handed in by tests and by those who have a client of their own. */
export interface Io {
  readonly fetch?: typeof fetch
  readonly clock?: Clock
}

export function ioOf({ fetch = globalThis.fetch, clock = systemClock }: Io): Required<Io> {
  return { fetch, clock }
}
