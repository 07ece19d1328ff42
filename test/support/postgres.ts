import { randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

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
export async function ask<Row extends pg.QueryResultRow>(
  url: string,
  statement: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(statement, [...values])).rows
  } finally {
    await client.end()
  }
}

const script = fileURLToPath(new URL('../../parts/postgres.sh', import.meta.url))

export interface PrivatePostgres {
  readonly url: string
  /** As after a power cut. Resolves when it serves again. */
  readonly restart: () => void
  readonly stop: () => void
  readonly start: () => void
  /** Ends it and removes its data. */
  readonly remove: () => void
}

/** A server of the test's own, which it may mistreat. */
export function privatePostgres(): PrivatePostgres {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-pg-'))
  const run = (action: string): string =>
    execFileSync(script, [action, directory], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim()
  return {
    url: run('start'),
    restart: () => void run('restart'),
    stop: () => void run('stop'),
    start: () => void run('start'),
    remove: () => {
      run('stop')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
