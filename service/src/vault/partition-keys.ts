import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '#kernel'
import { encodePairs } from './binding.ts'
import { fault } from './faults.ts'
import type { PartitionKeyStore } from './partition-key-store.ts'
import type { Partition, RowKey, Sealed } from './sealed.ts'

/** An erased key is forgotten here within this time. */
const REMEMBERED_MS = 60_000
const KEYS_MAX = 1000

/** The data keys of partitions. Each is a row of its own, sealed like any other. */
export interface PartitionKeys {
  /** The key of a partition, made at its first use. */
  toSeal(partition: Partition): Promise<KeyObject>
  /** Throws `vault.unopenable` when the partition has no key: it was erased, and what it sealed with it. */
  toOpen(partition: Partition): Promise<KeyObject>
}

/** Keeps KeyObjects, at most 60 s: they lie outside the JavaScript heap and are wiped when they are freed. */
export function createPartitionKeys({ store, seal, open, clock }: PartitionKeysDeps): PartitionKeys {
  const known = new LRUCache<string, Promise<KeyObject>>({
    max: KEYS_MAX,
    ttl: REMEMBERED_MS,
    ttlResolution: 0,
    perf: clock,
  })
  return {
    toSeal: (partition) => remembered(partition, async () => (await find(partition)) ?? make(partition)),
    toOpen: (partition) =>
      remembered(partition, async () => {
        const key = await find(partition)
        if (key === undefined) throw fault.unopenable({ detail: 'its partition has no key' })
        return key
      }),
  }

  /** One flight per partition; a failure is not remembered. */
  async function remembered(partition: Partition, find: () => Promise<KeyObject>): Promise<KeyObject> {
    const id = partitionId(partition)
    const held = known.get(id)
    if (held !== undefined) return held
    const found = find()
    known.set(id, found)
    try {
      return await found
    } catch (error) {
      if (known.peek(id) === found) known.delete(id)
      throw error
    }
  }

  async function find(partition: Partition): Promise<KeyObject | undefined> {
    const sealed = await store.find(partition)
    return sealed && createSecretKey(await open(rowKey(partition), sealed))
  }

  async function make(partition: Partition): Promise<KeyObject> {
    const key = randomBytes(32)
    const won = await store.insert(partition, await seal(rowKey(partition), key))
    const winner = won ? createSecretKey(key) : await find(partition)
    key.fill(0)
    if (winner === undefined) throw fault.secret_lost({ detail: 'a data key of a partition' })
    return winner
  }
}

interface PartitionKeysDeps {
  readonly store: PartitionKeyStore
  readonly seal: (key: RowKey, plaintext: Uint8Array) => Promise<Sealed>
  readonly open: (key: RowKey, sealed: Sealed) => Promise<Uint8Array>
  readonly clock: Clock
}

function partitionId({ purpose, user, partition }: Partition): string {
  return Buffer.from(encodePairs({ purpose, partition, user: user ?? '' })).toString('base64')
}

function rowKey({ purpose, user, partition }: Partition): RowKey {
  const key = { purpose, record: partition, field: 'data_key', version: 1 }
  return user === undefined ? key : { ...key, user }
}
