import type { AdapterPayload } from 'oidc-provider'
import { type Clock, hashed } from '#kernel'
import type { RowKey, Vault } from '#vault'
import type { StateRow, StateStore } from './state-store.ts'

/** Rows of the library's state: ids hashed, payloads sealed. */
export interface SealedState {
  /** `keptMs` longer than it can be used, in milliseconds, a row may still be found. */
  write(model: string, id: string, payload: AdapterPayload, lives: Lives): Promise<void>
  open(row: StateRow): Promise<AdapterPayload>
}

export interface Lives {
  /** Seconds; 0 or undefined: for ever. */
  readonly seconds: number | undefined
  readonly keptMs?: number
}

export function sealedState(deps: {
  readonly state: StateStore
  readonly vault: Vault
  readonly clock: Clock
}): SealedState {
  const { state, vault, clock } = deps
  const nextVersion = growing(clock)
  return {
    async write(model, id, payload, { seconds, keptMs = 0 }) {
      const row = { model, idHash: hashed(id), version: nextVersion() }
      await state.upsert({
        ...row,
        sealed: await vault.seal(keyOf(row), Buffer.from(JSON.stringify(payload))),
        grantId: payload.grantId,
        uidHash: payload.uid === undefined ? undefined : hashed(payload.uid),
        consumedAt: undefined,
        expiresAt: seconds ? clock.now() + seconds * 1000 + keptMs : undefined,
      })
    },
    async open(row) {
      return JSON.parse(Buffer.from(await vault.open(keyOf(row), row.sealed)).toString()) as AdapterPayload
    },
  }
}

function keyOf({ model, idHash, version }: Pick<StateRow, 'model' | 'idHash' | 'version'>): RowKey {
  return { purpose: 'oauth', record: `${model}:${idHash}`, field: 'payload', version }
}

/** Row versions that grow with every write, over restarts too. */
function growing(clock: Clock): () => number {
  let last = 0
  return () => (last = Math.max(last + 1, clock.now()))
}
