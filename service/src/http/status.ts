import { Fault, type Kind } from '#kernel'
import { fault } from './faults.ts'

const statuses = {
  invalid: 400,
  unauthenticated: 401,
  denied: 403,
  missing: 404,
  conflict: 409,
  limited: 429,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<Kind, number>

/** The HTTP status of a failure, where the protocol spoken does not define another. */
export function statusOf(kind: Kind): (typeof statuses)[Kind] {
  return statuses[kind]
}

/** Anything thrown, as a Fault: what is not one is a bug of ours, and is told as nothing more. */
export function asFault(error: unknown): Fault {
  return error instanceof Fault ? error : fault.internal({ cause: error })
}
