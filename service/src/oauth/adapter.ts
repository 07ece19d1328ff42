import { ACCESS_TOKEN_SECONDS, ASSERTION_SECONDS_MAX, CLOCK_SKEW_SECONDS } from '@tetrapod/protocol'
import type { Adapter, AdapterPayload, errors as libraryErrors } from 'oidc-provider'
import type { Families } from '#grants'
import { type Clock, hashed, nowSeconds } from '#kernel'
import type { RowKey, Vault } from '#vault'
import { parseLoginId } from './login-id.ts'
import type { ReplayStore, StateRow, StateStore } from './state-store.ts'

export interface AdapterDeps {
  readonly state: StateStore
  readonly replay: ReplayStore
  readonly vault: Vault
  readonly families: Families
  readonly clock: Clock
  readonly errors: typeof libraryErrors
}

/**
 * Where the library keeps its state: ids hashed, payloads sealed, single use by one conditional write. The library itself
 * reads and then writes, and ignores what `consume` says; so a second use throws here.
 */
export function stateAdapter(deps: AdapterDeps): (model: string) => Adapter {
  const nextVersion = growing(deps.clock)
  return (model) =>
    model === 'ReplayDetection' ? replayAdapter(deps) : modelAdapter(model, { ...deps, nextVersion })
}

/**
 * How much longer than it can be used a code is kept, in seconds: as long as a token that it gave is accepted. Who shows
 * it again until then ends the login.
 */
const CODE_KEPT_SECONDS = ACCESS_TOKEN_SECONDS + CLOCK_SKEW_SECONDS

function modelAdapter(model: string, deps: AdapterDeps & { readonly nextVersion: () => number }): Adapter {
  const { state, vault, clock, errors, nextVersion } = deps
  const opened = async (row: StateRow | undefined): Promise<AdapterPayload | undefined> => {
    if (row === undefined || endOf(row) <= clock.now()) return undefined
    const payload = JSON.parse(
      Buffer.from(await vault.open(keyOf(row), row.sealed)).toString(),
    ) as AdapterPayload
    return row.consumedAt === undefined
      ? payload
      : // The library looks for a second use only while a code has not expired.
        { ...payload, exp: Math.floor(endOf(row) / 1000), consumed: Math.floor(row.consumedAt / 1000) }
  }
  return {
    async upsert(id, payload, expiresIn) {
      const row = { model, idHash: hashed(id), version: nextVersion() }
      await state.upsert({
        ...row,
        sealed: await vault.seal(keyOf(row), Buffer.from(JSON.stringify(payload))),
        grantId: payload.grantId,
        uidHash: payload.uid === undefined ? undefined : hashed(payload.uid),
        consumedAt: undefined,
        expiresAt: expiresIn ? clock.now() + expiresIn * 1000 + keptMs(model) : undefined,
      })
    },
    async find(id) {
      if (model === 'Grant' && !(await loginLives(id, deps))) return undefined
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
      if (row?.grantId !== undefined) await endLogin(row.grantId, deps)
      throw new errors.InvalidGrant('it was used before')
    },
    async destroy(id) {
      if (model === 'Grant') await endLogin(id, deps)
      await state.remove(model, hashed(id))
    },
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

/** Finding the library's Grant asks whether ours lives: this is what stops codes at once. */
async function loginLives(id: string, { families }: AdapterDeps): Promise<boolean> {
  const login = parseLoginId(id)
  const family = login === undefined ? undefined : await families.live(login.family)
  return family !== undefined && family.grant === login?.grant
}

/** A replayed code ends the login it was for, the tokens already out included; the user's grant stays. */
async function endLogin(id: string, { families }: AdapterDeps): Promise<void> {
  const login = parseLoginId(id)
  if (login !== undefined) await families.end(login.family)
}

/** Until when it is found, in milliseconds: a code that was used, until it is forgotten. */
function endOf({ model, consumedAt, expiresAt = Infinity }: StateRow): number {
  return consumedAt === undefined ? expiresAt - keptMs(model) : expiresAt
}

function keptMs(model: string): number {
  return model === 'AuthorizationCode' ? CODE_KEPT_SECONDS * 1000 : 0
}

function keyOf({ model, idHash, version }: Pick<StateRow, 'model' | 'idHash' | 'version'>): RowKey {
  return { purpose: 'oauth', record: `${model}:${idHash}`, field: 'payload', version }
}

/** Row versions that grow with every write, over restarts too. */
function growing(clock: Clock): () => number {
  let last = 0
  return () => (last = Math.max(last + 1, clock.now()))
}
