import type { ClientBase } from 'pg'
import { fault as common } from '../faults.ts'
import { fault } from './faults.ts'
import { LONE } from './locks.ts'

const VERSION_MIN = 150_000

/**
 * Looks, over the connection that will migrate, whether this server and schema can be used, and holds off versions that
 * share a database with nobody until that connection ends.
 *
 * Throws `storage.too_old`, `storage.rights` when there is no schema, `storage.locked` while such a version runs.
 */
export async function admit(client: ClientBase): Promise<void> {
  const { rows } = await client.query<Admission>(ADMIT, [LONE])
  const { version, schema, free } = rows[0] ?? {}
  if (version === undefined || version < VERSION_MIN)
    throw fault.too_old({ detail: `version ${version ?? 0}` })
  if (typeof schema !== 'string') throw fault.rights({ detail: 'no schema of the search_path exists' })
  if (free !== true) throw common.locked({ detail: `a version before replicas uses schema ${schema}` })
}

interface Admission {
  readonly version: number
  readonly schema: string | null
  readonly free: boolean | null
}

/** Those versions hold the lock for life; once the database is migrated, they refuse it as newer than they are. */
const ADMIT = `
  select current_setting('server_version_num')::int as version, current_schema()::text as schema,
    pg_try_advisory_lock_shared($1::int, (select oid::int from pg_namespace where nspname = current_schema())) as free`
