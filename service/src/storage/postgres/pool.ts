import { type ClientBase, type ClientConfig, Pool, type PoolClient } from 'pg'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { fault as common } from '../faults.ts'
import { toFault } from './to-fault.ts'

/** Of one process. */
export const CONNECTIONS_MAX = 10
const IDLE_MS = 30_000

export interface PoolOptions {
  readonly max?: number
  /** Looks at a new connection before anybody uses it. What it throws, those who wait for the connection are told. */
  readonly admit?: (client: ClientBase) => Promise<void>
}

/** Kysely's connections: every failure is a storage fault. */
export interface GuardedPool extends PostgresPool {
  /** Refuses new work from now on (`storage.closed`), resolves when what has begun is done and the connections are closed. */
  end(): Promise<void>
}

export function createPool(
  config: ClientConfig,
  { max = CONNECTIONS_MAX, admit }: PoolOptions = {},
): GuardedPool {
  const pool = new Pool({
    ...config,
    max,
    idleTimeoutMillis: IDLE_MS,
    // The driver waits for it, though its types do not say so.
    // oxlint-disable-next-line typescript/no-misused-promises
    ...(admit === undefined ? {} : { onConnect: admit }),
  })
  // A connection that dies is noticed by whoever uses it, and left out when nobody does.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))

  let active = 0
  let draining: PromiseWithResolvers<void> | undefined
  const done = (): void => {
    active -= 1
    if (active === 0) draining?.resolve()
  }

  return {
    options: {},
    connect: async () => {
      if (draining !== undefined) throw common.closed()
      active += 1
      try {
        return guarded(await pool.connect(), done)
      } catch (error) {
        done()
        throw toFault(error)
      }
    },
    end: async () => {
      draining ??= Promise.withResolvers<void>()
      if (active === 0) draining.resolve()
      await draining.promise
      await pool.end()
    },
  }
}

function guarded(client: PoolClient, done: () => void): PostgresPoolClient {
  // After a failure that did not come from the server nobody knows what it will send next.
  let broken = false
  const query = async (sql: unknown, parameters?: readonly unknown[]): Promise<unknown> => {
    try {
      return await client.query(sql as string, [...(parameters ?? [])])
    } catch (error) {
      const failure = toFault(error)
      broken ||= failure.kind === 'unavailable'
      throw failure
    }
  }
  return {
    query: query as PostgresPoolClient['query'],
    release: (destroy) => {
      client.release(destroy === true || broken)
      done()
    },
  }
}
