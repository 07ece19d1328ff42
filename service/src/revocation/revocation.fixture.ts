import type { Endable } from '@tetrapod/protocol'
import { onTestFinished } from 'vitest'
import type { PlacedEntry, RevocationEntry } from './index.ts'
import { openRevocation, type RevocationDeps } from './revocation.ts'

export const NOW = 1_800_000_000_000
const ISSUER = 'https://gw.example'

/** Token 3 of the worked chain: payroll's, by crm, by the gateway, by the agent. */
export function tokenOf(change: Partial<Endable> = {}): Endable {
  return {
    issuer: ISSUER,
    audience: 'https://payroll.example',
    account: 'u1',
    sessionId: 's1',
    jti: 'jti-3',
    keyId: 'k1',
    issuedAt: NOW / 1000,
    chain: [
      { iss: ISSUER, sub: 'crm' },
      { iss: ISSUER, sub: `${ISSUER}/crm/mcp`, client_id: 'gateway' },
      { iss: ISSUER, sub: 'planner' },
    ],
    delegation: { gid: 'g1', hop: 3, rem: 5, anc: ['f1', 'jti-1', 'jti-2'] },
    ...change,
  }
}

/** The table of the feed, which replicas share. */
export function feedTable() {
  let entries: readonly PlacedEntry[] = []
  let last = 0
  const table = {
    /** Why it cannot be read or written. */
    down: undefined as Error | undefined,
    reads: 0,
    /** Until then no reading ends that has begun. */
    held: undefined as PromiseWithResolvers<void> | undefined,
    get entries() {
      return entries
    },
    write(entry: RevocationEntry): number {
      entries = [...entries, { ...entry, sequence: ++last }]
      return last
    },
    /** As a restored backup: these entries, and the next after them. */
    restore(to: readonly PlacedEntry[]) {
      entries = to
      last = to.at(-1)?.sequence ?? 0
    },
    async append(entry: RevocationEntry) {
      if (table.down !== undefined) throw table.down
      return table.write(entry)
    },
    async after(sequence: number) {
      table.reads++
      if (table.down !== undefined) throw table.down
      const found = entries.filter((entry) => entry.sequence > sequence)
      await table.held?.promise
      return found
    },
    async sweep() {},
  }
  return table
}

/** Time that the test plays: who sleeps wakes when it has passed. */
export function testTicker() {
  let elapsed = 0
  const sleepers = new Set<{ readonly until: number; wake(): void }>()
  return {
    elapsed: () => elapsed,
    sleep: (milliseconds: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const sleeper = {
          until: elapsed + milliseconds,
          wake() {
            sleepers.delete(sleeper)
            resolve()
          },
        }
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', sleeper.wake)
        sleepers.add(sleeper)
      }),
    /** Lets so much time pass, every sleeper waking in its turn and doing what it woke for. */
    async pass(milliseconds: number): Promise<void> {
      const end = elapsed + milliseconds
      for (;;) {
        await idle()
        const [next] = [...sleepers].toSorted((a, b) => a.until - b.until)
        if (next === undefined || next.until > end) break
        elapsed = Math.max(elapsed, next.until)
        next.wake()
      }
      elapsed = end
      await idle()
    },
  }
}

/** Everything that waits for nothing but other promises has run. */
export function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** One replica at a table. Its clock and its ticker are its own. */
export async function replicaAt(table: RevocationDeps['store'], deps: Partial<RevocationDeps> = {}) {
  const clock = { time: NOW, now: () => clock.time }
  const ticker = testTicker()
  const revocation = await openRevocation({ store: table, clock, ticker, ...deps })
  onTestFinished(() => revocation.close())
  return { revocation, clock, ticker }
}
