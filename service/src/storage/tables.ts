import type { SigningAlgorithm } from '@tetrapod/protocol'
import type { AgentKind } from '#agents'
import type { Purpose, Sealed } from '#vault'
import type { Generated } from 'kysely'

/** The data file. Times are milliseconds since the epoch unless a comment says seconds. */
export interface Tables {
  readonly secrets: { readonly name: string; readonly sealed: Sealed }
  readonly partition_keys: {
    readonly purpose: Purpose
    /** Empty where the partition has no user. */
    readonly user: string
    readonly partition: string
    readonly sealed: Sealed
  }
  readonly signing_keys: {
    readonly kid: string
    readonly created_at: number
    readonly sealed: Sealed
    readonly algorithm: SigningAlgorithm
    readonly signs_at: number | null
    readonly revoked_at: number | null
  }
  readonly accounts: {
    readonly id: string
    readonly issuer: string
    readonly subject: string
    readonly created_at: number
  }
  readonly sessions: {
    readonly cookie_hash: string
    readonly id: string
    readonly account: string
    /** Seconds. */
    readonly auth_time: number
    readonly acr: string
    /** Seconds. */
    readonly expires_at: number
  }
  readonly grants: GrantTable
  readonly families: FamilyTable
  readonly agents: AgentTable
  readonly revocations: {
    readonly sequence: Generated<number>
    readonly kind: string
    readonly id_hash: string
    readonly at: number
    readonly expires_at: number
  }
  readonly catalogue: CatalogueTable
  readonly states: StateTable
  readonly bundles: {
    readonly replica: string
    readonly sequence: number
    readonly at: number
    readonly records: number
    readonly body: Uint8Array
  }
  readonly settlements: { readonly replica: string; readonly sequence: number }
  readonly leases: LeaseTable
  readonly step_ups: {
    readonly server: string
    readonly tool: string
    readonly scope: string
    readonly named_at: number
  }
}

export interface GrantTable {
  readonly id: string
  readonly version: number
  readonly user: string
  readonly agent: string
  /** JSON, as `mounts` is. */
  readonly redirect_uris: string
  readonly mounts: string
  readonly created_at: number
  readonly expires_at: number
  readonly revoked_at: number | null
}

export interface FamilyTable {
  readonly id: string
  readonly grant_id: string
  readonly session: string
  readonly user: string
  readonly agent: string
  readonly server: string
  readonly began_at: number
  readonly used_at: number
  readonly ended_at: number | null
}

export interface CatalogueTable {
  /** Always 1. */
  readonly place: number
  readonly version: number
  readonly digest: string
  /** JSON. */
  readonly standing: string
  readonly at: number
}

/** Of an audit log: who may write it. */
export interface LeaseTable {
  readonly replica: string
  /** Grows whenever somebody else takes it. */
  readonly term: number
  /** Grows with every sign of life of whoever has it. */
  readonly beat: number
  /** 1 while somebody has it. */
  readonly held: number
}

export interface AgentTable {
  readonly id: string
  readonly kind: AgentKind
  readonly name: string
  /** JSON. */
  readonly metadata: string | null
  readonly management_hash: string | null
  readonly created_at: number
  readonly used_at: number | null
  readonly disabled_at: number | null
}

export interface StateTable {
  readonly model: string
  readonly id_hash: string
  readonly version: number
  readonly sealed: Sealed
  readonly grant_id: string | null
  readonly uid_hash: string | null
  readonly consumed_at: number | null
  readonly expires_at: number | null
}

/** The replay file: it may lose its last rows in a power cut, and no write of it waits for the disk. */
export interface ReplayTables {
  /** `expires_at` in seconds. */
  readonly replays: { readonly key_hash: string; readonly expires_at: number }
}

/** In both files: which migrations they have behind them. */
export interface MigrationTables {
  readonly migrations: { readonly name: string; readonly applied_at: number }
}
