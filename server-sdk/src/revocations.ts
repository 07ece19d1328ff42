import { createHash } from 'node:crypto'
import {
  type AccessToken,
  parseRevocationPage,
  Refusal,
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
   * Throws Refusal `revoked` for a token that was revoked, or what it came from, and {@link RevocationsUnavailable} while nobody
   * can tell. The first call begins to follow the feed, and waits up to 3 s for it.
   */
  readonly check: (token: AccessToken) => Promise<void>
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
  const { fetch, clock, sleep } = ioOf(io)
  const closed = new AbortController()
  let resolveFirst = () => {}
  const first = new Promise<void>((resolve) => (resolveFirst = resolve))
  const known = createKnown()
  let started = false
  let upToDateAt: number | undefined
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
        known.add(page.entries, clock.now())
        place = page.sequence
        failures = 0
        if (page.more !== true) {
          upToDateAt = clock.now()
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

  return {
    async check(token) {
      if (!started) void follow()
      started = true
      if (upToDateAt === undefined) await firstAnswer()
      if (closed.signal.aborted)
        throw new RevocationsUnavailable('The revocation feed is no longer followed.')
      if (upToDateAt === undefined) throw unread('has not been read yet', problem)
      // A clock that was set back says as little as one that went on.
      if (Math.abs(clock.now() - upToDateAt) > STALE_MS)
        throw unread(`has not been read for ${STALE_MS / 1000} s`, problem)
      if (known.has(token)) throw new Refusal('revoked', 'it was revoked, or what it came from was')
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

/** What was revoked and may still matter, by kind and hash. */
function createKnown() {
  const ends = new Map<string, number>()
  const has = (kind: string, id: string) =>
    ends.has(`${kind}:${createHash('sha256').update(id).digest('base64url')}`)
  return {
    add(entries: readonly RevocationEntry[], now: number): void {
      for (const [key, end] of ends) if (end < now) ends.delete(key)
      for (const { kind, id_hash, expires_at } of entries) ends.set(`${kind}:${id_hash}`, expires_at)
    },
    has({ jti, keyId, delegation: { gid, anc } }: AccessToken): boolean {
      if (ends.size === 0) return false
      if (keyId !== undefined && has('key', keyId)) return true
      const [family = '', ...ancestors] = anc
      return has('grant', gid) || has('family', family) || [...ancestors, jti].some((id) => has('token', id))
    },
  }
}
