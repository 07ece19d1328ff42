import { randomBytes } from 'node:crypto'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client, type QueryResultRow } from 'pg'

/**
 * The URL of the PostgreSQL that tests may use (`TETRAPOD_TEST_POSTGRES`), or undefined. Throws when `TETRAPOD_REQUIRE`
 * names `postgres` and there is none: where a database is promised, a test that needs it does not pass without one.
 */
export function findPostgres(): string | undefined {
  const url = process.env['TETRAPOD_TEST_POSTGRES']
  if (url !== undefined && url !== '') return url
  const required = (process.env['TETRAPOD_REQUIRE'] ?? '').split(',').includes('postgres')
  const message =
    'TETRAPOD_TEST_POSTGRES is not set: PostgreSQL was not tried. TETRAPOD_TEST_POSTGRES=$(parts/postgres.sh start)'
  if (required) throw new Error(message)
  console.warn(message)
  return undefined
}

export interface FreshSchema {
  /** Leads to the schema alone. */
  readonly url: string
  readonly drop: () => Promise<void>
}

/** An empty schema, as good as a database of its own. */
export async function freshSchema(server: string): Promise<FreshSchema> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await ask(server, `create schema ${name}`)
  const url = new URL(server)
  url.searchParams.set('options', `-c search_path=${name}`)
  return { url: url.href, drop: async () => void (await ask(server, `drop schema ${name} cascade`)) }
}

/** One statement on a connection of its own. */
export async function ask<Row extends QueryResultRow>(
  url: string,
  statement: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(statement, [...values])).rows
  } finally {
    await client.end()
  }
}

const script = fileURLToPath(new URL('../../parts/postgres.sh', import.meta.url))

export interface PrivatePostgres {
  /** Its directory: `data` and the password of the superuser `postgres` lie there. */
  readonly directory: string
  /** Starts it if it does not run. */
  start(): Promise<string>
  /** As after a power cut. Resolves when it serves again. */
  restart(): Promise<void>
  stop(): Promise<void>
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

/** A server of the test's own, which it may mistreat. */
export function privatePostgres(): PrivatePostgres {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-pg-'))
  const run = async (action: string): Promise<string> =>
    (await promisify(execFile)(script, [action, directory])).stdout.trim()
  return {
    directory,
    start: () => run('start'),
    restart: async () => void (await run('restart')),
    stop: async () => void (await run('stop')),
    remove: async () => {
      await run('stop')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
