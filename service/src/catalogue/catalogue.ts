import type { SigningAlgorithm } from '@tetrapod/protocol'
import type { DocumentHost, NamedAgent } from '#agents'
import type { Api } from '#apis'
import type { Secret } from '#kernel'
import type { Rule } from '#policy'
import type { Server } from '#servers'
import type { BuiltInUser } from '#users'
import type { ListenAddress } from './listen.ts'

/** Who takes part in a deployment, and what its rules are: everything in it has been checked together. */
export interface Catalogue {
  /** The issuer, and where everybody reaches us: an origin. */
  readonly publicUrl: string
  /** Where the process listens; undefined: as in `publicUrl`. */
  readonly listen: ListenAddress | undefined
  /** The URL of the PostgreSQL database; undefined: SQLite. */
  readonly database: Secret | undefined
  readonly tokens: { readonly algorithm: SigningAlgorithm }
  readonly users: readonly BuiltInUser[]
  readonly registration: Registration
  readonly agents: readonly NamedAgent[]
  readonly servers: readonly Server[]
  readonly apis: readonly Api[]
  readonly rules: readonly Rule[]
}

/** How agents may name themselves. */
export interface Registration {
  /** Whose metadata documents are accepted. */
  readonly documentHosts: readonly DocumentHost[]
  /** Any agent may register itself. */
  readonly dynamic: boolean
  /** Whose software statements count. */
  readonly statements: readonly { readonly issuer: string; readonly jwksUri: string }[]
}
