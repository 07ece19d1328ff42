import type { Admission, VerifiedAuth } from './admission.ts'
import { responseOf } from './answer.ts'
import { InsufficientScope } from './errors.ts'
import type { Received } from './received.ts'

/** What serves requests that were let in. */
export type GuardedFetch = (request: Request, auth: VerifiedAuth) => Response | Promise<Response>
/** What Hono, `createMcpHandler` and every server of the Fetch standard call `fetch`. */
export type FetchHandler = (request: Request) => Promise<Response>

/** For everything that takes a Request and gives a Response. */
export function webOf(admit: Admission['admit'], handler: GuardedFetch): FetchHandler {
  return async (request) => {
    const admitted = await admit(receivedOf(request))
    if (admitted.outcome === 'answered') return responseOf(admitted.answer)
    try {
      return await handler(request, admitted.auth)
    } catch (error) {
      if (error instanceof InsufficientScope) return error.getResponse()
      throw error
    }
  }
}

/** `Headers` joins what was sent twice by a comma, which no bearer token has: two are none here too. */
function receivedOf({ method, url, headers }: Request): Received {
  const { pathname, search } = new URL(url)
  const header = (name: string): readonly string[] => {
    const value = headers.get(name)
    return value === null ? [] : [value]
  }
  return { method, target: pathname + search, header }
}
