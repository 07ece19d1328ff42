import { hash } from 'node:crypto'
import {
  type Endable,
  endsToken,
  parseRevocationPage,
  Refusal,
  revocablesOf,
  revocationFeedUrl,
  type RevocationEntry,
  type RevocationPage,
} from '@tetrapod/protocol'
import { type Client, clientAuthorization } from './client.ts'
import { RevocationsUnavailable } from './errors.ts'
import { fetchJson } from './fetch-json.ts'
import { type Io, ioOf } from './io.ts'

/** What the issuer revoked, as its feed says. */
export interface Revocations {
  /**
   * Throws Refusal `revoked` for a token that ends with something that was revoked (its grant, login, session, user, key, an
   * ancestor, a party of its chain), and {@link RevocationsUnavailable} while nobody can tell. The first call begins to follow the feed, and waits up to 3 s for it.
   */
  readonly check: (token: Endable) => Promise<void>
  /** Follows the feed no longer: every check fails from now on. */
  readonly close: () => void
}

/** A reader that was up to date so long ago (milliseconds) knows too little to let anybody in. */
const STALE_MS = 30_000
/** How long the first requests wait for the first answer. */
const FIRST_MS = 3000
/** How long the issuer is asked to wait. Well under STALE_MS: what is dead is noticed in time to try again. */
const WAIT_SECONDS = 10
/** The issuer answers early and empty where too many wait: then it is asked this often, not at once. */
const PAUSE_MS = 1000
const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 5000

export function followRevocations(issuer: string, client: Client, io: Io = {}): Revocations {
  const { fetch, clock, elapsed, sleep } = ioOf(io)
  const closed = new AbortController()
  let resolveFirst = () => {}
  const first = new Promise<void>((resolve) => (resolveFirst = resolve))
  const known = createKnown(elapsed)
  let started = false
  let upToDate: { readonly now: number; readonly elapsed: number } | undefined
  let problem = 'it has not answered yet'

  const ask = async (after: number, wait: number): Promise<RevocationPage> => {
    const authorization = await clientAuthorization(client, issuer, clock)
    const url = `${revocationFeedUrl(issuer)}?after=${after}&wait=${wait}`
    const request = { headers: { authorization }, waitMs: wait * 1000, signal: closed.signal }
    const { status, body } = await fetchJson(fetch, url, request)
    if (status !== 200) throw new Error(answered(status))
    return checked(parseRevocationPage(body), after)
  }

  const follow = async (): Promise<void> => {
    let place = 0
    let wait = 0
    let failures = 0
    while (!closed.signal.aborted) {
      const askedAt = clock.now()
      try {
        const page = await ask(place, wait)
        known.add(page.entries)
        place = page.sequence
        failures = 0
        if (page.more !== true) {
          upToDate = { now: clock.now(), elapsed: elapsed() }
          resolveFirst()
        }
        const early = wait > 0 && page.entries.length === 0 && page.reset !== true
        wait = page.more === true ? 0 : WAIT_SECONDS
        if (early) await sleep(Math.max(0, PAUSE_MS - (clock.now() - askedAt)), closed.signal)
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error)
        // Whoever answers next may stand on a database restored from a backup: its places need not be ours.
        place = 0
        wait = 0
        await sleep(Math.min(RETRY_FIRST_MS * 2 ** failures++, RETRY_MAX_MS), closed.signal)
      }
    }
  }

  const firstAnswer = async (): Promise<void> => {
    const over = new AbortController()
    await Promise.race([first, sleep(FIRST_MS, AbortSignal.any([over.signal, closed.signal]))])
    over.abort()
  }

  // What one clock hides the other tells: one can be set, and some stand still while the machine sleeps.
  const isStale = (last: NonNullable<typeof upToDate>) =>
    elapsed() - last.elapsed > STALE_MS || Math.abs(clock.now() - last.now) > STALE_MS

  return {
    async check(token) {
      if (!started) void follow()
      started = true
      if (upToDate === undefined) await firstAnswer()
      if (closed.signal.aborted)
        throw new RevocationsUnavailable('The revocation feed is no longer followed.')
      if (upToDate === undefined) throw unread('has not been read yet', problem)
      if (isStale(upToDate)) throw unread(`has not been read for ${STALE_MS / 1000} s`, problem)
      if (known.ends(token)) throw new Refusal('revoked', 'something that it ends with was revoked')
    },
    close: () => closed.abort(),
  }
}

/** Throws for an answer that would lead nowhere. */
function checked(page: RevocationPage, after: number): RevocationPage {
  const { sequence, more, reset } = page
  const onwards = reset === true || (more === true ? sequence > after : sequence >= after)
  if (!onwards) throw new Error('it answered with a place behind ours')
  return page
}

function answered(status: number): string {
  const refused = status === 401 || status === 403
  return refused
    ? `it answered ${status}: compare the \`client\` of this resource with its entry in the catalogue`
    : `it answered ${status}`
}

function unread(what: string, problem: string): RevocationsUnavailable {
  return new RevocationsUnavailable(
    `The revocation feed of the authorization server ${what} (${problem}), so no token is accepted. Retry.`,
  )
}

/** What was revoked and may still matter, by kind and hash: as long after it was heard as an entry lives. */
function createKnown(elapsed: () => number) {
  const known = new Map<string, { readonly at: number; readonly until: number }>()
  return {
    add(entries: readonly RevocationEntry[]): void {
      const now = elapsed()
      for (const [key, { until }] of known) if (until < now) known.delete(key)
      for (const { kind, id_hash, at, expires_at } of entries) {
        const key = `${kind}:${id_hash}`
        const until = now + expires_at - at
        const before = known.get(key) ?? { at, until }
        known.set(key, { at: Math.max(at, before.at), until: Math.max(until, before.until) })
      }
    },
    ends: (token: Endable): boolean =>
      known.size > 0 &&
      revocablesOf(token).some(({ kind, id }) => {
        const entry = known.get(`${kind}:${hash('sha256', id, 'base64url')}`)
        return entry !== undefined && endsToken({ kind, at: entry.at }, token)
      }),
  }
}
