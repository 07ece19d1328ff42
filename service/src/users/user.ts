import type { SubjectId } from '@tetrapod/protocol'
import type { Secret } from '#kernel'

/** A user that the configuration itself holds, for a first look on a loopback `publicUrl`. */
export interface BuiltInUser {
  /** The user name: what they type, and their `sub_id`. */
  readonly username: string
  readonly name: string
  /** `scrypt:N:r:p:salt:hash`, the last two base64url. */
  readonly password: Secret
  readonly groups: readonly string[]
  /** Their id at other providers, by the provider’s name in the catalogue. */
  readonly linked: Readonly<Record<string, string>>
}

/** A user as operators see them. */
export interface ListedUser {
  readonly username: string
  readonly name: string
  readonly groups: readonly string[]
  /** In how many browsers they are signed in. */
  readonly sessions: number
}

/** A person as the policy and the tokens see them. */
export interface User {
  /** Our own opaque account id: `sub` in every token. */
  readonly id: string
  readonly subjectId: SubjectId
  readonly name: string
  readonly groups: readonly string[]
  /** Their id at other providers, by the provider’s name in the catalogue. */
  readonly linked: Readonly<Record<string, string>>
}
