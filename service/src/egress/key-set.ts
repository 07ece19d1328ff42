import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { type Egress, readAll } from './egress.ts'
import { fault } from './faults.ts'

const KEY_SET_BYTES_MAX = 64 * 1024

/** `fetch` through the configured door, for libraries that insist on the shape. Bodies up to 64 KiB. */
export function configuredFetch(egress: Egress): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    if ((init?.method ?? 'GET') !== 'GET') throw new TypeError('only GET goes through here')
    const headers = Object.fromEntries(new Headers(init?.headers).entries())
    const signal = init?.signal ?? AbortSignal.timeout(3_000)
    const answer = await egress.send({ url, method: 'GET', headers, signal })
    const body = await readAll(answer, KEY_SET_BYTES_MAX)
    return new Response(answer.status === 204 ? null : new Uint8Array(body), { status: answer.status })
  }
}

/**
 * A party's published keys (RFC 7517): cached, fetched again for an unknown key at most every 30 s. Throws
 * `egress.keys_unavailable` when they cannot be fetched; what jose throws says something of the token.
 */
export function keySet(jwksUri: string, egress: Egress): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(jwksUri), {
    [customFetch]: async (url, init) => {
      const answer = await configuredFetch(egress)(url, init).catch((cause: unknown) => {
        throw fault.keys_unavailable({ cause })
      })
      if (!answer.ok) throw fault.keys_unavailable({ detail: `status ${answer.status}` })
      return answer
    },
    timeoutDuration: 3_000,
    cacheMaxAge: 10 * 60_000,
  })
}
