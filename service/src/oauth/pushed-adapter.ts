import type { Adapter, errors as libraryErrors } from 'oidc-provider'
import { type Clock, hashed } from '#kernel'
import type { SealedState } from './sealed-state.ts'
import type { StateStore } from './state-store.ts'

export const PUSHED_REQUEST = 'PushedAuthorizationRequest'
/**
 * How much longer than it can be used a pushed request is kept: as long as a person whom it led to a page may stay there.
 * Of all those pages one becomes a code.
 */
const KEPT_MS = 15 * 60_000
const LONG_AGO = 1

/** Pushed authorization requests: used once (RFC 9126 §4), also by two who come back from their pages at once. */
export function pushedRequestAdapter(
  stored: Adapter,
  deps: {
    readonly state: StateStore
    readonly sealed: SealedState
    readonly clock: Clock
    readonly errors: typeof libraryErrors
  },
): Adapter {
  const { state, sealed, clock, errors } = deps
  return {
    ...stored,
    upsert: (id, payload, seconds) => sealed.write(PUSHED_REQUEST, id, payload, { seconds, keptMs: KEPT_MS }),
    async find(id) {
      const row = await state.find(PUSHED_REQUEST, hashed(id))
      const left = (row?.expiresAt ?? 0) - clock.now()
      if (row === undefined || left <= 0) return undefined
      return {
        ...(await sealed.open(row)),
        ...(left <= KEPT_MS ? { exp: LONG_AGO } : {}),
        ...(row.consumedAt === undefined ? {} : { consumed: Math.floor(row.consumedAt / 1000) }),
      }
    },
    async consume(id) {
      if (await state.consume(PUSHED_REQUEST, hashed(id), clock.now())) return
      throw new errors.InvalidRequestUri('the request_uri was used before')
    },
  }
}
