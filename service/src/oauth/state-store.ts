import type { Sealed } from '#vault'

/** One row of the authorization server's state (a code, an interaction, a session, ...): a hashed id and a sealed payload. */
export interface StateRow {
  /** The library's model name: `AuthorizationCode`, `Session`, `Interaction`, `Grant`, ... */
  readonly model: string
  readonly idHash: string
  /** Grows with every write of the row. */
  readonly version: number
  readonly sealed: Sealed
  /** The login it belongs to (`gid.family`), where it belongs to one. */
  readonly grantId: string | undefined
  /** A second id under which a session is found, hashed. */
  readonly uidHash: string | undefined
  /** Milliseconds; undefined while it has not been used. */
  readonly consumedAt: number | undefined
  /** When it may be forgotten, in milliseconds; undefined: never. */
  readonly expiresAt: number | undefined
}

export interface StateStore {
  find(model: string, idHash: string): Promise<StateRow | undefined>
  findByUid(model: string, uidHash: string): Promise<StateRow | undefined>
  /** Inserts or replaces; never clears `consumedAt` of a row that is there. */
  upsert(row: StateRow): Promise<void>
  /**
   * Marks used, to be forgotten at `forgetAt` if that is given. False, and nothing written, when it is unknown or was used
   * before: of two at once one wins.
   */
  consume(model: string, idHash: string, at: number, forgetAt?: number): Promise<boolean>
  remove(model: string, idHash: string): Promise<void>
  removeByGrant(model: string, grantId: string): Promise<void>
  /** Forgets what expired before `now` (milliseconds). */
  sweep(now: number): Promise<void>
}

/** Things that may be used once until they expire (`jti` of client assertions). Atomic over processes; may be lost in a power cut. */
export interface ReplayStore {
  /** True the first time, until it expires. `key` is any string; `expiresAt` and `now` in seconds since the epoch. */
  use(key: string, expiresAt: number, now: number): Promise<boolean>
  /** Forgets what expired before `now` (seconds), some at a time: uses meanwhile hardly wait. */
  sweep(now: number): Promise<void>
}
