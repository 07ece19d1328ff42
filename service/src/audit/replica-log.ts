import type { Clock, Json, Secret } from '#kernel'
import type { AuditVault } from './audit-vault.ts'
import type { BundleStore } from './bundle-store.ts'
import { encodeRecord } from './encode-record.ts'
import { fault } from './faults.ts'
import { createJournal, type Entry } from './journal.ts'
import type { Lease } from './lease-store.ts'
import { nothingPersonal, personalSeal, type PersonalSeal, weighInputs } from './personal.ts'
import { reading } from './reading.ts'
import {
  type AuditRecord,
  decisionRecord,
  type Ending,
  eventRecord,
  exchangeRecord,
  type Head,
  outcomeRecord,
  refOf,
  sequenceOf,
} from './record.ts'
import type {
  Amendment,
  AuditUser,
  DecisionInput,
  EventInput,
  ExchangeInput,
  Outcome,
} from './record-input.ts'
import { survey } from './survey.ts'
import type { Report } from './trouble.ts'

/** What the service puts on record. */
export interface AuditWriter {
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
  /** Records an exchange before its token is signed. Resolves and throws like {@link AuditWriter.decide}. */
  exchange(input: ExchangeInput): Promise<string>
  /**
   * Records a grant, a sign-in, token 1, or an exchange refused before its user was known, before it counts. Resolves and throws like
   * {@link AuditWriter.decide}.
   */
  event(input: EventInput): Promise<string>
  /**
   * Says of a recorded exchange or event that its effect did not come, or may not have. To be called within
   * ten seconds of its record. It rides the next commit, and is kept until it is durable: never waited for,
   * never throws.
   */
  amend(ref: string, amendment: Amendment): void
  /**
   * Records what has happened already, such as a revocation, which waits for no log. It rides the next commit, and is kept
   * until it is durable: never waited for, never throws. A crash before that loses it.
   */
  note(input: EventInput): void
  /** False while nothing can be written. Asking tries again. */
  ready(): Promise<boolean>
  /** Refuses what comes later, and resolves when all that came before is written, or could not be. */
  close(): Promise<void>
}

/** The log of one replica, in the hands of whoever has its lease. */
export interface ReplicaLog extends AuditWriter {
  readonly lease: Lease
  /** Decisions without a durable outcome, and their bundles. */
  readonly open: ReadonlyMap<number, number>
  /** Resolves when all that came before is durable. Throws Fault `audit.unavailable`. */
  flush(): Promise<void>
}

export interface ReplicaLogDeps {
  readonly store: BundleStore
  readonly vault: AuditVault
  readonly hmacKey: Secret<Uint8Array>
  readonly lease: Lease
  readonly clock: Clock
  readonly report: Report
  /** Runs once, later. */
  readonly schedule: (run: () => void, milliseconds: number) => void
}

/** About what a record takes without its personal values. The token that it is made of came in an HTTP header. */
const RECORD_BYTES = 1024
/** What becomes of a record whose writer was told that it cannot be written, and which then is. */
const notWritten: Amendment = { status: 'failed', reason: 'audit.unavailable' }

interface Writing {
  readonly record: (head: Head) => AuditRecord
  readonly personal: PersonalSeal
  readonly time: number
  readonly durable: Entry['durable']
}

interface Following {
  readonly time?: number
  readonly personal?: PersonalSeal
  readonly lost: Parameters<Report>[0]
  readonly durable?: () => void
}

/** A start reads about this many bundles more than it must. */
const SETTLE_BUNDLES = 64

/**
 * Opens the log of a replica: goes on where it ended, and gives `unknown` to every decision that whoever wrote it before
 * left without an outcome. Throws Fault `audit.unreadable`, `audit.bundle_unreadable`, `audit.unavailable`.
 */
export async function openReplicaLog({
  store,
  vault,
  hmacKey,
  lease,
  clock,
  report,
  schedule,
}: ReplicaLogDeps): Promise<ReplicaLog> {
  const { replica } = lease
  const past = await reading(() => survey(store, replica))
  // Decisions without a durable outcome, in order, and their bundles; those whose outcome is on its way are in `underWay` too.
  const open = new Map(past.open)
  const underWay = new Set<number>()
  const noting = new Set<Promise<void>>()
  let settled = 0
  let shut = false
  const journal = createJournal({
    store,
    lease,
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

  /** Durable when it resolves, with its ref. */
  async function write({ record, personal, time, durable }: Writing): Promise<string> {
    if (shut) throw fault.unavailable({ detail: 'the audit log is closed' })
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    journal.write({
      bytes: RECORD_BYTES + personal.bytes,
      encode: (sequence) => encodeRecord(record({ replica, sequence, time }), personal),
      durable: (sequence, bundle, late) => {
        durable(sequence, bundle, late)
        resolve(refOf({ replica, sequence }))
      },
      refused: reject,
    })
    return promise
  }

  async function sealed(user: AuditUser | undefined, time: number, inputs?: Json): Promise<PersonalSeal> {
    if (user === undefined) return nothingPersonal
    try {
      return await personalSeal(vault, user, time, inputs)
    } catch (cause) {
      throw fault.unavailable({ cause })
    }
  }

  /** What nobody waits for. `lost` says what it means when it cannot be kept. */
  function following(
    record: (head: Head) => AuditRecord,
    { time = clock.now(), personal = nothingPersonal, lost, durable = () => undefined }: Following,
  ): Entry {
    return {
      bytes: RECORD_BYTES + personal.bytes,
      encode: (sequence) => encodeRecord(record({ replica, sequence, time }), personal),
      durable,
      refused: (reason) => {
        report(lost, 1, reason)
      },
    }
  }

  function end(decision: number, ending: Ending): void {
    if (shut) {
      report('outcome_lost', 1)
      return
    }
    if (!open.has(decision) || underWay.has(decision)) {
      report('outcome_unexpected', 1)
      return
    }
    journal.ride(endOf(decision, ending))
  }

  function endOf(decision: number, ending: Ending): Entry {
    underWay.add(decision)
    const durable = () => {
      open.delete(decision)
      underWay.delete(decision)
    }
    return following((head) => outcomeRecord(head, decision, ending), { lost: 'outcome_lost', durable })
  }

  /** Of an exchange or an event that is on record. */
  function amendment(of: number, ending: Ending): Entry {
    return following((head) => outcomeRecord(head, of, ending), { lost: 'correction_lost' })
  }

  async function keepNote(input: EventInput): Promise<void> {
    const time = clock.now()
    // That it happened matters more than the name: a database that cannot be written has no new data key either.
    const personal = await sealed(userOf(input), time).catch(() => nothingPersonal)
    journal.ride(following((head) => eventRecord(head, input), { time, personal, lost: 'note_lost' }))
  }

  return {
    lease,
    open,
    async decide({ arguments: inputs, ...input }) {
      const time = clock.now()
      const { effect } = input.policy
      const weighed = recordable(() => weighInputs(inputs, effect, hmacKey))
      const personal = await sealed(input.user, time, weighed.kept)
      return write({
        record: (head) => decisionRecord(head, input, weighed),
        personal,
        time,
        durable: (sequence, bundle, late) => {
          if (effect !== 'permit') return
          open.set(sequence, bundle)
          if (late) journal.correct(endOf(sequence, notWritten))
        },
      })
    },
    outcome: (ref, outcome) => {
      end(sequenceOf(ref, replica) ?? 0, outcome)
    },
    async exchange(input) {
      const time = clock.now()
      return write({
        record: (head) => exchangeRecord(head, input),
        personal: await sealed(input.user, time),
        time,
        durable: (sequence, _, late) => {
          if (late && input.policy.effect === 'permit') journal.correct(amendment(sequence, notWritten))
        },
      })
    },
    async event(input) {
      const time = clock.now()
      return write({
        record: (head) => eventRecord(head, input),
        personal: await sealed(userOf(input), time),
        time,
        durable: (sequence, _, late) => {
          if (late && input.kind !== 'exchange_refused') journal.correct(amendment(sequence, notWritten))
        },
      })
    },
    amend(ref, ending) {
      const sequence = sequenceOf(ref, replica)
      if (shut) report('correction_lost', 1)
      else if (sequence === undefined || open.has(sequence)) report('outcome_unexpected', 1)
      else journal.ride(amendment(sequence, ending))
    },
    note(input) {
      if (shut) {
        report('note_lost', 1)
        return
      }
      const noted = keepNote(input).finally(() => noting.delete(noted))
      noting.add(noted)
    },
    async flush() {
      await Promise.all(noting)
      await journal.flush()
    },
    async ready() {
      if (journal.closed()) await journal.flush().catch(() => undefined)
      return !journal.closed()
    },
    async close() {
      shut = true
      await Promise.all(noting)
      await journal.flush().catch(() => undefined)
      if (!journal.closed()) await settle(await store.last(replica).catch(() => 0))
    },
  }
}

function recordable<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw fault.unrecordable({ cause })
  }
}

function userOf(input: EventInput): AuditUser | undefined {
  return 'user' in input ? input.user : undefined
}
