import { randomBytes } from 'node:crypto'
import { type Clock, Fault, type Log } from '#kernel'
import { type AuditLine, auditLine } from './audit-line.ts'
import type { AuditVault } from './audit-vault.ts'
import type { EncodedRecord } from './bundle.ts'
import type { BundleStore } from './bundle-store.ts'
import { fault } from './faults.ts'
import { createJournal } from './journal.ts'
import { openPersonal, type Personal, personalSealer, type SealPersonal } from './personal.ts'
import { readBack } from './read-back.ts'
import {
  type AuditRecord,
  canonicalText,
  decisionRecord,
  eventRecord,
  exchangeRecord,
  type Head,
  outcomeRecord,
  refOf,
} from './record.ts'
import type { AuditUser, DecisionInput, EventInput, ExchangeInput, Outcome } from './record-input.ts'
import { survey } from './survey.ts'
import { reporter } from './trouble.ts'

export interface Audit {
  /**
   * Records a decision and resolves with its ref when it is durable: only then may its effect begin. A refused call is recorded
   * the same way. Throws Fault `audit.unavailable` when it cannot be written, `audit.unrecordable` for a malformed call.
   */
  decide(input: DecisionInput): Promise<string>
  /**
   * Records how a permitted decision ended. It rides the next commit, and is kept until it is durable: never waited for, never
   * throws. A decision has one outcome; a refused decision is its own.
   */
  outcome(ref: string, outcome: Outcome): void
  /** Records an exchange before its token is signed. Resolves and throws like {@link Audit.decide}. */
  exchange(input: ExchangeInput): Promise<string>
  /** Records a grant, a sign-in, or an exchange refused before its user was known. Resolves and throws like {@link Audit.decide}. */
  event(input: EventInput): Promise<string>
  /**
   * The last lines before a ref (exclusive; absent: up to now), at most `limit`, newest last. Throws Fault `audit.unreadable`,
   * `audit.bundle_unreadable`, `audit.ref_unknown`.
   */
  tail(range: { readonly limit: number; readonly before?: string | undefined }): Promise<readonly AuditLine[]>
  /** False while nothing can be written. Asking tries again. */
  ready(): Promise<boolean>
  /** Refuses what comes later, and resolves when all that came before is written, or could not be. */
  close(): Promise<void>
}

export interface AuditDeps {
  readonly store: BundleStore
  readonly vault: AuditVault
  /** This process's own name in the log; no other process may write under it. */
  readonly replica: string
  readonly clock: Clock
  readonly log?: Log
  /** Runs once, later. */
  readonly schedule?: (run: () => void, milliseconds: number) => void
}

/** A start reads about this many bundles more than it must. */
const SETTLE_BUNDLES = 64

/**
 * Opens the audit log of a replica: goes on where it ended, and gives `unknown` to every decision that an earlier run left
 * without an outcome. Throws Fault `audit.unreadable`, `audit.bundle_unreadable`, `audit.unavailable`.
 */
export async function openAudit({
  store,
  vault,
  replica,
  clock,
  log,
  schedule = scheduleUnref,
}: AuditDeps): Promise<Audit> {
  const report = reporter(log)
  const hmacKey = await vault.keep('audit.hmac')
  const past = await reading(() => survey(store, replica))
  // Decisions without a durable outcome, in order, and their bundles; those whose outcome is on its way are in `ending` too.
  const open = new Map(past.open)
  const ending = new Set<number>()
  let settled = 0
  let shut = false
  const journal = createJournal({
    store,
    replica,
    clock,
    start: past.next,
    report,
    schedule,
    committed: async (bundle) => {
      if (bundle - settled >= SETTLE_BUNDLES) await settle(bundle)
    },
  })
  for (const decision of past.open.keys()) end(decision, { status: 'unknown' })
  await journal.flush()
  await settle(past.next.bundle - 1)

  async function settle(last: number): Promise<void> {
    const [oldest] = open.values()
    const upTo = oldest === undefined ? last : oldest - 1
    if (upTo <= settled) return
    try {
      await store.settle(replica, upTo)
      settled = upTo
    } catch (error) {
      report('settle_failed', 0, error)
    }
  }

  async function write(
    user: AuditUser | undefined,
    inputs: Personal['arguments'],
    record: (head: Head) => AuditRecord,
    durable: (sequence: number, bundle: number, late: boolean) => void = () => undefined,
  ): Promise<string> {
    const time = clock.now()
    const seal = await sealer(user, time, inputs)
    if (shut) throw fault.unavailable({ detail: 'the audit log is closed' })
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    journal.write({
      encode: (sequence) => encodeRecord(record({ replica, sequence, time }), seal),
      durable: (sequence, bundle, late) => {
        durable(sequence, bundle, late)
        resolve(refOf({ replica, sequence }))
      },
      refused: reject,
    })
    return promise
  }

  async function sealer(
    user: AuditUser | undefined,
    time: number,
    inputs: Personal['arguments'],
  ): Promise<SealPersonal> {
    if (user === undefined) return () => undefined
    try {
      return await personalSealer(vault, user.id, time, { username: user.username, arguments: inputs })
    } catch (cause) {
      throw fault.unavailable({ cause })
    }
  }

  function end(decision: number, outcome: Outcome | { readonly status: 'unknown' }): void {
    if (shut) {
      report('outcome_lost', 1)
      return
    }
    if (!open.has(decision) || ending.has(decision)) {
      report('outcome_unexpected', 1)
      return
    }
    const time = clock.now()
    ending.add(decision)
    journal.ride({
      encode: (sequence) => encodeRecord(outcomeRecord({ replica, sequence, time }, decision, outcome)),
      durable: () => {
        open.delete(decision)
        ending.delete(decision)
      },
      refused: (reason) => {
        report('outcome_lost', 1, reason)
      },
    })
  }

  return {
    decide: (input) =>
      write(
        input.user,
        input.arguments,
        (head) => decisionRecord(head, input, hmacKey),
        (sequence, bundle, late) => {
          if (input.policy.effect !== 'permit') return
          open.set(sequence, bundle)
          if (late) end(sequence, { status: 'failed', reason: 'audit.unavailable', milliseconds: 0 })
        },
      ),
    outcome: (ref, outcome) => {
      end(sequenceOf(ref, replica) ?? 0, outcome)
    },
    exchange: (input) => write(input.user, undefined, (head) => exchangeRecord(head, input)),
    event: (input) =>
      write('user' in input ? input.user : undefined, undefined, (head) => eventRecord(head, input)),
    async tail({ limit, before }) {
      const below = before === undefined ? undefined : sequenceOf(before, replica)
      if (before !== undefined && below === undefined) throw fault.ref_unknown()
      await journal.flush().catch(() => undefined)
      const rows = await reading(() => readBack({ limit, before: below }, { store, replica, open }))
      const lines = rows.map(async (row) => {
        const { record, sealed } = row.stored
        return auditLine(row, await openPersonal(record, sealed, { vault, hmacKey }))
      })
      return (await Promise.all(lines)).filter((line) => line !== undefined)
    },
    async ready() {
      if (journal.closed()) await journal.flush().catch(() => undefined)
      return !journal.closed()
    },
    async close() {
      shut = true
      await journal.flush().catch(() => undefined)
      if (!journal.closed()) await settle(await store.last(replica).catch(() => 0))
    },
  }
}

function encodeRecord(record: AuditRecord, seal: SealPersonal = () => undefined): EncodedRecord {
  const canonical = Buffer.from(canonicalText(record))
  return { canonical, salt: randomBytes(16), sealed: sealed(record, seal) }
}

function sealed(head: Head, seal: SealPersonal): ReturnType<SealPersonal> {
  try {
    return seal(head)
  } catch (cause) {
    throw fault.unavailable({ cause })
  }
}

async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw cause instanceof Fault ? cause : fault.unreadable({ cause })
  }
}

function sequenceOf(ref: string, replica: string): number | undefined {
  const number = ref.startsWith(`${replica}-`) ? ref.slice(replica.length + 1) : ''
  return /^[1-9]\d{0,14}$/.test(number) ? Number(number) : undefined
}

function scheduleUnref(run: () => void, milliseconds: number): void {
  setTimeout(run, milliseconds).unref()
}
