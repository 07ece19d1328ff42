/**
 * What a login and a refresh cost: an authorization request by somebody who is signed in and agreed before, the
 * redemption of its code, and a refresh; beside each the same duty done by a bare `node:http` handler with jose, which
 * verifies the client's assertion, keeps one-time rows and a record durably, and signs. Each in a process of its own, the
 * agent in this one; sequential, taking turns in the same run. On SQLite, and on PostgreSQL where
 * `TETRAPOD_TEST_POSTGRES` names a database. Run it by `node bin/with-node.js bench/code-flow.ts`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { byHand, createPerson } from '../test/support/by-hand.ts'
import { findPostgres, freshSchema } from '../test/support/postgres.ts'
import type { World } from '../test/support/world.ts'
import type { Party } from './code-flow-party.ts'

const FLOWS = 400
const WARM_UP = 50
const DUTIES = ['code flow', 'refresh'] as const
type Duty = (typeof DUTIES)[number]

interface Measured {
  readonly milliseconds: number[]
  cpuMicroseconds: number
}

const server = findPostgres()
for (const database of ['SQLite', 'PostgreSQL']) {
  if (database === 'PostgreSQL' && server === undefined) continue
  const schemas =
    database === 'SQLite' ? [] : [await freshSchema(server ?? ''), await freshSchema(server ?? '')]
  const parties = await Promise.all(
    (['tetrapod', 'bare'] as const).map(async (role, nth) => ({
      role,
      agent: await startAgent(role, schemas[nth]?.url),
      figures: none(),
    })),
  )
  for (const { agent } of parties)
    for (let flow = 0; flow < WARM_UP; flow++) await agent.refresh(await agent.login())
  for (let block = 0; block < FLOWS / 20; block++) {
    for (const { agent, figures } of parties) await measure(agent, figures)
  }
  for (const { role, figures } of parties)
    for (const duty of DUTIES)
      console.log(`${database.padEnd(11)}${role.padEnd(10)}${line(duty, figures[duty])}`)
  for (const { agent } of parties) await agent.stop()
  for (const { drop } of schemas) await drop()
}

type Agent = Awaited<ReturnType<typeof startAgent>>

async function measure(agent: Agent, figures: Record<Duty, Measured>): Promise<void> {
  const tokens: string[] = []
  for (const duty of DUTIES) {
    const before = await agent.cpu()
    for (let flow = 0; flow < 20; flow++) {
      const began = performance.now()
      if (duty === 'code flow') tokens.push(await agent.login())
      else await agent.refresh(tokens.pop() ?? '')
      figures[duty].milliseconds.push(performance.now() - began)
    }
    figures[duty].cpuMicroseconds += (await agent.cpu()) - before
  }
}

function none(): Record<Duty, Measured> {
  return {
    'code flow': { milliseconds: [], cpuMicroseconds: 0 },
    refresh: { milliseconds: [], cpuMicroseconds: 0 },
  }
}

function line(duty: Duty, { milliseconds, cpuMicroseconds }: Measured): string {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? NaN).toFixed(2).padStart(7)
  const cpu = (cpuMicroseconds / milliseconds.length / 1000).toFixed(2).padStart(6)
  return `${duty.padEnd(10)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   CPU ${cpu} ms`
}

/** A party in a process of its own, and an agent that logs Alice in there. */
async function startAgent(role: 'tetrapod' | 'bare', database: string | undefined) {
  const child = fork(new URL('code-flow-party.ts', import.meta.url), [
    role,
    ...(database === undefined ? [] : [database]),
  ])
  const [party] = (await once(child, 'message')) as [Party]
  const hand = byHand({ ...party, mount: () => party.mount } as unknown as World)
  const person = createPerson(party.publicUrl)
  if (role === 'tetrapod') await hand.codeOf(person)
  const url = hand.authorizeUrl()
  const redeemed = async (answer: ReturnType<typeof hand.redeem>) => {
    const { status, body } = await answer
    if (status !== 200) throw new Error(JSON.stringify(body))
    return String(body['refresh_token'])
  }
  return {
    async login() {
      const { headers } = await person.send(url)
      const code = new URL(headers.get('location') ?? '').searchParams.get('code')
      return redeemed(hand.redeem(code ?? ''))
    },
    refresh: (token: string) => redeemed(hand.refresh(token)),
    cpu: () => ask(child),
    async stop() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** Microseconds of processor time that a party has used. */
async function ask(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [cpu] = (await once(child, 'message')) as [number]
  return cpu
}
