import type { Secret } from '#kernel'
import type { RowKey, Sealed } from '#vault'

/** What the audit log asks of the vault. */
export interface AuditVault {
  /** Seals many records under one data key per partition; each record still has a derived key of its own. */
  sealer(of: {
    readonly purpose: 'audit'
    readonly user: string
    readonly partition: string
  }): Promise<(key: RowKey, plaintext: Uint8Array) => Sealed>
  /** Throws when the envelope belongs to another row, was changed, or its key is gone. */
  open(key: RowKey, sealed: Sealed): Promise<Uint8Array>
  /** A 32-byte secret of the service itself, made at its first use. */
  keep(name: string): Promise<Secret<Uint8Array>>
}
