import type { Fault, FaultMembers } from '#kernel'
import { fault as common } from '../faults.ts'
import { fault } from './faults.ts'
import type { Failure } from './worker.ts'

/** Says what a failure of SQLite means to the person who runs Tetrapod. `file` goes into the private detail. */
export function toFault({ at, errcode, message }: Failure, file: string): Fault {
  const priv = { detail: `${file}: ${message}` }
  // The low byte is the result code; the rest says where it came from (https://sqlite.org/rescode.html).
  const code = errcode === undefined ? undefined : errcode & 0xff
  if (at === 'lock' && code === BUSY) return common.locked(priv)
  const known = code === undefined ? undefined : meanings.get(code)
  return (known ?? (at === 'statement' ? common.statement : fault.unopenable))(priv)
}

const BUSY = 5

const meanings: ReadonlyMap<number, (priv: FaultMembers) => Fault> = new Map([
  [BUSY, fault.busy],
  [8 /* READONLY */, fault.disk],
  [10 /* IOERR */, fault.disk],
  [11 /* CORRUPT */, fault.damaged],
  [13 /* FULL */, fault.disk],
  [26 /* NOTADB */, fault.damaged],
])
