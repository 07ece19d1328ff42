import type { IncomingMessage } from 'node:http'
import { failurePage, type Handler } from '#http'
import { type Clock, createTokenBucket, type Log } from '#kernel'
import type { Users } from '#users'
import type { Cookies } from './cookies.ts'
import { fault } from './faults.ts'
import { checkRequestSize } from './request-size.ts'

/** Of people who are not signed in, all together. */
const BURST = 100
const PER_SECOND = 20

export interface AuthorizeDeps {
  /** Decides the authorization request. */
  readonly library: Handler
  readonly users: Users
  readonly cookies: Cookies
  readonly clock: Clock
  readonly log: Log
}

/**
 * In front of the authorization endpoint: the library stores every request of anybody for a quarter of an hour, so its
 * size is limited, and of those who are not signed in their number.
 */
export function authorize({ library, users, cookies, clock, log }: AuthorizeDeps): Handler {
  const take = createTokenBucket({ perSecond: PER_SECOND, burst: BURST, clock })
  const admit = async (request: IncomingMessage) => {
    checkRequestSize(request.url?.split('?').slice(1).join('?') ?? '')
    // A cookie that somebody made up is no sign-in.
    if ((await users.session(cookies.session(request.headers.cookie))) !== undefined) return
    const wait = take()
    if (wait > 0) throw fault.busy({ data: { retry_after: wait } })
  }
  return async (request, response) => {
    try {
      await admit(request)
    } catch (error) {
      const { status, headers, body } = await failurePage(error, log)
      response.writeHead(status, headers).end(String(body))
      return
    }
    await library(request, response)
  }
}
