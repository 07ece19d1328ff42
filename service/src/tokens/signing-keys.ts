import type { SigningAlgorithm } from '@tetrapod/protocol'
import type { Clock } from '#kernel'
import type { Revocation, RevocationEntry } from '#revocation'
import type { Vault } from '#vault'
import {
  begin,
  type Change,
  type KeyState,
  REREAD_MS,
  revoking,
  rotate,
  rotateNow,
  scheduleAt,
  type ScheduledKey,
} from './key-schedule.ts'
import { makeSigningKey, openSigningKey, type SigningKey } from './signing-key.ts'
import type { SigningKeyRow, SigningKeyStore } from './signing-key-store.ts'

/** What signs and what verifies at a moment. */
export interface KeySet {
  readonly signing: SigningKey
  /** What everybody may fetch (RFC 7517 §5): the one that signs first, then the others that verify. */
  readonly published: readonly [SigningKey, ...SigningKey[]]
}

/** A key for its operator. Times in milliseconds. */
export interface KeyStatus {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly state: KeyState
  readonly since: number
  readonly signsAt: number
  /** When it verifies no longer, once that is known. */
  readonly goneAt?: number | undefined
}

/** Our signing keys over time, the first made at the first start. What another process changes is known here soon. */
export interface SigningKeys {
  current(): Promise<KeySet>
  /** A published key; undefined for any other, revoked ones among them. */
  find(kid: string): SigningKey | undefined | Promise<SigningKey | undefined>
  /** Those in use and those that were revoked, in the order in which they sign. */
  status(): Promise<readonly KeyStatus[]>
  /**
   * Makes the next key, which signs once everybody can know it, or lets the next one (a new one, where there is none) sign
   * `now`. Durable when it resolves. Throws `tokens.rotation_pending`.
   */
  rotate(options: { readonly now: boolean }): Promise<Pick<KeyStatus, 'kid' | 'signsAt'>>
  /**
   * Withdraws a key: what it signed holds nowhere any more. Another signs in its place. Durable and in force here when it
   * resolves. Throws `tokens.key_unknown`.
   */
  revoke(kid: string): Promise<void>
}

export interface SigningKeysDeps {
  readonly store: SigningKeyStore
  readonly vault: Vault
  readonly revocation: Revocation
  readonly clock: Clock
  /** Of keys made from now on: asked for each of them. */
  readonly algorithm: () => SigningAlgorithm
}

/** Invented key ids make the rows be read again at most this often (milliseconds). */
const RETRY_MS = 1000

export async function openSigningKeys(deps: SigningKeysDeps): Promise<SigningKeys> {
  const { store, vault, revocation, clock, algorithm } = deps
  const opened = new Map<string, SigningKey>()
  let rows: readonly SigningKeyRow[] = []
  let triedAt = -Infinity
  let reading: Promise<void> | undefined

  const take = async (found: readonly SigningKeyRow[]): Promise<void> => {
    for (const { row } of publishedAt(found, clock.now()))
      if (!opened.has(row.kid)) opened.set(row.kid, await openSigningKey(row, vault))
    rows = found
  }
  const read = (): Promise<void> => {
    triedAt = clock.now()
    reading ??= store
      .list()
      .then(take)
      .finally(() => (reading = undefined))
    return reading
  }
  // What was read last serves on where it cannot be read again: all else that needs the store says that it cannot.
  const notOlderThan = async (ms: number): Promise<void> => {
    if (isOlderThan(ms)) await read().catch(() => {})
  }
  const isOlderThan = (ms: number) => Math.abs(clock.now() - triedAt) >= ms
  const revoked = (kid: string) => revocation.revoked('key', kid)
  const published = () => publishedAt(rows, clock.now()).filter(({ row }) => !revoked(row.kid))
  const known = (kid: string) =>
    published().some(({ row }) => row.kid === kid) ? opened.get(kid) : undefined
  const lookUp = async (kid: string): Promise<SigningKey | undefined> => {
    await notOlderThan(REREAD_MS)
    if (known(kid) === undefined) await notOlderThan(RETRY_MS)
    return known(kid)
  }
  const change = async (of: Change, entry?: RevocationEntry): Promise<readonly SigningKeyRow[]> => {
    const made = await makeSigningKey(algorithm(), clock.now(), vault)
    let written: readonly SigningKeyRow[] = []
    await take(await store.update((found) => (written = of(found, made, clock.now())), entry))
    return written
  }

  await change(begin)
  return {
    async current() {
      await notOlderThan(REREAD_MS)
      // Another process revoked the key that signs: its rows say what signs instead.
      if (published()[0]?.state !== 'signing') await read()
      const [first, ...others] = published()
      if (first?.state !== 'signing') throw new Error('no key signs')
      const keyOf = ({ row }: ScheduledKey): SigningKey => opened.get(row.kid) ?? unopened(row.kid)
      return { signing: keyOf(first), published: [keyOf(first), ...others.map(keyOf)] }
    },
    find: (kid) => (isOlderThan(REREAD_MS) ? undefined : known(kid)) ?? lookUp(kid),
    async status() {
      await read()
      return scheduleAt(rows, clock.now())
        .filter(({ state }) => state !== 'gone')
        .map(({ row: { kid, algorithm, createdAt, signsAt }, ...times }) => {
          return { kid, algorithm, signsAt: Math.max(createdAt, signsAt), ...times }
        })
    },
    async rotate({ now }) {
      const [row] = await change(now ? rotateNow : rotate)
      if (row === undefined) throw new Error('a rotation wrote nothing')
      return { kid: row.kid, signsAt: row.signsAt }
    },
    async revoke(kid) {
      const entry = revocation.entry('key', kid)
      await change(revoking(kid), entry)
      revocation.learn(entry)
    },
  }
}

/** Those that verify at a moment, the one that signs first. */
function publishedAt(rows: readonly SigningKeyRow[], now: number): readonly ScheduledKey[] {
  const inUse = scheduleAt(rows, now).filter(({ state }) => state !== 'gone' && state !== 'revoked')
  return inUse.toSorted((a, b) => Number(b.state === 'signing') - Number(a.state === 'signing'))
}

function unopened(kid: string): never {
  throw new Error(`the signing key ${kid} was not opened`)
}
