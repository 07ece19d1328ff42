import { DatabaseError } from 'pg'
import { Fault, type FaultMembers } from '#kernel'
import { fault as common } from '../faults.ts'
import { fault } from './faults.ts'

/**
 * Says what a failure of PostgreSQL or of the way there means to the person who runs Tetrapod. Of the error only code and
 * message are kept: its other members quote rows, and an error about a URL quotes the URL.
 */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (!(error instanceof Error)) return fault.unreachable()
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const priv = { detail: code === undefined ? error.message : `${code} ${error.message}` }
  if (error instanceof DatabaseError) return makerOf(code ?? '')(priv)
  if (error.message === 'Query read timeout') return fault.timeout(priv)
  return (isTls(code, error.message) ? fault.untrusted : fault.unreachable)(priv)
}

/** By SQLSTATE, else by its class, the first two characters (https://www.postgresql.org/docs/15/errcodes-appendix.html). */
function makerOf(sqlState: string): (priv: FaultMembers) => Fault {
  return states.get(sqlState) ?? states.get(sqlState.slice(0, 2)) ?? common.statement
}

const states: ReadonlyMap<string, (priv: FaultMembers) => Fault> = new Map([
  ['08' /* connection */, fault.unreachable],
  ['28' /* authorization */, fault.refused],
  ['53' /* resources */, fault.exhausted],
  ['57' /* shut down, starting, ended by an administrator */, fault.unreachable],
  ['58' /* system */, fault.unreachable],
  ['3D000' /* no such database */, fault.refused],
  ['3F000' /* no schema to create in */, fault.rights],
  ['42501' /* insufficient privilege */, fault.rights],
  ['25006' /* read-only transaction */, fault.read_only],
  ['25P03' /* idle in transaction */, fault.timeout],
  ['57014' /* cancelled: statement_timeout */, fault.timeout],
  ['55P03' /* lock_timeout */, fault.timeout],
  ['40001' /* serialization */, fault.timeout],
  ['40P01' /* deadlock */, fault.timeout],
])

/** Node's names for certificates that are refused, and the driver's words for a server without TLS. */
function isTls(code: string | undefined, message: string): boolean {
  return (
    message.includes('does not support SSL') ||
    message.includes('certificate') ||
    (code !== undefined && /^(?:ERR_(?:TLS|SSL|OSSL)_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code))
  )
}
