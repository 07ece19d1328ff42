import type { Clock, Log } from '#kernel'
import { type AuditLine, auditLine } from './audit-line.ts'
import type { AuditVault } from './audit-vault.ts'
import type { BundleStore } from './bundle-store.ts'
import { fault } from './faults.ts'
import type { Lease, LeaseStore } from './lease-store.ts'
import { openPersonal } from './personal.ts'
import { readAll } from './read-all.ts'
import { reading } from './reading.ts'
import { type AuditWriter, openReplicaLog, type ReplicaLog } from './replica-log.ts'
import { BEAT_MS, createTenancy } from './tenancy.ts'
import { reporter } from './trouble.ts'

export interface Audit extends AuditWriter {
  /**
   * The last lines of all replicas before a ref (exclusive; absent: up to now), at most `limit`, newest last. Throws Fault
   * `audit.unreadable`, `audit.bundle_unreadable`, `audit.ref_unknown`.
   */
  tail(range: { readonly limit: number; readonly before?: string | undefined }): Promise<readonly AuditLine[]>
}

export interface AuditDeps {
  readonly store: BundleStore
  readonly leases: LeaseStore
  /** True where no other process can write here: a log that is held was left behind. */
  readonly alone: boolean
  readonly vault: AuditVault
  readonly clock: Clock
  readonly log?: Log
  /** Runs once, later. */
  readonly schedule?: (run: () => void, milliseconds: number) => void
  /** Runs again and again; what it returns ends that. */
  readonly repeat?: (run: () => Promise<void>, milliseconds: number) => () => void
}

/**
 * Opens the audit log: takes a log of its own to write, finishes those of replicas that ended without a word (every decision
 * without an outcome gets `unknown`), and reads all of them. Where its log was taken from it, it takes another; in between
 * it refuses. Throws Fault `audit.unreadable`, `audit.bundle_unreadable`, `audit.unavailable`.
 */
export async function openAudit({
  store,
  leases,
  alone,
  vault,
  clock,
  log,
  schedule = scheduleUnref,
  repeat = repeatUnref,
}: AuditDeps): Promise<Audit> {
  const report = reporter(log)
  const hmacKey = await vault.keep('audit.hmac')
  const tenancy = createTenancy({ leases, alone, clock })
  const openOf = (lease: Lease) =>
    openReplicaLog({ store, vault, hmacKey, lease, clock, report, schedule }).catch((error: unknown) => {
      tenancy.abandon(lease)
      throw error
    })
  const openOwn = async () => {
    const lease = await tenancy.acquire().catch((cause: unknown) => {
      throw fault.unavailable({ cause })
    })
    return openOf(lease)
  }

  let own: ReplicaLog | undefined = await openOwn()
  let shut = false
  const finishing = new Set<Promise<void>>()
  let underWay: Promise<void> | undefined
  const tick = (): Promise<void> => (underWay ??= lookAround().finally(() => (underWay = undefined)))
  // Where nobody can take a log, nobody looks for a sign of life.
  const stop = alone ? () => undefined : repeat(tick, BEAT_MS)

  async function lookAround(): Promise<void> {
    try {
      const lost = await tenancy.beat()
      if (own !== undefined && lost.includes(own.lease)) await giveUp(own)
      if (shut) return
      own ??= await openOwn()
      for (const lease of await tenancy.takeDead()) follow(finish(lease))
    } catch (error) {
      tenancy.forget()
      if (own === undefined) report('lease_failed', 0, error)
    }
  }

  async function giveUp(lost: ReplicaLog): Promise<void> {
    own = undefined
    report('lease_lost', 0)
    await lost.close()
  }

  async function finish(lease: Lease): Promise<void> {
    try {
      await (await openOf(lease)).close()
      await tenancy.release(lease)
    } catch (error) {
      tenancy.abandon(lease)
      report('takeover_failed', 0, error)
    }
  }

  function follow(work: Promise<void>): void {
    finishing.add(work)
    void work.finally(() => finishing.delete(work))
  }

  function writing(): ReplicaLog {
    if (own === undefined) throw fault.unavailable({ detail: 'no log is ours to write' })
    return own
  }

  return {
    decide: async (input) => writing().decide(input),
    exchange: async (input) => writing().exchange(input),
    event: async (input) => writing().event(input),
    outcome(ref, outcome) {
      if (own === undefined) report('outcome_lost', 1)
      else own.outcome(ref, outcome)
    },
    amend(ref, amendment) {
      if (own === undefined) report('correction_lost', 1)
      else own.amend(ref, amendment)
    },
    note(input) {
      if (own === undefined) report('note_lost', 1)
      else own.note(input)
    },
    async tail({ limit, before }) {
      await own?.flush().catch(() => undefined)
      const openIn = (replica: string) => (own?.lease.replica === replica ? own.open : new Map())
      const rows = await reading(async () => {
        const replicas = (await leases.list()).map(({ replica }) => replica)
        return readAll({ limit, before }, { store, replicas, openIn })
      })
      const lines = rows.map(async (row) => {
        const { record, sealed } = row.stored
        return auditLine(row, await openPersonal(record, sealed, { vault, hmacKey }))
      })
      return (await Promise.all(lines)).filter((line) => line !== undefined)
    },
    async ready() {
      if (own === undefined) await tick()
      return (await own?.ready()) ?? false
    },
    async close() {
      shut = true
      stop()
      await underWay
      await Promise.all(finishing)
      if (own === undefined) return
      await own.close()
      // Whoever comes next need not wait; a log with something left to finish is for the others to find.
      const finished = (await own.ready()) && own.open.size === 0
      if (finished) await tenancy.release(own.lease).catch(() => undefined)
    },
  }
}

function scheduleUnref(run: () => void, milliseconds: number): void {
  setTimeout(run, milliseconds).unref()
}

function repeatUnref(run: () => Promise<void>, milliseconds: number): () => void {
  const timer = setInterval(() => void run(), milliseconds).unref()
  return () => clearInterval(timer)
}
