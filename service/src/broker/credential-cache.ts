import { LRUCache } from 'lru-cache'
import { type Clock, createFlights } from '#kernel'
import type { Tokens } from '#tokens'
import { credentialKey } from './credential-key.ts'
import type { CredentialRequest, UpstreamCredential } from './upstream-credential.ts'

/** Obtains the credential for one call of the gateway. */
export type ObtainCredential = (request: CredentialRequest) => Promise<UpstreamCredential>

export interface CredentialCacheDeps {
  /** Obtains one that is not remembered. */
  readonly obtain: ObtainCredential
  readonly tokens: Pick<Tokens, 'revoked'>
  readonly clock: Clock
  /** Milliseconds since some moment, by a time that is never set. */
  readonly elapsed?: () => number
  readonly entriesMax?: number
}

interface Remembered {
  readonly credential: UpstreamCredential
  /** By the clock: from when it was obtained until shortly before its end. Milliseconds, as below. */
  readonly from: number
  readonly until: number
  /** The same end by the time that is never set. */
  readonly elapsedUntil: number
}

/** A call needs this long to arrive, and the server to exchange what it was called with. */
const MARGIN_SECONDS = 20
const ENTRIES_MAX = 5000

/**
 * Remembers credentials until 20 s before they end, under everything that changes them (`credentialKey`); the one used
 * longest ago makes room. All who ask for the same while it is obtained share one, and a failure is remembered for nobody. At
 * every use the feed is asked again: what ended with something revoked is obtained anew, which refuses where that is
 * refused. A clock that is set back lends nothing a longer life.
 *
 * One cache serves one built catalogue: what an edit changes begins with an empty one. Throws what `obtain` throws, and
 * `revocation.stale`.
 */
export function createCredentialCache({
  obtain,
  tokens,
  clock,
  elapsed = () => performance.now(),
  entriesMax = ENTRIES_MAX,
}: CredentialCacheDeps): ObtainCredential {
  const remembered = new LRUCache<string, Remembered>({ max: entriesMax })
  const flights = createFlights<UpstreamCredential>()
  const ended = ({ ends }: UpstreamCredential) => ends.some((token) => tokens.revoked(token))
  const usable = ({ credential, from, until, elapsedUntil }: Remembered): boolean => {
    const now = clock.now()
    return from <= now && now < until && elapsed() < elapsedUntil && !ended(credential)
  }
  const obtained = async (key: string, request: CredentialRequest): Promise<UpstreamCredential> => {
    const [from, began] = [clock.now(), elapsed()]
    const credential = await obtain(request)
    const until = (credential.expiresAt - MARGIN_SECONDS) * 1000
    if (until > from) remembered.set(key, { credential, from, until, elapsedUntil: began + until - from })
    return credential
  }

  return async (request) => {
    const key = credentialKey(request)
    const known = remembered.get(key)
    if (known !== undefined) {
      if (usable(known)) return known.credential
      remembered.delete(key)
    }
    const credential = await flights(key, () => obtained(key, request))
    // Who joined may have come after the revocation of what the flight began with.
    return ended(credential) ? obtained(key, request) : credential
  }
}
