/**
 * The bare endpoint of `exchange.ts`: an exchange as one would write it in an afternoon, with `node:http` and jose. It
 * authenticates the client by its assertion, verifies the subject token (a signature that was good is remembered, as ours
 * is), keeps the assertion's `jti` as used and the new token's as given, in one durable statement, and signs. It knows no
 * grant, no policy, no chain, no revocation and no audit log.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { importJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { Pool } from 'pg'
import { close, freePorts, listen } from '../test/support/ports.ts'

export interface Bare {
  readonly issuer: string
  close(): Promise<void>
}

/** Writes down, durably, that an assertion was used and a token given. Rejects when it was used before. */
interface Rows {
  insert(used: string, given: string): Promise<void>
  close(): Promise<void>
}

export async function openBare(options: {
  /** Signs. */
  readonly jwk: JWK
  readonly client: JWK
  /** The URL of a PostgreSQL database. Absent: SQLite. */
  readonly database: string | undefined
}): Promise<Bare> {
  const [port = 0] = await freePorts(1)
  const issuer = `http://127.0.0.1:${port}`
  const { d: _, ...publicJwk } = options.jwk
  const [privateKey, publicKey, clientKey] = await Promise.all([
    importJWK(options.jwk, 'ES256'),
    importJWK(publicJwk, 'ES256'),
    importJWK(options.client, 'ES256'),
  ])
  const rows = await (options.database === undefined ? sqliteRows() : postgresRows(options.database))
  const good = new Map<string, JWTPayload>()

  const subjectOf = async (token: string): Promise<JWTPayload> => {
    const hash = createHash('sha256').update(token).digest('base64url')
    const known = good.get(hash)
    if (known !== undefined && (known.exp ?? 0) * 1000 > Date.now()) return known
    const { payload } = await jwtVerify(token, publicKey, { issuer, audience: 'crm', typ: 'at+jwt' })
    good.set(hash, payload)
    return payload
  }
  const exchange = async (form: URLSearchParams): Promise<object> => {
    const assertion = form.get('client_assertion') ?? ''
    const { payload: client } = await jwtVerify(assertion, clientKey, { issuer: 'crm', audience: issuer })
    const subject = await subjectOf(form.get('subject_token') ?? '')
    const jti = randomUUID()
    await rows.insert(String(client.jti), jti)
    const { iss, sub = '', act } = subject
    const token = await new SignJWT({
      client_id: 'crm',
      scope: 'payroll.read',
      act: { iss, sub: 'crm', act },
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: String(options.jwk.kid) })
      .setIssuer(issuer)
      .setAudience('payroll')
      .setSubject(sub)
      .setJti(jti)
      .setIssuedAt()
      .setExpirationTime('300s')
      .sign(privateKey)
    return { access_token: token, token_type: 'Bearer', expires_in: 300, scope: 'payroll.read' }
  }
  const server = await listen((request, response) => {
    response.setHeader('content-type', 'application/json')
    formOf(request)
      .then(exchange)
      .then((body) => response.end(JSON.stringify(body)))
      .catch((error: unknown) => response.writeHead(400).end(JSON.stringify({ error: String(error) })))
  }, port)
  return {
    issuer,
    async close() {
      await close(server)
      await rows.close()
    },
  }
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

const TABLE = 'create table rows (used text primary key, given text not null)'

async function sqliteRows(): Promise<Rows> {
  const directory = await mkdtemp(join(tmpdir(), 'tetrapod-bare-'))
  const db = new DatabaseSync(join(directory, 'bare.db'))
  db.exec(`pragma journal_mode = wal; pragma synchronous = full; ${TABLE}`)
  const insert = db.prepare('insert into rows (used, given) values (?, ?)')
  return {
    insert: async (used, given) => void insert.run(used, given),
    async close() {
      db.close()
      await rm(directory, { recursive: true })
    },
  }
}

async function postgresRows(connectionString: string): Promise<Rows> {
  const pool = new Pool({ connectionString, max: 10 })
  await pool.query(TABLE)
  const text = 'insert into rows (used, given) values ($1, $2)'
  return {
    insert: async (used, given) => void (await pool.query({ name: 'insert', text, values: [used, given] })),
    close: () => pool.end(),
  }
}
