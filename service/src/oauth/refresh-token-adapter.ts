import type { Adapter, errors as libraryErrors } from 'oidc-provider'
import type { Families } from '#grants'
import type { Fault } from '#kernel'
import { fault } from './faults.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { SealedState } from './sealed-state.ts'

/**
 * Refresh tokens as the library sees them: one that was used just now is still there, and using it again is no failure.
 * One that was used longer ago ends its login (RFC 9700 §4.14.2), if it is that client's own who shows it.
 */
export function refreshTokenAdapter(
  stored: Adapter,
  deps: {
    readonly refreshTokens: RefreshTokens
    readonly families: Families
    readonly sealed: SealedState
    readonly errors: typeof libraryErrors
    readonly caller: () => string | undefined
  },
): Adapter {
  const { refreshTokens, families, sealed, errors, caller } = deps
  const refused = (why: Fault) => invalidGrant(errors, why)
  return {
    ...stored,
    async find(id) {
      const found = await refreshTokens.look(id)
      if (found.status === 'unknown') throw refused(fault.refresh_token_unknown())
      if (found.status === 'ended') throw refused(fault.login_ended())
      if (found.login.agent !== caller()) throw refused(fault.refresh_token_of_another())
      if (found.status === 'usable') return sealed.open(found.row)
      if (found.status === 'expired') throw refused(fault.refresh_token_expired())
      await families.end(found.login.id)
      throw refused(fault.refresh_token_reused())
    },
    async consume(id) {
      if (await refreshTokens.use(id)) return
      const family = refreshTokens.familyOf(id)
      if (family !== undefined) await families.end(family)
      throw refused(fault.refresh_token_reused())
    },
  }
}

/** The library's error, which says to the client what the fault says, and to us which fault it is. */
export function invalidGrant(errors: typeof libraryErrors, why: Fault) {
  return Object.assign(new errors.InvalidGrant({ cause: why }), { error_description: why.message })
}
