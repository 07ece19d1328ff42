/**
 * How long a token lives on after something that it ends with was revoked: at the gateway, at an MCP server and at an API
 * that verify by themselves with the server SDK. `node bin/with-node.js bench/revocation.ts [URL ...]`
 *
 * On SQLite, grants are revoked by the operator, in one process. With `TETRAPOD_TEST_POSTGRES` the other kinds are too, as
 * another replica writes them; then a second reader of the same database stands for what every other replica knows. Each URL
 * is one more replica at whose gateway the calls are made too: of this bench's own database, under the same public URL.
 *
 * The clock starts when the revocation is sent, and a caller that calls without a pause (one request after the other) stops
 * it with the first refusal: the figures hold the revocation itself, durable, and one call.
 */
import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { officialClient } from '../test/support/by-hand.ts'
import { ask as query, findPostgres, freshSchema } from '../test/support/postgres.ts'
import { createReplicas } from '../test/support/replicas.ts'
import { ask, rpc, send, type Sent } from '../test/support/wire.ts'
import { openWorld, type World } from '../test/support/world.ts'
import { openSecondReader, type SecondReader } from './second-reader.ts'

const ROUNDS = 100
const GIVEN_UP_MS = 10_000

interface Claims {
  readonly sid: string
  readonly jti: string
  readonly dlg: { readonly gid: string; readonly anc: readonly string[] }
}

/** What is revoked, and how its id is found in token 1. */
const kinds: Readonly<Record<string, (one: Claims) => string>> = {
  grant: ({ dlg }) => dlg.gid,
  family: ({ dlg }) => dlg.anc[0] ?? '',
  session: ({ sid }) => sid,
  token: ({ jti }) => jti,
}

const server = findPostgres()
const schema = server === undefined ? undefined : await freshSchema(server)
const replicas = schema === undefined ? undefined : createReplicas(2)
const world = await openWorld({ database: schema?.url, ...(replicas && { run: replicas.run }) })
const second = schema === undefined ? undefined : await openSecondReader(schema.url)
const gateways = [
  ...(replicas?.all.map(({ port }) => `http://127.0.0.1:${port}`) ?? [world.publicUrl]),
  ...process.argv.slice(2),
]
const figures = new Map<string, number[]>()
try {
  const measured = schema === undefined ? ['grant'] : Object.keys(kinds)
  for (let round = 0; round < ROUNDS; round++) await revokeOnce(measured[round % measured.length] ?? 'grant')
} finally {
  await second?.close()
  await world.close()
  await schema?.drop()
}
console.log(`${ROUNDS} revocations, milliseconds from the request to the first refusal`)
for (const [what, milliseconds] of [...figures].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? NaN).toFixed(1).padStart(7)
  console.log(`${what.padEnd(40)} p50 ${at(0.5)}   p99 ${at(0.99)}   max ${at(1)}`)
}

/** The three tokens of a walk, and how long each of them outlives what it ends with. */
async function revokeOnce(kind: string): Promise<void> {
  const one = (await world.signIn('alice')).token() ?? ''
  const client = await officialClient(world.mount('crm'), one)
  await client.callTool({ name: 'my_commission', arguments: {} })
  await client.close()
  const calls = callsWith(one, world)
  const id = kinds[kind]?.(decodeJwt<Claims>(one)) ?? ''
  for (const call of Object.values(calls)) await answeredWith(200, call)

  const began = performance.now()
  const note = (what: string) => {
    const name = `${kind}: ${what}`
    figures.set(name, [...(figures.get(name) ?? []), performance.now() - began])
  }
  const reader = known(second, kind, id)
  await Promise.all([
    revoke(kind, id).then(() => note('confirmed')),
    reader?.then(() => note('another replica')),
    ...Object.entries(calls).map(([what, call]) => answeredWith(401, call).then(() => note(what))),
  ])
}

function callsWith(
  one: string,
  { urls, publicUrl, mount, lastToken }: World,
): Readonly<Record<string, Sent>> {
  const params = { name: 'find_customer', arguments: { query: 'a' } }
  const { host } = new URL(publicUrl)
  const atGateways = gateways.map((base, n): [string, Sent] => {
    const url = base + mount('crm').slice(publicUrl.length)
    return [`gateway ${n + 1}`, rpc({ url, token: one, params, headers: { host } })]
  })
  return {
    ...Object.fromEntries(atGateways),
    server: rpc({ url: urls.crm, token: lastToken('crm'), params }),
    api: {
      method: 'GET',
      url: `${urls.payroll}/commission`,
      headers: { host: new URL(urls.payroll).host, authorization: `Bearer ${lastToken('payroll')}` },
    },
  }
}

/** Grants by the operator, everything else as another replica does it. */
async function revoke(kind: string, id: string): Promise<void> {
  if (kind === 'grant')
    return void (await ask(replicas?.all[0]?.socket ?? world.service.socket, 'POST', `/grants/${id}/revoke`))
  const idHash = createHash('sha256').update(id).digest('base64url')
  await query(
    schema?.url ?? '',
    'insert into revocations (kind, id_hash, at, expires_at) values ($1, $2, $3, $4)',
    [kind, idHash, Date.now(), Date.now() + 600_000],
  )
}

function known(second: SecondReader | undefined, kind: string, id: string): Promise<void> | undefined {
  return second?.knows(kind, createHash('sha256').update(id).digest('base64url'))
}

/** Sends a call again and again until it is answered so. */
async function answeredWith(status: number, call: Sent): Promise<void> {
  const deadline = performance.now() + GIVEN_UP_MS
  while ((await send(call)).status !== status) {
    if (performance.now() > deadline) throw new Error(`${call.url} does not answer ${status}`)
  }
}
