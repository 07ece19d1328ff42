import type { Partition, Sealed } from './sealed.ts'

/**
 * Where the data keys of partitions lie, sealed, apart from the rows they seal. Rows that may never be changed (the audit
 * log) are erased by removing the key of their partition.
 */
export interface PartitionKeyStore {
  find(partition: Partition): Promise<Sealed | undefined>
  /** False, and nothing written, when the partition has a key: two first rows at once end with one key. */
  insert(partition: Partition, key: Sealed): Promise<boolean>
}
