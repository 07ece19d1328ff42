import { parseStrictJson } from '@tetrapod/protocol'
import { LRUCache } from 'lru-cache'
import { createAdmission, type Discovered } from '#egress'
import { type Clock, createFlights, isObject } from '#kernel'
import { fault } from './faults.ts'

/** The key set of an agent that named itself. */
export interface WantedKeys {
  readonly url: string
  /** The host of the agent's own document, where an operator listed it and its keys are there too. */
  readonly listed: { readonly host: string; readonly private: boolean } | undefined
}

/** Key sets at addresses that agents wrote down. Throws `oauth.key_set_unreachable`. */
export type LearntKeys = (wanted: WantedKeys) => Promise<Buffer>

const KEY_SET_BYTES_MAX = 64 * 1024
const REMEMBERED_MAX = 1000
const REMEMBERED_BYTES_MAX = 8 * 1024 * 1024
/** A rotated key is found after so long. */
const GOOD_MS = 30_000
const FAILED_MS = 60_000

interface Outcome {
  /** Undefined: it failed. */
  readonly body: Buffer | undefined
  /** Milliseconds. */
  readonly until: number
}

/**
 * Anybody may send an assertion that holds nothing, in the name of any agent: what that makes us fetch is bounded by host, in
 * all, and by address, whether the fetch goes well or fails.
 */
export function createLearntKeys(deps: {
  readonly discovered: Discovered
  readonly clock: Clock
}): LearntKeys {
  const { discovered, clock } = deps
  const outcomes = new LRUCache<string, Outcome>({
    max: REMEMBERED_MAX,
    maxSize: REMEMBERED_BYTES_MAX,
    sizeCalculation: ({ body }) => 1 + (body?.length ?? 0),
  })
  const flights = createFlights<Buffer>()
  const admit = createAdmission(clock)

  const fetched = async (key: string, { url, listed }: WantedKeys): Promise<Buffer> => {
    const wait = admit(new URL(url).host, listed !== undefined)
    if (wait > 0)
      throw fault.key_set_unreachable({ detail: `asked too often: ${url}`, data: { retry_after: wait } })
    try {
      const wanted = { url, accept: 'application/json', bytesMax: KEY_SET_BYTES_MAX, listed }
      const { status, body } = await discovered.get(wanted)
      if (status !== 200) throw fault.key_set_unreachable({ detail: `${url}: status ${status}` })
      if (!isKeySet(body)) throw fault.key_set_unreachable({ detail: `${url}: no key set` })
      outcomes.set(key, { body, until: clock.now() + GOOD_MS })
      return body
    } catch (cause) {
      outcomes.set(key, { body: undefined, until: clock.now() + FAILED_MS })
      throw fault.key_set_unreachable({ detail: url, cause })
    }
  }

  return async (wanted) => {
    // What one agent may reach at its own private host is not read to another that names the same address.
    const key = `${wanted.listed === undefined ? 'any' : 'own'} ${wanted.url}`
    const known = outcomes.get(key)
    if (known !== undefined && known.until > clock.now()) {
      if (known.body === undefined)
        throw fault.key_set_unreachable({ detail: `failed just now: ${wanted.url}` })
      return known.body
    }
    return flights(key, () => fetched(key, wanted))
  }
}

/** RFC 7517 §5. */
function isKeySet(body: Buffer): boolean {
  try {
    const set = parseStrictJson(body)
    return isObject(set) && Array.isArray(set['keys']) && set['keys'].every(isObject)
  } catch {
    return false
  }
}
