import { Client, type ClientBase, type ClientConfig } from 'pg'
import { fault as common } from '../faults.ts'
import { fault } from './faults.ts'
import { HOLDER } from './locks.ts'
import { toFault } from './to-fault.ts'

/** That the database is this process's: a lock on a connection of its own, as long as the process lives. */
export interface Tenure {
  /**
   * Resolves while the database is ours; takes it again when the connection was lost. Throws `storage.stopped` from the
   * moment on when another process had it, and `storage.unreachable` as long as there is no way to tell.
   */
  hold(): Promise<void>
  /** Asks the server, over a connection that is new, whether it is: a lock that was lost unnoticed is found out here. */
  prove(client: ClientBase): Promise<void>
  close(): Promise<void>
}

/**
 * Makes the database this process's. The application name of `config` must be of this process alone.
 *
 * Throws `storage.locked` when another one has it, `storage.too_old`, `storage.rights` when there is no schema, and
 * what {@link toFault} makes of a connection that fails.
 */
export async function takeTenure(config: ClientConfig): Promise<Tenure> {
  let holder: Client | undefined = await take(config, common.locked)
  let again: Promise<void> | undefined
  let stopped = false

  const watch = (client: Client): void => {
    client.on('end', () => {
      if (holder === client) holder = undefined
    })
  }
  const retake = async (): Promise<void> => {
    try {
      await endOurs(config)
      holder = await take(config, common.stopped)
      watch(holder)
    } catch (error) {
      const failure = toFault(error)
      stopped ||= failure.code === 'storage.stopped'
      throw failure
    } finally {
      again = undefined
    }
  }
  const hold = async (): Promise<void> => {
    if (stopped) throw common.stopped()
    if (holder === undefined) await (again ??= retake())
  }

  watch(holder)
  return {
    hold,
    prove: async (client) => {
      await hold()
      const { rows } = await client.query(HOLDERS, [HOLDER, config.application_name])
      if (rows.length > 0) return
      void holder?.end()
      holder = undefined
      throw fault.unreachable({ detail: 'the lock on the database was lost' })
    },
    close: async () => {
      stopped = true
      await again?.catch(() => undefined)
      await holder?.end()
    },
  }
}

const VERSION_MIN = 150_000

async function take(config: ClientConfig, taken: typeof common.locked): Promise<Client> {
  const client = quiet(config)
  try {
    await client.connect()
    const { rows } = await client.query<Taking>(TAKE, [HOLDER])
    const { version, schema, free } = rows[0] ?? {}
    if (version === undefined || version < VERSION_MIN)
      throw fault.too_old({ detail: `version ${version ?? 0}` })
    if (typeof schema !== 'string') throw fault.rights({ detail: 'no schema of the search_path exists' })
    if (free !== true) throw taken({ detail: `schema ${schema}` })
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    throw toFault(error)
  }
}

/** A session of ours that the server has not yet found to be dead would keep us out. */
async function endOurs(config: ClientConfig): Promise<void> {
  const client = quiet(config)
  try {
    await client.connect()
    await client.query(`select pg_terminate_backend(pid, 3000) from (${HOLDERS}) ours`, [
      HOLDER,
      config.application_name,
    ])
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** One whose death is an end, and no error that nobody expects. */
function quiet(config: ClientConfig): Client {
  const client = new Client(config)
  client.on('error', () => undefined)
  return client
}

interface Taking {
  readonly version: number
  readonly schema: string | null
  readonly free: boolean | null
}

const TAKE = `
  select current_setting('server_version_num')::int as version, current_schema()::text as schema,
    pg_try_advisory_lock($1::int, (select oid::int from pg_namespace where nspname = current_schema())) as free`

/** The session that holds the lock of this schema, if it bears this name. Two halves of a key: objsubid 2. */
const HOLDERS = `
  select a.pid from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = $1::oid
    and l.database = (select oid from pg_database where datname = current_database())
    and l.objid = (select oid from pg_namespace where nspname = current_schema())
    and a.application_name = $2`
