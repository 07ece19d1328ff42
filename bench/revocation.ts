/**
 * How long a token lives on after its grant was revoked: at the gateway, at an MCP server and at an API that verify by
 * themselves with the server SDK. A hundred revocations in one process on SQLite; run it by
 * `node bin/with-node.js bench/revocation.ts`.
 *
 * The clock starts when the operator's request is sent, and a caller that calls without a pause (one request after the
 * other) stops it with the first refusal: the figures hold the revocation itself, durable, and one call.
 */
import { decodeJwt } from 'jose'
import { officialClient } from '../test/support/by-hand.ts'
import { ask, rpc, send, type Sent } from '../test/support/wire.ts'
import { openWorld, type World } from '../test/support/world.ts'

const ROUNDS = 100
const GIVEN_UP_MS = 10_000

const world = await openWorld()
const figures: Record<string, number[]> = { 'revocation confirmed': [], gateway: [], server: [], api: [] }
try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const [what, milliseconds] of Object.entries(await revokeOnce(world))) {
      figures[what]?.push(milliseconds)
    }
  }
} finally {
  await world.close()
}
console.log(`${ROUNDS} revocations, milliseconds from the operator's request to the first refusal`)
for (const [what, measured] of Object.entries(figures)) {
  const sorted = measured.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? NaN).toFixed(1).padStart(7)
  console.log(`${what.padEnd(21)} p50 ${at(0.5)}   p99 ${at(0.99)}   max ${at(1)}`)
}

/** A new grant, the three tokens of a walk under it, and how long each of them outlives it. */
async function revokeOnce({ urls, mount, signIn, lastToken, service }: World) {
  const one = (await signIn('alice')).token() ?? ''
  const client = await officialClient(mount('crm'), one)
  await client.callTool({ name: 'my_commission', arguments: {} })
  await client.close()
  const params = { name: 'find_customer', arguments: { query: 'a' } }
  const calls: Readonly<Record<string, Sent>> = {
    gateway: rpc({ url: mount('crm'), token: one, params }),
    server: rpc({ url: urls.crm, token: lastToken('crm'), params }),
    api: {
      method: 'GET',
      url: `${urls.payroll}/commission`,
      headers: { host: new URL(urls.payroll).host, authorization: `Bearer ${lastToken('payroll')}` },
    },
  }
  const { gid } = decodeJwt<{ readonly dlg: { readonly gid: string } }>(one).dlg
  for (const call of Object.values(calls)) await answeredWith(200, call)

  const began = performance.now()
  const since = () => performance.now() - began
  const confirmed = ask(service.socket, 'POST', `/grants/${gid}/revoke`).then(since)
  const refused = Object.entries(calls).map(async ([what, call]) => {
    await answeredWith(401, call)
    return [what, since()] as const
  })
  return { ...Object.fromEntries(await Promise.all(refused)), 'revocation confirmed': await confirmed }
}

/** Sends a call again and again until it is answered so. */
async function answeredWith(status: number, call: Sent): Promise<void> {
  const deadline = performance.now() + GIVEN_UP_MS
  while ((await send(call)).status !== status) {
    if (performance.now() > deadline) throw new Error(`${call.url} does not answer ${status}`)
  }
}
