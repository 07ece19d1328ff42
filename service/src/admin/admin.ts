import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { z } from 'zod'
import type { Agents } from '#agents'
import type { Audit } from '#audit'
import type { Grant, Grants } from '#grants'
import { asFault, type Handler, logged, statusOf } from '#http'
import type { Log } from '#kernel'
import type { SigningKeys } from '#tokens'
import type { Users } from '#users'
import { fault } from './faults.ts'

export interface AdminDeps {
  readonly audit: Audit
  readonly agents: Agents
  readonly grants: Grants
  readonly users: Users
  readonly keys: Pick<SigningKeys, 'status' | 'rotate' | 'revoke'>
  /** Keeps a revocation for the record. It is in force already, so this neither waits for the log nor throws. */
  readonly recordRevocation: (grant: Grant) => Promise<void>
  /** Keeps for the record that an operator stopped an agent, or let it go on. */
  readonly recordAgentChange: (agent: string, change: 'disabled' | 'enabled') => void
  /** The same for a user whose sessions were all ended. */
  readonly recordSignOut: (account: string, username: string) => void
  /** Reads the configuration file again and goes on with it; throws what is wrong with it. */
  readonly reload: () => Promise<object>
  readonly log: Log
}

const range = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  before: z.string().optional(),
})

/**
 * The operators' API. It is served on a socket that only the service's own user can open, so that who reaches it may do
 * what it does; commands that change state go through it and never to the database behind the service's back.
 */
export function adminHandler(deps: AdminDeps): Handler {
  const { audit, agents, grants, users, keys, recordRevocation, recordAgentChange, recordSignOut, log } = deps
  const app = new Hono()
  app.get('/audit', async (c) => c.json({ lines: await audit.tail(rangeOf(c.req.query())) }))
  app.get('/grants', async (c) => {
    const named = (await grants.list()).map(async (grant) => {
      return { ...grant, username: (await users.find(grant.user))?.subjectId.sub }
    })
    return c.json({ grants: await Promise.all(named) })
  })
  app.post('/grants/:id/revoke', async (c) => {
    const revoked = await grants.revoke(c.req.param('id'))
    await recordRevocation(revoked)
    return c.body(null, 204)
  })
  app.get('/keys', async (c) => c.json({ keys: await keys.status() }))
  app.post('/keys/rotate', async (c) => {
    const rotated = await keys.rotate({ now: c.req.query('now') === 'true' })
    audit.note({ kind: 'key_rotated', ...rotated })
    return c.json(rotated)
  })
  app.post('/keys/:kid/revoke', async (c) => {
    const kid = c.req.param('kid')
    await keys.revoke(kid)
    audit.note({ kind: 'key_revoked', kid })
    return c.body(null, 204)
  })
  app.post('/reload', async (c) => c.json(await deps.reload()))
  app.get('/agents', async (c) => c.json({ agents: await agents.list() }))
  app.post('/agents/:id/disable', async (c) => {
    const id = c.req.param('id')
    await agents.disable(id)
    recordAgentChange(id, 'disabled')
    return c.body(null, 204)
  })
  app.post('/agents/:id/enable', async (c) => {
    const id = c.req.param('id')
    await agents.enable(id)
    recordAgentChange(id, 'enabled')
    return c.body(null, 204)
  })
  app.get('/users', async (c) => c.json({ users: await users.list() }))
  app.post('/users/:username/sign-out', async (c) => {
    const username = c.req.param('username')
    const account = await users.signOutEverywhere(username)
    if (account !== undefined) recordSignOut(account, username)
    return c.body(null, 204)
  })
  app.onError((error, c) => {
    const { code, kind, message } = asFault(error)
    const status = statusOf(kind)
    const reference = status >= 500 ? logged(error, log) : undefined
    return c.json({ error: code, error_description: message, reference }, status)
  })
  return getRequestListener(app.fetch)
}

function rangeOf(query: Readonly<Record<string, string>>) {
  const parsed = range.safeParse(query)
  if (!parsed.success) throw fault.range_malformed({ cause: parsed.error })
  return parsed.data
}
