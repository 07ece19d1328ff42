import { ACCESS_TOKEN_SECONDS, CLOCK_SKEW_SECONDS, JWKS_SECONDS } from '@tetrapod/protocol'
import { fault } from './faults.ts'
import type { SigningKeyRow } from './signing-key-store.ts'

/** Every process reads the rows at least this often (milliseconds), and at once for a key id that it does not know. */
export const REREAD_MS = 30_000
/**
 * How long a key is published before it signs (milliseconds): whoever fetched the keys the moment before a process heard of
 * the new one has fetched them again.
 */
export const AHEAD_MS = JWKS_SECONDS * 1000 + REREAD_MS
/**
 * How long a key is published after another took over (milliseconds): the last token it signed, by a process whose clock
 * is late, is dead for a reader whose clock is late.
 */
export const RETIRED_MS = (ACCESS_TOKEN_SECONDS + 2 * CLOCK_SKEW_SECONDS) * 1000

/** `next`, `signing` and `retired` are published; `gone` and `revoked` are not, and verify nothing. */
export type KeyState = 'next' | 'signing' | 'retired' | 'gone' | 'revoked'

/** What a key does at a moment. Times in milliseconds. */
export interface ScheduledKey {
  readonly row: SigningKeyRow
  readonly state: KeyState
  readonly since: number
  /** When it will verify no longer: known once another signs. */
  readonly goneAt: number | undefined
}

/**
 * What each key does at a moment: a function of the rows and the time and nothing else, so that all processes agree without a
 * word. Of those whose time has come the last signs. In the order in which they sign.
 */
export function scheduleAt(rows: readonly SigningKeyRow[], now: number): readonly ScheduledKey[] {
  const inOrder = rows.toSorted(bySigning)
  return inOrder.map((row, place) => {
    const successor = inOrder.slice(place + 1).find((later) => everSigned(later, now))
    return { row, ...stateOf(row, successor, now) }
  })
}

/** Of those that were to sign from the same moment the one that still may is the later. */
function bySigning(a: SigningKeyRow, b: SigningKeyRow): number {
  const { revokedAt: aEnds = Infinity } = a
  const { revokedAt: bEnds = Infinity } = b
  if (a.signsAt !== b.signsAt) return a.signsAt - b.signsAt
  if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt
  return aEnds === bEnds ? (a.kid < b.kid ? -1 : 1) : aEnds < bEnds ? -1 : 1
}

/** A key that was revoked before its time never took over from another; one revoked later did, and that stays so. */
function everSigned({ signsAt, revokedAt = Infinity }: SigningKeyRow, now: number): boolean {
  return signsAt <= now && signsAt <= revokedAt
}

function stateOf(
  { createdAt, signsAt, revokedAt }: SigningKeyRow,
  successor: SigningKeyRow | undefined,
  now: number,
): Omit<ScheduledKey, 'row'> {
  if (revokedAt !== undefined) return { state: 'revoked', since: revokedAt, goneAt: revokedAt }
  if (signsAt > now) return { state: 'next', since: createdAt, goneAt: undefined }
  if (successor === undefined)
    return { state: 'signing', since: Math.max(createdAt, signsAt), goneAt: undefined }
  const goneAt = successor.signsAt + RETIRED_MS
  return goneAt > now
    ? { state: 'retired', since: successor.signsAt, goneAt }
    : { state: 'gone', since: goneAt, goneAt }
}

/** A change to the rows at a moment: those to write. `made` is a new key, should one be needed. */
export type Change = (
  rows: readonly SigningKeyRow[],
  made: SigningKeyRow,
  now: number,
) => readonly SigningKeyRow[]

/** The first key of all has always signed, should the clock be set back; where there is one, nothing changes. */
export const begin: Change = (rows, made) => (rows.length === 0 ? [{ ...made, signsAt: 0 }] : [])

/** The new key is published now and signs later. Throws `tokens.rotation_pending`. */
export const rotate: Change = (rows, made, now) => {
  if (nextOf(rows, now) !== undefined) throw fault.rotation_pending()
  return [{ ...made, signsAt: now + AHEAD_MS }]
}

/** The next key signs now; where there is none, the new one does. */
export const rotateNow: Change = (rows, made, now) => [{ ...(nextOf(rows, now) ?? made), signsAt: now }]

/** A key is withdrawn; the one that signs is replaced in the same moment. Throws `tokens.key_unknown`. */
export const revoking =
  (kid: string): Change =>
  (rows, made, now) => {
    const found = scheduleAt(rows, now).find(({ row }) => row.kid === kid)
    if (found === undefined || found.state === 'gone' || found.state === 'revoked')
      throw fault.key_unknown({ detail: kid })
    const revoked = { ...found.row, revokedAt: now }
    return found.state === 'signing' ? [revoked, ...rotateNow(rows, made, now)] : [revoked]
  }

function nextOf(rows: readonly SigningKeyRow[], now: number): SigningKeyRow | undefined {
  return scheduleAt(rows, now).find(({ state }) => state === 'next')?.row
}
