import type { JsonObject } from '#kernel'
import type { RevocationEntry } from '#revocation'
import type { AgentKind } from './agent.ts'

/** What is remembered of an agent: its registration, that it was met, that an operator stopped it. Times in milliseconds. */
export interface AgentRow {
  readonly id: string
  readonly kind: AgentKind
  /** What it calls itself. */
  readonly name: string
  /** Of a registered one: what it registered (RFC 7591 §2), its secret hashed. */
  readonly metadata: JsonObject | undefined
  readonly createdAt: number
  /** When a user last agreed to something for it; undefined: nobody has. */
  readonly usedAt: number | undefined
  readonly disabledAt: number | undefined
}

export interface AgentStore {
  find(id: string): Promise<AgentRow | undefined>
  /** All, newest first. */
  list(): Promise<readonly AgentRow[]>
  /** Inserts a registration. False, and nothing written, when there are `max` registrations already. */
  insert(row: AgentRow, max: number): Promise<boolean>
  /** Replaces name and metadata of a registration and appends the entry to the feed. False when it is unknown. */
  replace(id: string, changed: Pick<AgentRow, 'name' | 'metadata'>, entry: RevocationEntry): Promise<boolean>
  /**
   * Forgets an agent, ends its logins for good and appends the entry to the revocation feed, in one transaction. False when
   * it is unknown.
   */
  remove(id: string, entry: RevocationEntry): Promise<boolean>
  /** Notes that a user agreed to something for it. Makes the row where there is none; false for a registration that is gone. */
  used(row: AgentRow, at: number): Promise<boolean>
  /**
   * Stops it at the time of the entry, ends its logins for good and appends the entry to the revocation feed, in one
   * transaction. Makes the row where there is none; false, and nothing written, for a registration that is gone.
   */
  disable(row: AgentRow, entry: RevocationEntry): Promise<boolean>
  /** Lets it go on and appends the entry to the feed. */
  enable(id: string, entry: RevocationEntry): Promise<void>
  /** Forgets registrations that nobody used and were made before `unused`, and those last used before `idle`; no disabled one. */
  sweep(unused: number, idle: number): Promise<void>
  /** The registration that a management token, by its hash, is for (RFC 7592 §1). */
  managedBy(tokenHash: string): Promise<string | undefined>
  /** Gives a registration its one management token, or takes it away. */
  setManagement(id: string, tokenHash: string | undefined): Promise<void>
}
