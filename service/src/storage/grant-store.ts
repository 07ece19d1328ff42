import type { Grant, GrantedMount, GrantStore } from '#grants'
import type { Kysely, Selectable, Transaction } from 'kysely'
import type { Lock } from './lock.ts'
import { appendRevocation } from './revocation-store.ts'
import type { GrantTable, Tables } from './tables.ts'

export function createGrantStore(db: Kysely<Tables>, lock: Lock): GrantStore {
  const grants = db.selectFrom('grants').selectAll()
  return {
    find: async (id) => fromRow(await grants.where('id', '=', id).executeTakeFirst()),
    current: async (user, agent) =>
      fromRow(
        await grants
          .where('user', '=', user)
          .where('agent', '=', agent)
          .where('revoked_at', 'is', null)
          .executeTakeFirst(),
      ),
    list: async () => {
      const rows = await grants.orderBy('created_at', 'desc').orderBy('id', 'desc').execute()
      return rows.map(toGrant)
    },
    currentOf: async (user) => {
      const rows = await grants
        .where('user', '=', user)
        .where('revoked_at', 'is', null)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute()
      return rows.map(toGrant)
    },
    insert: async (grant) => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('grants')
        .values(toRow(grant))
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
    update: (grant, entry) =>
      db.transaction().execute(async (transaction) => {
        if (!(await update(transaction, grant))) return false
        await appendRevocation(transaction, lock, entry)
        return true
      }),
    revoke: (id, at, entry) =>
      db.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('grants')
          .set(({ eb }) => ({ revoked_at: at, version: eb('version', '+', 1) }))
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) return false
        await appendRevocation(transaction, lock, entry)
        return true
      }),
  }
}

async function update(db: Transaction<Tables>, grant: Grant): Promise<boolean> {
  const { version, redirect_uris, mounts, expires_at } = toRow(grant)
  const { numUpdatedRows } = await db
    .updateTable('grants')
    .set({ version, redirect_uris, mounts, expires_at })
    .where('id', '=', grant.id)
    // A grant never changes hands: a version that names somebody else is not its next one.
    .where('user', '=', grant.user)
    .where('agent', '=', grant.agent)
    .where('version', '=', version - 1)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

function toRow(grant: Grant): Selectable<GrantTable> {
  const { id, version, user, agent, redirectUris, mounts, createdAt, expiresAt, revokedAt } = grant
  return {
    id,
    version,
    user,
    agent,
    redirect_uris: JSON.stringify(redirectUris),
    mounts: JSON.stringify(mounts),
    created_at: createdAt,
    expires_at: expiresAt,
    revoked_at: revokedAt ?? null,
  }
}

function fromRow(row: Selectable<GrantTable> | undefined): Grant | undefined {
  return row === undefined ? undefined : toGrant(row)
}

function toGrant(row: Selectable<GrantTable>): Grant {
  const { id, version, user, agent, redirect_uris, mounts, created_at, expires_at, revoked_at } = row
  return {
    id,
    version,
    user,
    agent,
    redirectUris: JSON.parse(redirect_uris) as Grant['redirectUris'],
    mounts: complete(JSON.parse(mounts) as Stored, created_at, expires_at),
    createdAt: created_at,
    expiresAt: expires_at,
    revokedAt: revoked_at ?? undefined,
  }
}

/** Parts as they are stored: those of earlier versions have no times of their own, and nobody to hand to. */
type Stored = Readonly<Record<string, Pick<GrantedMount, 'scopes' | 'calls'> & Partial<GrantedMount>>>

function complete(mounts: Stored, since: number, expiresAt: number): Grant['mounts'] {
  return Object.fromEntries(
    Object.entries(mounts).map(([server, part]) => [
      server,
      {
        ...part,
        delegates: part.delegates ?? {},
        since: part.since ?? since,
        expiresAt: part.expiresAt ?? expiresAt,
      },
    ]),
  )
}
