import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

/** What a thread is started with. */
export interface DatabaseFile {
  readonly file: string
  /** `FULL`: a commit is on the disk when it is answered. `NORMAL`: a power cut may take the last ones. */
  readonly synchronous: 'FULL' | 'NORMAL'
  /** A file whose exclusive lock the thread takes before it touches the database, and holds as long as it lives. */
  readonly lock?: string
}

export interface Order {
  readonly id: number
  readonly sql: string
  readonly parameters: readonly unknown[]
}

export interface Answer {
  readonly rows: readonly Readonly<Record<string, SQLOutputValue>>[]
  /** Rows inserted, updated or deleted; undefined for a statement that returns rows. */
  readonly changes: number | undefined
}

export interface Failure {
  readonly at: 'lock' | 'open' | 'statement'
  /** SQLite's extended result code; undefined for what did not come from SQLite. */
  readonly errcode: number | undefined
  readonly message: string
}

/** One per order, with its number; number 0 comes first and tells that the file is open. */
export type Reply = { readonly id: number } & ({ readonly answer: Answer } | { readonly failure: Failure })

const BUSY_MILLISECONDS = 5000

const nothing: Answer = { rows: [], changes: 0 }

if (parentPort !== null) serve(parentPort, workerData as DatabaseFile)

/** Runs one order after the other, until the message `null`: then it closes what it opened and ends. */
function serve(port: MessagePort, { file, synchronous, lock }: DatabaseFile): void {
  let at: Failure['at'] = 'lock'
  try {
    const held = lock === undefined ? undefined : takeLock(lock)
    at = 'open'
    const database = openDatabase(file, synchronous)
    const run = createRunner(database)
    port.on('message', (order: Order | null) => {
      if (order !== null) return port.postMessage(answered(order, run))
      database.close()
      held?.close()
      port.close()
    })
    port.postMessage({ id: 0, answer: nothing } satisfies Reply)
  } catch (error) {
    port.postMessage({ id: 0, failure: failed(at, error) } satisfies Reply)
  }
}

/** The operating system lets go of it when the process ends, however it ends: nothing is left to clean up. */
function takeLock(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 0 })
  // Nothing is ever written to it, so nothing must be left beside it.
  database.exec('pragma journal_mode = memory; begin exclusive')
  return database
}

function openDatabase(file: string, synchronous: DatabaseFile['synchronous']): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_MILLISECONDS, enableForeignKeyConstraints: true })
  database.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}`)
  return database
}

function createRunner(database: DatabaseSync): (order: Order) => Answer {
  // As many as there are queries in the code: values never become part of a statement's text.
  const prepared = new Map<string, StatementSync>()
  return ({ sql, parameters }) => {
    // SQLite has rolled back by itself after some failures (a full disk); a second time would be an error.
    if (sql === 'rollback' && !database.isTransaction) return nothing
    const statement = prepared.get(sql) ?? database.prepare(sql)
    prepared.set(sql, statement)
    const values = parameters as readonly SQLInputValue[]
    if (statement.columns().length > 0) return { rows: statement.all(...values), changes: undefined }
    return { rows: [], changes: Number(statement.run(...values).changes) }
  }
}

function answered(order: Order, run: (order: Order) => Answer): Reply {
  try {
    return { id: order.id, answer: run(order) }
  } catch (error) {
    return { id: order.id, failure: failed('statement', error) }
  }
}

function failed(at: Failure['at'], error: unknown): Failure {
  const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined
  return { at, errcode, message: error instanceof Error ? error.message : 'unknown' }
}
