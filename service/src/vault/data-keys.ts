import { createHash, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '#kernel'
import { keyContext, lengthPrefixed, partitionContext } from './binding.ts'
import type { Envelope } from './envelope.ts'
import type { DataKey, Keyring } from './keyring.ts'
import type { Partition, RowKey } from './sealed.ts'

const UNWRAPPED_MS = 60_000
const KEYS_MAX = 1000

/** The data keys of partitions, remembered for a while. */
export interface DataKeys {
  /** The key that new rows of a partition are sealed with, made at its first use in this process. */
  ofPartition(partition: Partition): Promise<DataKey>
  /** The key in an envelope of a partition: unwrapped at most once in 60 s, however many ask at once. */
  inEnvelope(key: RowKey, envelope: Envelope): Promise<KeyObject>
}

/** Keeps KeyObjects: they lie outside the JavaScript heap and are wiped when they are freed after eviction. */
export function createDataKeys({ keyring, clock }: DataKeysDeps): DataKeys {
  const writing = new LRUCache<string, Promise<DataKey>>({ max: KEYS_MAX })
  const reading = new LRUCache<string, Promise<KeyObject>>({
    max: KEYS_MAX,
    ttl: UNWRAPPED_MS,
    ttlResolution: 0,
    perf: clock,
  })

  return {
    ofPartition(partition) {
      const context = partitionContext(partition)
      const id = Buffer.from(context).toString('base64')
      return remembered(writing, id, () => keyring.generate(partition.purpose, context))
    },
    inEnvelope(key, { kekName, wrapped }) {
      const context = keyContext(key)
      const id = digest([Buffer.from(kekName), wrapped, context])
      return remembered(reading, id, () => keyring.unwrap(kekName, wrapped, context))
    },
  }
}

interface DataKeysDeps {
  readonly keyring: Keyring
  readonly clock: Clock
}

/** One flight per id; a failure is not remembered. */
async function remembered<T>(
  cache: LRUCache<string, Promise<T>>,
  id: string,
  make: () => Promise<T>,
): Promise<T> {
  const known = cache.get(id)
  if (known !== undefined) return known
  const made = make()
  cache.set(id, made)
  try {
    return await made
  } catch (error) {
    if (cache.peek(id) === made) cache.delete(id)
    throw error
  }
}

function digest(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha384')
  for (const part of parts) hash.update(lengthPrefixed(part))
  return hash.digest('base64')
}
