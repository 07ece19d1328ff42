import type { JsonObject } from './json.ts'

/** What a failure means to the caller. Closed: every surface maps all of them. */
export type Kind =
  'invalid' | 'unauthenticated' | 'denied' | 'missing' | 'conflict' | 'limited' | 'unavailable' | 'internal'

/** What goes with a fault. `detail` and `cause` never leave the process except into its log. */
export interface FaultMembers {
  readonly detail?: string
  readonly cause?: unknown
  /** Public: what the caller needs beside the sentence, as the surface it asked through has a place for it. */
  readonly data?: JsonObject
}

/**
 * A failure with a stable `code` (`broker.target_unknown`), a `kind`, a public sentence (`message`) that
 * tells the reader what to do, and private detail. Only code and message may leave the process.
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: string
  readonly kind: Kind
  readonly detail: string | undefined
  readonly data: JsonObject | undefined

  constructor(code: string, kind: Kind, message: string, { detail, cause, data }: FaultMembers = {}) {
    super(message, { cause })
    this.code = code
    this.kind = kind
    this.detail = detail
    this.data = data
  }
}

type Declarations = Readonly<Record<string, readonly [Kind, string]>>

/** Every fault that was declared, by code: what `docs/errors.md` is generated from. */
export const declaredFaults: Map<string, { readonly kind: Kind; readonly message: string }> = new Map()

/**
 * Declares a module's faults once. Each name becomes a function that makes the Fault:
 * `throw fault.target_unknown({ detail: audience })`.
 */
export function faults<D extends Declarations>(
  module: string,
  declarations: D,
): { readonly [Name in keyof D]: (members?: FaultMembers) => Fault } {
  const makers = Object.entries(declarations).map(([name, [kind, message]]) => {
    const code = `${module}.${name}`
    declaredFaults.set(code, { kind, message })
    return [name, (members?: FaultMembers) => new Fault(code, kind, message, members)]
  })
  return Object.fromEntries(makers) as { readonly [Name in keyof D]: (members?: FaultMembers) => Fault }
}
