import { JourneyFailed } from './journey-failed.ts'

/** The one way out: a request that ends in time and follows no redirect. The body is not read yet. */
export type Door = (url: string, init?: RequestInit) => Promise<Response>

const BODY_BYTES_MAX = 65_536
const TIMEOUT_MS = 10_000

/**
 * Wraps a fetch so that an answer, body included, takes at most `timeoutMs`, and a redirect is an answer like any
 * other: the addresses in metadata are checked, where they redirect to would not be.
 */
export function createDoor(fetch: typeof globalThis.fetch, timeoutMs = TIMEOUT_MS): Door {
  return async (url, init) => {
    try {
      return await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    } catch (cause) {
      throw unreachable(url, cause)
    }
  }
}

/**
 * The same answer with its body read, of at most 64 KiB.
 * Throws {@link JourneyFailed} `network.answer_too_large`, `network.unreachable`.
 */
export async function whole(url: string, response: Response): Promise<Response> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk)
      length += chunk.byteLength
      if (length > BODY_BYTES_MAX) throw tooLarge(url)
    }
  } catch (cause) {
    throw cause instanceof JourneyFailed ? cause : unreachable(url, cause)
  }
  const { status, headers } = response
  return new Response(length === 0 ? null : Buffer.concat(chunks), { status, headers })
}

function unreachable(url: string, cause: unknown): JourneyFailed {
  const message = `${place(url)} did not answer in time. Check that it runs and can be reached from here.`
  return new JourneyFailed('network.unreachable', message, { cause })
}

function tooLarge(url: string): JourneyFailed {
  const message = `${place(url)} answered with more than ${BODY_BYTES_MAX} bytes. Check that the address is right.`
  return new JourneyFailed('network.answer_too_large', message)
}

/** A URL without its query, which may hold what no error should repeat. */
function place(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
