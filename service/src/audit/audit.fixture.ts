import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { type Clock, type Log, Secret } from '#kernel'
import type { RowKey, Sealed } from '#vault'
import { openAudit } from './audit.ts'
import type { AuditVault } from './audit-vault.ts'
import { type DecodedRecord, readBundle } from './bundle.ts'
import type { Bundle, BundleStore } from './bundle-store.ts'
import type { LeaseState, LeaseStore } from './lease-store.ts'
import type { DecisionInput, ExchangeInput } from './record-input.ts'

/** The stores in memory: they can be made to fail, to lose their answers, and to hold their commits back. */
export function memoryStore() {
  const rows = new Map<string, Bundle>()
  const { states, leases } = memoryLeases(() => store.trouble === 'refuses')
  const settled = new Map<string, number>()
  const store = {
    rows,
    settled,
    states,
    leases,
    appends: 0,
    trouble: 'none' as 'none' | 'refuses' | 'loses the answer',
    held: undefined as Promise<void> | undefined,
    /** Holds every append until the returned function is called. */
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>()
      store.held = promise
      return () => {
        store.held = undefined
        resolve()
      }
    },
    records: (replica = 'r1'): readonly DecodedRecord[] =>
      of(replica).flatMap((bundle) => readBundle(bundle)),
    bundles: {
      async append(bundle, term) {
        store.appends += 1
        await store.held
        if (store.trouble === 'refuses') throw new Error('disk full')
        const lease = states.get(bundle.replica)
        if (lease?.term !== term || !lease.held) throw new Error('lease lost')
        const key = `${bundle.replica}/${bundle.sequence}`
        if (rows.has(key)) throw new Error('sequence taken')
        rows.set(key, bundle)
        if (store.trouble === 'loses the answer') throw new Error('connection lost')
      },
      async after(replica, sequence, limit) {
        return of(replica)
          .filter((bundle) => bundle.sequence > sequence)
          .slice(0, limit)
      },
      async before(replica, sequence, limit) {
        const below = of(replica).filter((bundle) => bundle.sequence < sequence)
        return below.toReversed().slice(0, limit)
      },
      last: async (replica) => of(replica).at(-1)?.sequence ?? 0,
      settled: async (replica) => settled.get(replica) ?? 0,
      async settle(replica, sequence) {
        settled.set(replica, sequence)
      },
    } satisfies BundleStore,
  }
  function of(replica: string): readonly Bundle[] {
    return [...rows.values()]
      .filter((bundle) => bundle.replica === replica)
      .sort((a, b) => a.sequence - b.sequence)
  }
  return store
}

/** Leases in memory. `r1` is the log of whoever comes first. */
function memoryLeases(refuses: () => boolean) {
  const states = new Map<string, LeaseState>([['r1', { replica: 'r1', term: 0, beat: 0, held: false }]])
  const changed = (
    { replica, term }: Pick<LeaseState, 'replica' | 'term'>,
    next: (state: LeaseState) => LeaseState,
  ): boolean => {
    if (refuses()) throw new Error('disk full')
    const state = states.get(replica)
    if (state?.term !== term) return false
    states.set(replica, next(state))
    return true
  }
  const leases: LeaseStore = {
    list: async () => [...states.values()],
    async create(replica) {
      states.set(replica, { replica, term: 1, beat: 0, held: true })
      return { replica, term: 1 }
    },
    async take(seen) {
      const { replica, term } = seen
      if (JSON.stringify(states.get(replica)) !== JSON.stringify(seen)) return undefined
      const next = { replica, term: term + 1 }
      return changed(seen, () => ({ ...next, beat: 0, held: true })) ? next : undefined
    },
    beat: async (lease) => changed(lease, (state) => ({ ...state, beat: state.beat + 1 })),
    async release(lease) {
      changed(lease, (state) => ({ ...state, held: false }))
    },
  }
  return { states, leases }
}

function bound({ purpose, record, field, version, user, partition }: RowKey): Uint8Array {
  return Buffer.from(JSON.stringify([purpose, record, field, version, user, partition]))
}

/** A vault that really encrypts: one key per partition, bound to the row. `shred` forgets a user's keys. */
export function memoryVault() {
  const root = new Secret<Uint8Array>(randomBytes(32))
  const shredded = new Set<string>()
  const keyOf = (partition: string) => createHmac('sha256', root.reveal()).update(partition).digest()
  const vault: AuditVault = {
    sealer: async ({ partition }) => {
      const dek = keyOf(partition)
      return (key, plaintext) => {
        const iv = randomBytes(12)
        const cipher = createCipheriv('aes-256-gcm', dek, iv, { authTagLength: 16 }).setAAD(bound(key))
        return Buffer.concat([
          iv,
          cipher.update(plaintext),
          cipher.final(),
          cipher.getAuthTag(),
        ]) as unknown as Sealed
      }
    },
    open: async (key, sealed) => {
      if (shredded.has(key.user ?? '')) throw new Error('no such key')
      const decipher = createDecipheriv('aes-256-gcm', keyOf(key.partition ?? ''), sealed.subarray(0, 12), {
        authTagLength: 16,
      })
      decipher.setAAD(bound(key)).setAuthTag(sealed.subarray(-16))
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
    },
    keep: async () => root,
  }
  return { vault, shred: (user: string) => shredded.add(user) }
}

export const START = Date.UTC(2026, 10, 24, 12)
export const clock: Clock = { now: () => START }

/**
 * Everything a test needs. `reopen` is what a restart does, whether or not the log was closed; `join` is what a replica does
 * that starts beside the others, and returns what runs by itself there every few seconds.
 */
export async function opened({ time = clock }: { time?: Clock } = {}) {
  const store = memoryStore()
  const { vault, shred } = memoryVault()
  const timers: (() => void)[] = []
  const logged: string[] = []
  const log: Log = {
    info: (...entry) => logged.push(JSON.stringify(entry)),
    warn: (...entry) => logged.push(JSON.stringify(entry)),
    error: (...entry) => logged.push(JSON.stringify(entry)),
  }
  const deps = {
    store: store.bundles,
    leases: store.leases,
    alone: true,
    vault,
    clock: time,
    log,
    schedule: (run: () => void) => timers.push(run),
    repeat: () => () => undefined,
  }
  const reopen = () => openAudit(deps)
  const join = async () => {
    const ticks: (() => Promise<void>)[] = []
    const repeat = (tick: () => Promise<void>) => {
      ticks.push(tick)
      return () => undefined
    }
    const audit = await openAudit({ ...deps, alone: false, repeat })
    return { audit, tick: async () => ticks[0]?.() }
  }
  return { store, vault, shred, timers, logged, deps, reopen, join, audit: await reopen() }
}

const authority = {
  txn: 'txn-1',
  grant: 'grant-1',
  user: { id: 'u1', username: 'alice' },
  agent: 'demo-agent',
  chain: [{ iss: 'https://gw.example', sub: 'demo-agent' }],
  client: 'demo-agent',
  jti: 'jti-of-token-1',
  server: 'crm',
  audience: 'https://crm.internal/mcp',
  scopes: ['crm.read'],
  pattern: 'token_exchange',
  policy: { effect: 'permit', rule: 'policies[1]' },
} as const

export function call(members: Partial<DecisionInput> = {}): DecisionInput {
  return {
    ...authority,
    method: 'tools/call',
    tool: 'find_customer',
    arguments: { name: 'Acme' },
    protocolVersion: '2026-07-28',
    ...members,
  }
}

export function exchange(members: Partial<ExchangeInput> = {}): ExchangeInput {
  return { ...authority, client: 'crm', api: 'payroll', issued: 'jti-of-token-3', ...members }
}

/** Lets everything that waits for nothing but promises come to rest. */
export async function rest(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}
