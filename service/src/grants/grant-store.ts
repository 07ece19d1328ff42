import type { ScopeEdges } from '@tetrapod/protocol'
import type { RevocationEntry } from '#revocation'

/** Who may hand to whom: the key of an agent → those of its sub-agents. */
export type DelegateEdges = Readonly<Record<string, readonly string[]>>

/** What one mount's part of a grant holds: its scopes, and what each server behind it may ask for through them. */
export interface GrantedMount {
  readonly scopes: readonly string[]
  /** The closure through `calls` as the consent page showed it: API key → scope edges. */
  readonly calls: Readonly<Record<string, ScopeEdges>>
  /** Which agent may hand part of it to which sub-agents, as the consent page showed it and the user left it. */
  readonly delegates: DelegateEdges
  /** Since when it holds without a break, in milliseconds: a login from before ended with what it was under. */
  readonly since: number
  /** When this part ends, in milliseconds: each server's as the user last said. */
  readonly expiresAt: number
}

/** The user's standing permission for one agent. Tokens are short shadows of it. */
export interface Grant {
  readonly id: string
  /** Grows with every consent and with the revocation. */
  readonly version: number
  /** Our account id of the user. */
  readonly user: string
  /** The agent's client id. */
  readonly agent: string
  /** Where the agent took its answers when the user agreed: another address is another question (DESIGN §7). */
  readonly redirectUris: readonly string[]
  /** By server key. */
  readonly mounts: Readonly<Record<string, GrantedMount>>
  /** Milliseconds, as all times here. */
  readonly createdAt: number
  /** When the last of its parts ends. */
  readonly expiresAt: number
  readonly revokedAt: number | undefined
}

export interface GrantStore {
  find(id: string): Promise<Grant | undefined>
  /** The one grant of this user and agent that is not revoked, expired or not. */
  current(user: string, agent: string): Promise<Grant | undefined>
  /** All grants, newest first, revoked ones too. */
  list(): Promise<readonly Grant[]>
  /** Those of one user that are not revoked, newest first, expired or not. */
  currentOf(user: string): Promise<readonly Grant[]>
  /** False, and nothing written, when this user and agent have a grant that is not revoked. */
  insert(grant: Grant): Promise<boolean>
  /**
   * Writes the next version and appends the entry to the revocation feed, in one transaction: replicas that remember the
   * grant hear of it. False, and nothing written, unless the stored version is `grant.version - 1` and not revoked.
   */
  update(grant: Grant, entry: RevocationEntry): Promise<boolean>
  /**
   * Marks the grant revoked and appends the entry to the revocation feed, in one transaction.
   * False, and nothing written, when it is unknown or revoked already.
   */
  revoke(id: string, at: number, entry: RevocationEntry): Promise<boolean>
}
