import type { ClientCredential } from '#secrets'
import type { ClientMetadata } from './client-metadata.ts'

/** An agent that the catalogue names. Its key is its client id. */
export interface NamedAgent {
  readonly key: string
  /** What consent calls it. */
  readonly name: string
  /** Compared character by character. None: no user ever comes back to it, so it starts no code flow. */
  readonly redirectUris: readonly string[]
  readonly credential: ClientCredential
  /** It may exchange tokens: hand part of what a user let it do to a sub-agent, or act as one (DESIGN §1). */
  readonly exchange: boolean
  /** The agents it may hand to, by key. */
  readonly delegates: readonly string[]
}

/** Who named an agent: the catalogue; itself, at an address of its own (a metadata document); itself, by registering. */
export type AgentKind = 'catalogue' | 'document' | 'registered'

/** What is known of an agent without asking anybody. */
export interface Standing {
  readonly kind: AgentKind
  /**
   * An operator wrote it down: itself, or the host of its metadata document. A rule that names no agents permits listed
   * ones alone (DESIGN §8).
   */
  readonly listed: boolean
  /** An operator stopped it: nothing that it has or asks for counts. */
  readonly disabled: boolean
}

/** An agent that named itself: what it says of itself was checked for its form, and is nobody's word but its own. */
export interface LearntAgent {
  readonly kind: 'document' | 'registered'
  /** Its client id. */
  readonly key: string
  readonly listed: boolean
  readonly metadata: ClientMetadata
}

/** An agent as the authorization server meets it. */
export type Agent = (NamedAgent & { readonly kind: 'catalogue' }) | LearntAgent
