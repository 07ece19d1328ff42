/** One party of `code-flow.ts`, in a process of its own: Tetrapod, or the bare handler that does the same duty. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { generateClientKey } from '@tetrapod/agent-sdk'
import { generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import { Client } from 'pg'
import { freePorts, listen } from '../test/support/ports.ts'
import { openWorld } from '../test/support/world.ts'

/** What the agent has to know of it. */
export interface Party {
  readonly publicUrl: string
  readonly mount: string
  readonly urls: { readonly agent: string }
  readonly agentKey: JWK
}

/** Keeps rows that may be used once, and records; each call is durable when it resolves. */
interface Rows {
  insert(ids: readonly string[]): Promise<void>
  /** False when it was used before. */
  replace(used: string, ids: readonly string[]): Promise<boolean>
  close(): Promise<void>
}

const [role, database] = process.argv.slice(2)
const { party, close } = role === 'tetrapod' ? await tetrapod() : await bare()
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.(user + system)
})
process.once('disconnect', () => void close())
process.send?.(party)

async function tetrapod() {
  const world = await openWorld({ database })
  const { publicUrl, urls, agentKey } = world
  return { party: { publicUrl, urls, agentKey, mount: world.mount('crm') }, close: () => world.close() }
}

async function bare() {
  const [port = 0] = await freePorts(1)
  const publicUrl = `http://127.0.0.1:${port}`
  const agentKey = await generateClientKey()
  const { kty, crv, x, y } = agentKey as JWK
  const agentPublic = await importJWK({ kty, crv, x, y } as JWK, 'ES256')
  const { privateKey } = await generateKeyPair('ES256')
  const rows = await (database === undefined ? sqliteRows() : postgresRows(database))
  const used = new Set<string>()
  const party: Party = {
    publicUrl,
    mount: `${publicUrl}/crm/mcp`,
    urls: { agent: `${publicUrl}/callback` },
    agentKey,
  }

  const authorize = async () => {
    const code = randomUUID()
    await rows.insert([code])
    return `${party.urls.agent}?code=${code}&iss=${publicUrl}`
  }
  const redeem = async (form: URLSearchParams) => {
    const options = { issuer: 'assistant', audience: publicUrl }
    const { payload } = await jwtVerify(form.get('client_assertion') ?? '', agentPublic, options)
    if (used.size === used.add(String(payload.jti)).size) throw new Error('replayed')
    const [next, jti] = [randomUUID(), randomUUID()]
    const given = form.get('code') ?? form.get('refresh_token') ?? ''
    if (!(await rows.replace(given, [next, `record of ${jti}`]))) throw new Error('used before')
    const token = await new SignJWT({ scope: 'crm.read', client_id: 'assistant', jti })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setIssuer(publicUrl)
      .setAudience(party.mount)
      .setSubject('alice')
      .setIssuedAt()
      .setExpirationTime('300s')
      .sign(privateKey)
    return JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 300, refresh_token: next })
  }
  const server = await listen((request, response) => {
    const answer = async () => {
      if (request.method === 'GET') response.writeHead(303, { location: await authorize() }).end()
      else response.setHeader('content-type', 'application/json').end(await redeem(await formOf(request)))
    }
    answer().catch((error: unknown) => response.writeHead(400).end(JSON.stringify({ error: String(error) })))
  }, port)
  return {
    party,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await rows.close()
    },
  }
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

async function sqliteRows(): Promise<Rows> {
  const directory = await mkdtemp(join(tmpdir(), 'tetrapod-bare-'))
  const db = new DatabaseSync(join(directory, 'bare.db'))
  db.exec(
    'pragma journal_mode = wal; pragma synchronous = full; create table rows (id text primary key, used int)',
  )
  const insert = db.prepare('insert into rows (id) values (?)')
  const use = db.prepare('update rows set used = 1 where id = ? and used is null')
  const within = <T>(work: () => T): T => {
    db.exec('begin immediate')
    const done = work()
    db.exec('commit')
    return done
  }
  return {
    insert: async (ids) => within(() => ids.forEach((id) => insert.run(id))),
    replace: async (given, ids) =>
      within(() => {
        ids.forEach((id) => insert.run(id))
        return use.run(given).changes === 1
      }),
    close: async () => {
      db.close()
      await rm(directory, { recursive: true })
    },
  }
}

async function postgresRows(connectionString: string): Promise<Rows> {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query('create table rows (id text primary key, used int)')
  const insert = (ids: readonly string[]) =>
    client.query({
      name: `insert${ids.length}`,
      text: `insert into rows (id) select unnest($1::text[])`,
      values: [ids],
    })
  return {
    insert: async (ids) => void (await insert(ids)),
    async replace(given, ids) {
      await client.query('begin')
      await insert(ids)
      const text = 'update rows set used = 1 where id = $1 and used is null'
      const { rowCount } = await client.query({ name: 'use', text, values: [given] })
      await client.query('commit')
      return rowCount === 1
    },
    close: () => client.end(),
  }
}
