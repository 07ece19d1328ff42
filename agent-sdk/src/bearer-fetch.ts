import { type BearerChallenge, readChallenge, type Scopes, scopesWanted } from '@tetrapod/protocol'
import { createStepUps, operationOf } from './step-up.ts'

/** What a fetch needs to know of a login, which may have to be made first. */
export interface Access {
  /** The token to send now; undefined: there is none yet, so ask without. */
  token(): Promise<string | undefined>
  /**
   * The server did not take `sent`: resolves when there is another token, to `asked` if the user was asked for it.
   * `again`: nor did it take the one before. Rejects when there is no way to another token.
   */
  refused(sent: string | undefined, challenge: BearerChallenge, again: boolean): Promise<'renewed' | 'asked'>
  /**
   * The server wants these scopes: resolves when there is a token that asked for them, or that has them already and
   * may be sent once more. `again`: that did not help.
   */
  widen(sent: string | undefined, scopes: Scopes, again: boolean): Promise<void>
}

// Without a token, with a stored one, with a renewed one.
const REFUSALS_MAX = 3

/**
 * A fetch that sends the token with every request to `mcpUrl`, and with none to any other address. It follows no
 * redirect: the token is for this address. A 401 is answered with another token, a 403 `insufficient_scope` with the
 * scopes it names, a few times; after that the server's answer is the answer.
 */
export function bearerFetch(
  mcpUrl: string,
  access: Access,
  fetch: typeof globalThis.fetch,
): typeof globalThis.fetch {
  const stepUps = createStepUps()
  return async (input, init) => {
    const request = new Request(input, init)
    if (!isAt(mcpUrl, request.url)) return fetch(input, init)
    // The body is read, so that the request can be sent again.
    const body = request.body === null ? undefined : await request.text()
    const operation = operationOf(request.method, body)
    const { method, headers, signal } = request
    let [refusals, asked, again, widened] = [0, false, false, false]
    for (;;) {
      const token = await unlessAborted(signal, access.token())
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      const attempt = { method, headers, signal, redirect: 'manual', ...(body === undefined ? {} : { body }) }
      const response = await fetch(request.url, attempt as RequestInit)
      const challenge = readChallenge(response.headers.get('www-authenticate') ?? '')
      const missing = response.status === 403 ? scopesWanted(challenge) : undefined
      if (response.status === 401 && refusals < REFUSALS_MAX && !asked) {
        refusals++
        await response.body?.cancel()
        asked = (await unlessAborted(signal, access.refused(token, challenge, again))) === 'asked'
        again = token !== undefined
      } else if (missing !== undefined && stepUps.allow(operation)) {
        await response.body?.cancel()
        await unlessAborted(signal, access.widen(token, missing, widened))
        widened = true
      } else {
        if (response.ok) stepUps.succeeded(operation)
        return response
      }
    }
  }
}

function isAt(mcpUrl: string, url: string): boolean {
  const [here, there] = [new URL(mcpUrl), new URL(url)]
  return here.origin === there.origin && here.pathname === there.pathname && here.search === there.search
}

/** Stops waiting when the caller does; what was waited for goes on, for others may wait for it too. */
async function unlessAborted<Value>(signal: AbortSignal, value: Promise<Value>): Promise<Value> {
  signal.throwIfAborted()
  let abort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([value, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
