import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { type ClientConfig, types } from 'pg'
import type { Secret } from '#kernel'
import { fault } from './faults.ts'

/** Until a connection stands or a free one is found. */
const CONNECT_MS = 3000
/** Until the server gives a statement up. */
const STATEMENT_MS = 10_000
/** Until the server gives up to wait for what another transaction holds. */
const LOCK_MS = 5000
/** When a server that no longer answers is given up: later than it should have by itself. */
const ANSWER_MS = STATEMENT_MS + 5000

/**
 * How every session is, whatever server, role and database say. A commit is on the disk when it is answered; stores are
 * written for `read committed`; a session whose process is out of reach ends within half a minute, and its locks with it.
 */
const SETTINGS = [
  'synchronous_commit=on',
  String.raw`default_transaction_isolation=read\ committed`,
  'tcp_keepalives_idle=10',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
]

/** All that the driver needs to know, so that it looks for nothing in the environment. `name` shows in `pg_stat_activity`. */
export function connectionTo(database: Secret, name: string): ClientConfig {
  const url = parse(database)
  const parameters = new Map(url.searchParams)
  const allowed = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host', 'options']
  const unknown = [...parameters.keys()].find((key) => !allowed.includes(key))
  if (unknown !== undefined) throw fault.database_url({ detail: `${unknown} is not known` })
  const host = parameters.get('host') ?? (decoded(url.hostname).replace(/^\[|\]$/g, '') || 'localhost')
  const settings = SETTINGS.map((setting) => `-c ${setting}`)
  return {
    host,
    port: Number(url.port || 5432),
    user: decoded(url.username),
    password: decoded(url.password),
    database: decoded(url.pathname.slice(1)),
    ssl: tlsOf(parameters, host),
    options: [parameters.get('options') ?? '', ...settings].join(' ').trim(),
    application_name: name,
    client_encoding: 'UTF8',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  }
}

/** A connection for what may take long: building an index over many rows. */
export function patient(config: ClientConfig): ClientConfig {
  return { ...config, statement_timeout: false, query_timeout: undefined }
}

function parse(database: Secret): URL {
  const url = URL.parse(database.reveal())
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol))
    throw fault.database_url({ detail: 'it does not begin with postgres://' })
  if (url.username === '' || url.pathname.length < 2)
    throw fault.database_url({ detail: 'it names no user or no database' })
  return url
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw fault.database_url({ detail: 'a % in it is not followed by two hexadecimal digits' })
  }
}

/** Encrypted and verified, but where the URL says otherwise or the server is on this machine. Half of it is not on offer. */
function tlsOf(parameters: ReadonlyMap<string, string>, host: string): ClientConfig['ssl'] {
  const mode = parameters.get('sslmode') ?? (isThisMachine(host) ? 'disable' : 'verify-full')
  if (mode === 'disable') return false
  if (!['require', 'verify-ca', 'verify-full'].includes(mode))
    throw fault.database_url({ detail: `sslmode=${mode}: use verify-full or disable` })
  return {
    ...fileOf('ca', parameters.get('sslrootcert')),
    ...fileOf('cert', parameters.get('sslcert')),
    ...fileOf('key', parameters.get('sslkey')),
  }
}

function fileOf(member: 'ca' | 'cert' | 'key', path: string | undefined): Record<string, string> {
  if (path === undefined) return {}
  try {
    return { [member]: readFileSync(path, 'utf8') }
  } catch (cause) {
    throw fault.database_url({ detail: `${path} cannot be read`, cause })
  }
}

function isThisMachine(host: string): boolean {
  // A name that begins with 127. is no address.
  const isAddress = isIPv4(host) && host.startsWith('127.')
  return host.startsWith('/') || host === 'localhost' || host === '::1' || isAddress
}

const { INT8, BYTEA } = types.builtins

/** Numbers as numbers (all of ours are below 2^53), bytes as bytes of their own, the rest as the driver has it. */
const getTypeParser: typeof types.getTypeParser = (oid, format) => {
  if (oid === INT8) return (text: string) => Number(text)
  const parser = types.getTypeParser(oid, format)
  return oid === BYTEA ? (text: string) => new Uint8Array(parser(text) as Uint8Array) : parser
}
