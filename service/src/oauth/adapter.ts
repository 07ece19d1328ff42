import { ACCESS_TOKEN_SECONDS, ASSERTION_SECONDS_MAX, CLOCK_SKEW_SECONDS } from '@tetrapod/protocol'
import type { Adapter, AdapterPayload, errors as libraryErrors } from 'oidc-provider'
import type { Families, Grants } from '#grants'
import { type Clock, hashed, nowSeconds } from '#kernel'
import type { Vault } from '#vault'
import { grantAdapter } from './grant-adapter.ts'
import { endLogin } from './login-id.ts'
import { PUSHED_REQUEST, pushedRequestAdapter } from './pushed-adapter.ts'
import { refreshTokenAdapter } from './refresh-token-adapter.ts'
import { REFRESH_TOKEN, type RefreshTokens } from './refresh-tokens.ts'
import { type SealedState, sealedState } from './sealed-state.ts'
import type { ReplayStore, StateRow, StateStore } from './state-store.ts'

export interface AdapterDeps {
  readonly state: StateStore
  readonly replay: Pick<ReplayStore, 'use'>
  readonly vault: Vault
  readonly grants: Pick<Grants, 'live'>
  readonly families: Families
  readonly refreshTokens: RefreshTokens
  readonly clock: Clock
  readonly errors: typeof libraryErrors
  /** The client id of the request that is being answered, as far as it is known. */
  readonly caller: () => string | undefined
}

export type ModelAdapterDeps = AdapterDeps & { readonly sealed: SealedState }

/**
 * Where the library keeps its state: ids hashed, payloads sealed, single use by one conditional write. The library itself
 * reads and then writes, and ignores what `consume` says; so a second use throws here.
 */
export function stateAdapter(deps: AdapterDeps): (model: string) => Adapter {
  const all = { ...deps, sealed: sealedState(deps) }
  return (model) => {
    switch (model) {
      case 'ReplayDetection':
        return replayAdapter(all)
      case REFRESH_TOKEN:
        return refreshTokenAdapter(modelAdapter(model, all), all)
      case PUSHED_REQUEST:
        return pushedRequestAdapter(modelAdapter(model, all), all)
      case 'Grant':
        return grantAdapter(modelAdapter(model, all), all)
      default:
        return modelAdapter(model, all)
    }
  }
}

/**
 * How much longer than it can be used a code is kept, in seconds: as long as a token that it gave is accepted. Who shows
 * it again until then ends the login.
 */
const CODE_KEPT_SECONDS = ACCESS_TOKEN_SECONDS + CLOCK_SKEW_SECONDS

function modelAdapter(model: string, deps: ModelAdapterDeps): Adapter {
  const { state, sealed, clock, errors } = deps
  const keptMs = model === 'AuthorizationCode' ? CODE_KEPT_SECONDS * 1000 : 0
  const opened = async (row: StateRow | undefined): Promise<AdapterPayload | undefined> => {
    if (row === undefined || endOf(row, keptMs) <= clock.now()) return undefined
    const payload = await sealed.open(row)
    return row.consumedAt === undefined
      ? payload
      : // The library looks for a second use only while a code has not expired.
        {
          ...payload,
          exp: Math.floor(endOf(row, keptMs) / 1000),
          consumed: Math.floor(row.consumedAt / 1000),
        }
  }
  return {
    upsert: (id, payload, seconds) => sealed.write(model, id, payload, { seconds, keptMs }),
    async find(id) {
      return opened(await state.find(model, hashed(id)))
    },
    async findByUid(uid) {
      return opened(await state.findByUid(model, hashed(uid)))
    },
    async findByUserCode() {
      return undefined
    },
    async consume(id) {
      const idHash = hashed(id)
      if (await state.consume(model, idHash, clock.now())) return
      const row = await state.find(model, idHash)
      if (row?.grantId !== undefined) await endLogin(row.grantId, deps.families)
      throw new errors.InvalidGrant('it was used before')
    },
    destroy: (id) => state.remove(model, hashed(id)),
    revokeByGrantId: (grantId) => state.removeByGrant(model, grantId),
  }
}

/** A client assertion is used once, whichever endpoint sees it first: the store is the exchange's own. */
function replayAdapter({ replay, clock, errors }: AdapterDeps): Adapter {
  const never = async () => undefined
  return {
    async upsert(id, _payload, expiresIn) {
      const now = nowSeconds(clock)
      if (!(await replay.use(id, now + (expiresIn ?? ASSERTION_SECONDS_MAX), now)))
        throw new errors.InvalidClientAuth('the assertion was used before')
    },
    find: never,
    findByUid: never,
    findByUserCode: never,
    consume: never,
    destroy: never,
    revokeByGrantId: never,
  }
}

/** Until when it is found, in milliseconds: what was used, until it is forgotten. */
function endOf({ consumedAt, expiresAt = Infinity }: StateRow, keptMs: number): number {
  return consumedAt === undefined ? expiresAt - keptMs : expiresAt
}
