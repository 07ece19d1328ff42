import type { AgentRow, AgentStore } from '#agents'
import type { JsonObject } from '#kernel'
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import type { Lock } from './lock.ts'
import { appendRevocation } from './revocation-store.ts'
import type { AgentTable, Tables } from './tables.ts'

export function createAgentStore(db: Kysely<Tables>, lock: Lock): AgentStore {
  const agents = db.selectFrom('agents')
  const change = (on: Kysely<Tables>, id: string) => on.updateTable('agents').where('id', '=', id)
  const together = <T>(work: (transaction: Transaction<Tables>) => Promise<T>) =>
    db.transaction().execute(work)
  return {
    find: async (id) => {
      const row = await agents.selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : fromRow(row)
    },
    list: async () => {
      const rows = await agents.selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc').execute()
      return rows.map(fromRow)
    },
    insert: (row, max) => insert(db, row, max),
    replace: (id, { name, metadata }, entry) =>
      together(async (transaction) => {
        const { numUpdatedRows } = await change(transaction, id)
          .where('kind', '=', 'registered')
          .set({ name, metadata: toText(metadata) })
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) return false
        await appendRevocation(transaction, lock, entry)
        return true
      }),
    remove: (id, entry) =>
      together(async (transaction) => {
        const gone = transaction.deleteFrom('agents').where('id', '=', id)
        if ((await gone.executeTakeFirst()).numDeletedRows !== 1n) return false
        await endFamilies(transaction, id, entry.at)
        await appendRevocation(transaction, lock, entry)
        return true
      }),
    used: (row, at) => mark(db, row, { used_at: at, name: row.name }),
    disable: (row, entry) =>
      together(async (transaction) => {
        if (!(await mark(transaction, row, { disabled_at: entry.at }))) return false
        await endFamilies(transaction, row.id, entry.at)
        await appendRevocation(transaction, lock, entry)
        return true
      }),
    enable: (id, entry) =>
      together(async (transaction) => {
        await change(transaction, id).set({ disabled_at: null }).execute()
        await appendRevocation(transaction, lock, entry)
      }),
    sweep: async (unused, idle) => {
      await db
        .deleteFrom('agents')
        .where('kind', '=', 'registered')
        .where('disabled_at', 'is', null)
        .where(({ or, and, eb }) =>
          or([and([eb('used_at', 'is', null), eb('created_at', '<', unused)]), eb('used_at', '<', idle)]),
        )
        .execute()
    },
    managedBy: async (tokenHash) => {
      const row = await agents.select('id').where('management_hash', '=', tokenHash).executeTakeFirst()
      return row?.id
    },
    setManagement: async (id, tokenHash) => {
      await change(db, id)
        .set({ management_hash: tokenHash ?? null })
        .execute()
    },
  }
}

/** Its logins, for good: what ends with a row or a flag would come back with it. */
async function endFamilies(transaction: Transaction<Tables>, agent: string, at: number): Promise<void> {
  await transaction
    .updateTable('families')
    .set({ ended_at: at })
    .where('agent', '=', agent)
    .where('ended_at', 'is', null)
    .execute()
}

/** Counted and written in one statement: however many come at once, there are hardly more than `max`. */
async function insert(db: Kysely<Tables>, row: AgentRow, max: number): Promise<boolean> {
  const { id, kind, name, metadata, created_at } = toRow(row)
  const { numAffectedRows } = await sql`
    insert into agents (id, kind, name, metadata, created_at)
    select ${id}, ${kind}, ${name}, ${metadata}, cast(${created_at} as bigint)
    where (select count(*) from agents where kind = 'registered') < ${max}`.execute(db)
  return numAffectedRows === 1n
}

function toRow(row: AgentRow): Selectable<AgentTable> {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    metadata: toText(row.metadata),
    management_hash: null,
    created_at: row.createdAt,
    used_at: row.usedAt ?? null,
    disabled_at: row.disabledAt ?? null,
  }
}

function toText(metadata: AgentRow['metadata']): string | null {
  return metadata === undefined ? null : JSON.stringify(metadata)
}

function fromRow(row: Selectable<AgentTable>): AgentRow {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    metadata: row.metadata === null ? undefined : (JSON.parse(row.metadata) as JsonObject),
    createdAt: row.created_at,
    usedAt: row.used_at ?? undefined,
    disabledAt: row.disabled_at ?? undefined,
  }
}

/** A registration that is gone is not made again by what is said of it; any other agent has a row from then on. */
async function mark(
  db: Kysely<Tables>,
  row: AgentRow,
  marks: { readonly used_at: number; readonly name: string } | { readonly disabled_at: number },
): Promise<boolean> {
  if (row.kind === 'registered') {
    const marked = db
      .updateTable('agents')
      .set(marks)
      .where('id', '=', row.id)
      .where('kind', '=', 'registered')
    return (await marked.executeTakeFirst()).numUpdatedRows === 1n
  }
  await db
    .insertInto('agents')
    .values({ ...toRow(row), ...marks })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(marks))
    .execute()
  return true
}
