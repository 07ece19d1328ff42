import { type KeyObject, randomBytes } from 'node:crypto'
import { type Clock, Secret } from '#kernel'
import { keyContext } from './binding.ts'
import { type Envelope, parseEnvelope, SALT_BYTES } from './envelope.ts'
import { fault } from './faults.ts'
import { GCM_IV_BYTES } from './gcm.ts'
import type { DataKey, Keyring } from './keyring.ts'
import type { PartitionKeyStore } from './partition-key-store.ts'
import { createPartitionKeys } from './partition-keys.ts'
import { type Fresh, readRecord, writeRecord } from './record.ts'
import type { Partition, Purpose, RowKey, Sealed } from './sealed.ts'
import type { SecretStore } from './secret-store.ts'

/** Seals secrets for the row they are stored in. What it is handed and gives back never reaches an error. */
export interface Vault {
  /** A new data key with every call. */
  seal(key: RowKey, plaintext: Uint8Array): Promise<Sealed>
  /** Throws `vault.unopenable` unless it was sealed for exactly this row in exactly this version. */
  open(key: RowKey, sealed: Uint8Array): Promise<Uint8Array>
  /**
   * A secret of the service itself, 32 random bytes, made at its first use: the same ever after, in every replica. It is
   * sealed for `service` where no other purpose is named.
   */
  keep(name: string, purpose?: Purpose): Promise<Secret<Uint8Array>>
  /**
   * Seals many rows under one data key, without waiting: for rows too many for a key each, or that cannot be changed
   * when they must be erased: the data key lies apart from them. A row has a salt of its own, hence still its own
   * encryption key. Its row key names the partition, and must when it is opened.
   */
  sealer(partition: Partition): Promise<Sealer>
}

/** Throws `vault.wrong_partition` for a row of another purpose, user or partition. */
export type Sealer = (key: RowKey, plaintext: Uint8Array) => Sealed

export function createVault({ keyring, secrets, partitionKeys: store, clock }: VaultDeps): Vault {
  const partitionKeys = createPartitionKeys({ store, seal, open, clock })
  return { seal, open, keep, sealer }

  async function seal(key: RowKey, plaintext: Uint8Array): Promise<Sealed> {
    return writeRecord(key, await keyring.generate(key.purpose, keyContext(key)), plaintext, fresh())
  }

  async function open(key: RowKey, sealed: Uint8Array): Promise<Uint8Array> {
    const envelope = parseEnvelope(sealed)
    return readRecord(key, envelope, await dataKeyOf(key, envelope))
  }

  async function dataKeyOf(key: RowKey, { kekName, wrapped }: Envelope): Promise<KeyObject> {
    const { partition } = key
    if (partition === undefined) return keyring.unwrap(kekName, wrapped, keyContext(key))
    if (kekName !== PARTITION || wrapped.length > 0) throw fault.unopenable({ detail: 'not of a partition' })
    return partitionKeys.toOpen({ ...key, partition })
  }

  async function keep(name: string, purpose: Purpose = 'service'): Promise<Secret<Uint8Array>> {
    const key: RowKey = { purpose, record: name, field: 'value', version: 1 }
    const found = await secrets.find(name)
    if (found !== undefined) return new Secret(await open(key, found))

    const made = randomBytes(32)
    if (await secrets.insert(name, await seal(key, made))) return new Secret<Uint8Array>(made)
    const winner = await secrets.find(name)
    if (winner === undefined) throw fault.secret_lost({ detail: name })
    return new Secret(await open(key, winner))
  }

  async function sealer(partition: Partition): Promise<Sealer> {
    const dataKey: DataKey = {
      kekName: PARTITION,
      wrapped: new Uint8Array(),
      dek: await partitionKeys.toSeal(partition),
    }
    return (key, plaintext) => {
      if (!belongs(key, partition)) throw fault.wrong_partition({ detail: partition.partition })
      return writeRecord(key, dataKey, plaintext, fresh())
    }
  }
}

export interface VaultDeps {
  readonly keyring: Keyring
  readonly secrets: SecretStore
  readonly partitionKeys: PartitionKeyStore
  readonly clock: Clock
}

/** The key name in envelopes whose data key lies apart, in the row of their partition: they carry no wrapped key. */
const PARTITION = 'partition'

function belongs(key: RowKey, { purpose, user, partition }: Partition): boolean {
  return key.purpose === purpose && key.user === user && key.partition === partition
}

function fresh(): Fresh {
  return { salt: randomBytes(SALT_BYTES), iv: randomBytes(GCM_IV_BYTES) }
}
