import { FEED_STALE_MS } from '@tetrapod/protocol'
import { missingFrom } from '#catalogue'
import { asFault } from '#http'
import type { CatalogueEnds, CatalogueRow, RevocationEntry, Standing } from '#revocation'
import type { Edition } from './deployment.ts'
import type { Ground } from './ground.ts'

type Settled = Pick<Edition, 'digest' | 'standing'>

export interface Change {
  /** What this process ran on until now; undefined at its start. */
  readonly before: Settled | undefined
  readonly after: Settled
  /** Agents that named themselves, once met, whom nothing in `after` lets in. */
  readonly strangers: () => Promise<readonly string[]>
}

export interface Settlement {
  /** Durable: hand them to `learn` in the moment in which the catalogue takes effect. */
  readonly entries: readonly RevocationEntry[]
  /** Names of parties and edges, never of people. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export type SettleDeps = Pick<Ground, 'storage' | 'revocation' | 'audit' | 'issuer' | 'clock'>

/**
 * Puts a catalogue in the place of the one before it: on record first, then in one transaction the row, the end of what it
 * leaves out (logins, sessions), and the entries that end the tokens. It compares with what was last in force anywhere, so
 * that what was removed while nothing ran, or at another replica, ends as well. Throws `audit.unavailable` and storage faults:
 * then nothing has changed here.
 */
export async function settle(change: Change, deps: SettleDeps): Promise<Settlement> {
  const { storage, audit, clock } = deps
  let row = await storage.catalogue.read()
  const before = change.before ?? row
  const named = namesOf(change.after, before)
  const correct = await onRecord(before, change, named, audit)
  try {
    for (;;) {
      const gone = goneSince(row, change, clock.now())
      if (row !== undefined && gone.length === 0 && isSame(row, change.after))
        return { ...named, entries: [] }
      const ends = await endsOf(gone, change, deps)
      const next = { ...change.after, version: (row?.version ?? 0) + 1, at: ends.at }
      if (await storage.catalogue.replace(next, ends)) return { ...named, entries: ends.entries }
      // Another replica was first: what it wrote is what there is to compare with now.
      row = await storage.catalogue.read()
    }
  } catch (error) {
    correct(asFault(error).code)
    throw error
  }
}

/** Nothing changes with the first start of all, nor where a service starts again with what it had. */
async function onRecord(
  before: Settled | undefined,
  { before: running, after }: Change,
  { added, removed }: Pick<Settlement, 'added' | 'removed'>,
  audit: SettleDeps['audit'],
): Promise<(reason: string) => void> {
  if (before === undefined || (running === undefined && before.digest === after.digest)) return () => {}
  const ref = await audit.event({
    kind: 'catalogue_changed',
    before: before.digest,
    after: after.digest,
    added,
    removed,
  })
  // It may have been written all the same.
  return (reason) => audit.amend(ref, { status: 'unknown', reason })
}

/**
 * What counted somewhere and does not any more. Where another replica wrote the same catalogue a moment ago, its entries end
 * what this one gave until now too: they hold for longer than that (ISSUED_BEFORE_MARGIN_MS).
 */
function goneSince(
  row: CatalogueRow | undefined,
  { before, after }: Change,
  now: number,
): readonly Standing[] {
  const settled = row?.digest === after.digest && now < row.at + FEED_STALE_MS
  const own = settled ? [] : (before?.standing ?? [])
  return missingFrom(after.standing, [...(row?.standing ?? []), ...own])
}

function isSame(row: Settled, after: Settled): boolean {
  return row.digest === after.digest && missingFrom(row.standing, after.standing).length === 0
}

async function endsOf(
  gone: readonly Standing[],
  { after, strangers }: Change,
  { storage, revocation, issuer, clock }: SettleDeps,
): Promise<CatalogueEnds> {
  const of = (kind: string) => gone.filter((it) => it.kind === kind).map(({ id }) => id)
  const servers = new Set(of('server'))
  const left = new Set(after.standing.filter(({ kind }) => kind === 'server').map(({ id }) => id))
  const closed = of('host').length > 0 || of('registration').length > 0
  const agents = new Set([...of('agent'), ...(closed ? await strangers() : [])])
  const accountsOf = async (names: readonly string[]) => {
    const found = await Promise.all(names.map((name) => storage.accounts.bySubject(issuer, name)))
    return found.flatMap((account) => (account === undefined ? [] : [account.id]))
  }
  const users = await accountsOf(of('user'))
  // Who has another id at an API signs in as before: only what names them by the old one ends.
  const ended = new Set([...users, ...(await accountsOf(of('linked')))])
  const entries = (kind: 'agent' | 'server' | 'edge' | 'user', ids: Iterable<string>) =>
    [...ids].map((id) => revocation.entry(kind, id))
  return {
    at: clock.now(),
    agents: [...agents],
    // One that moved keeps its logins: they are for its mount.
    servers: [...servers.difference(left)],
    accounts: users,
    entries: [
      ...entries('user', ended),
      ...entries('agent', agents),
      ...entries('server', servers),
      ...entries('edge', new Set(of('edge'))),
    ],
  }
}

function namesOf(after: Settled, before: Settled | undefined): Pick<Settlement, 'added' | 'removed'> {
  const names = (standing: readonly Standing[]) => {
    const told = standing.filter(({ kind }) => kind !== 'user' && kind !== 'linked')
    return [...new Set(told.map(({ kind, id }) => `${kind} ${id}`))]
  }
  const had = before?.standing ?? after.standing
  return { added: names(missingFrom(had, after.standing)), removed: names(missingFrom(after.standing, had)) }
}
