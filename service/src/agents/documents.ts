import { parseStrictJson } from '@tetrapod/protocol'
import { LRUCache } from 'lru-cache'
import { createAdmission, type Discovered, type DiscoveredAnswer } from '#egress'
import { type Clock, Fault, isObject } from '#kernel'
import { type ClientMetadata, parseClientMetadata } from './client-metadata.ts'
import type { DocumentHost } from './document-hosts.ts'
import { fault } from './faults.ts'

/** The documents in which agents say who they are (draft-ietf-oauth-client-id-metadata-document). */
export interface Documents {
  /**
   * The document at an address that was found acceptable before. One that was good stays so for as long as its host says,
   * within bounds of ours, and for a day more while the host cannot be reached. Throws `agents.document_unreachable`,
   * `agents.document_refused`.
   */
  find(id: string): Promise<ClientMetadata>
}

const DOCUMENT_BYTES_MAX = 5 * 1024
const KEPT_MAX = 1000
const FRESH_MS = { min: 60_000, ifNotSaid: 5 * 60_000, max: 3600_000 }
/** How much longer a document is good while its host cannot be reached: refreshes go on through an outage. */
const STALE_MS = 24 * 3600_000
/** For so long a failure is not tried again: a refusal is its author's to mend, an outage may be over at once. */
const FAILED_MS = { refused: 60_000, unreachable: 5_000 }

interface Kept {
  readonly metadata: ClientMetadata
  /** Milliseconds. */
  readonly freshUntil: number
  readonly usableUntil: number
}

interface Failed {
  readonly failure: unknown
  /** Milliseconds. */
  readonly until: number
}

export function createDocuments(deps: {
  /** Asked for each document: the catalogue may change. */
  readonly hosts: () => readonly DocumentHost[]
  readonly discovered: Discovered
  /** Whether an agent was met before, by any replica: ids that anybody invents do not use up what it needs. */
  readonly met: (id: string) => Promise<boolean>
  readonly clock: Clock
}): Documents {
  const { hosts, discovered, met, clock } = deps
  const kept = new LRUCache<string, Kept>({ max: KEPT_MAX })
  const flights = new Map<string, Promise<ClientMetadata>>()
  const failed = new LRUCache<string, Failed>({ max: KEPT_MAX })
  const good = new LRUCache<string, true>({ max: KEPT_MAX })
  const admit = createAdmission(clock)

  const admitted = async (id: string): Promise<ClientMetadata> => {
    const last = failed.get(id)
    if (last !== undefined && last.until > clock.now()) throw last.failure
    const { host } = new URL(id)
    const wait = admit(host, good.has(id) || (await met(id)))
    if (wait > 0)
      throw fault.document_unreachable({ detail: `asked too often: ${host}`, data: { retry_after: wait } })
    try {
      const metadata = await fetched(id)
      good.set(id, true)
      return metadata
    } catch (failure) {
      const unreachable = failure instanceof Fault && failure.kind === 'unavailable'
      const until = clock.now() + (unreachable ? FAILED_MS.unreachable : FAILED_MS.refused)
      failed.set(id, { failure, until })
      throw failure
    }
  }
  const fetched = async (id: string): Promise<ClientMetadata> => {
    const { host } = new URL(id)
    const listed = hosts().find((one) => one.host === host)
    const answer = await discovered
      .get({ url: id, accept: 'application/json', bytesMax: DOCUMENT_BYTES_MAX, listed })
      .catch((cause: unknown) => {
        const reason = cause instanceof Fault ? cause.code : undefined
        throw reason === 'egress.too_large'
          ? fault.document_refused({ detail: id, cause, data: { reason: 'It has more than 5 KiB.' } })
          : fault.document_unreachable({ detail: id, cause })
      })
    if (answer.status !== 200) throw withoutDocument(id, answer.status)
    const metadata = readDocument(id, answer)
    const freshUntil = clock.now() + freshMs(answer)
    kept.set(id, { metadata, freshUntil, usableUntil: freshUntil + STALE_MS })
    return metadata
  }
  const renewed = async (id: string): Promise<ClientMetadata> => {
    try {
      return await admitted(id)
    } catch (error) {
      const old = kept.get(id)
      const unreachable = error instanceof Fault && error.kind === 'unavailable'
      if (unreachable && old !== undefined && old.usableUntil > clock.now()) return old.metadata
      kept.delete(id)
      throw error
    }
  }

  return {
    find(id) {
      const known = kept.get(id)
      if (known !== undefined && known.freshUntil > clock.now()) return Promise.resolve(known.metadata)
      const flight = flights.get(id) ?? renewed(id).finally(() => flights.delete(id))
      flights.set(id, flight)
      return flight
    },
  }
}

/** What is gone is refused; what is not served at this moment, or not to us, may come back. */
function withoutDocument(id: string, status: number): Fault {
  return status === 404 || status === 410
    ? fault.document_refused({ detail: id, data: { reason: `Its host answers ${status}.` } })
    : fault.document_unreachable({ detail: `${id}: status ${status}` })
}

function readDocument(id: string, { headers, body }: DiscoveredAnswer): ClientMetadata {
  const refused = (reason: string, cause?: unknown) =>
    fault.document_refused({ detail: id, cause, data: { reason } })
  if (/\bhtml\b/i.test(String(headers['content-type'] ?? ''))) throw refused('It is a web page.')
  let document: unknown
  try {
    document = parseStrictJson(body)
  } catch (cause) {
    throw refused('It is not JSON.', cause)
  }
  if (!isObject(document) || document['client_id'] !== id) throw refused('Its client_id is not its address.')
  if (Object.keys(document).some((member) => member.startsWith('client_secret')))
    throw refused('It holds a secret, and everybody can read it.')
  try {
    return { ...parseClientMetadata(document, 'document'), client_id: id }
  } catch (cause) {
    const why = cause instanceof Fault ? cause.data?.['reason'] : undefined
    throw refused(typeof why === 'string' ? why : 'It cannot be read.', cause)
  }
}

/** RFC 9111 §5.2.2.1, §5.1, within our own bounds: nobody makes us keep it for years, or ask for it every time. */
function freshMs({ headers }: DiscoveredAnswer): number {
  const said = String(headers['cache-control'] ?? '')
  const maxAge = /(?:^|[,\s])max-age\s*=\s*"?(\d{1,9})/i.exec(said)?.[1]
  const age = Number(/^\d{1,9}$/.exec(String(headers['age'] ?? ''))?.[0] ?? 0)
  const asSaid = /no-store|no-cache/i.test(said) ? 0 : (Number(maxAge) - age) * 1000
  return Math.max(
    FRESH_MS.min,
    Math.min(FRESH_MS.max, maxAge === undefined && asSaid !== 0 ? FRESH_MS.ifNotSaid : asSaid),
  )
}
