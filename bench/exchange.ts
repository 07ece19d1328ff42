/**
 * What a token exchange costs (RFC 8693, a server for an API): our `/token` with everything on, beside a bare endpoint that
 * authenticates the same client, verifies the same subject token, keeps the `jti` durably and signs (`exchange-bare.ts`).
 * Each in a process of its own, whoever asks in this one: a closed loop at 1 and at 32 connections, taking turns, the one
 * that begins changing from round to round. What is asked is signed before the clock starts. On SQLite, and on PostgreSQL
 * where `TETRAPOD_TEST_POSTGRES` names a database. Run it by `node bin/with-node.js bench/exchange.ts [ROUNDS]`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { findPostgres, freshSchema } from '../test/support/postgres.ts'
import type { Asked, Prepared } from './exchange-party.ts'
import { askAll } from './closed-loop.ts'

const ROUNDS = Number(process.argv[2] ?? 9)
/** How many exchanges a round asks for, by the number of connections. */
const LOADS = { 1: 300, 32: 1500 } as const
const ROLES = ['tetrapod', 'bare'] as const

type Role = (typeof ROLES)[number]
type Connections = keyof typeof LOADS

interface Round {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly cpuMicroseconds: number
}

const server = findPostgres()
for (const database of ['SQLite', ...(server === undefined ? [] : ['PostgreSQL'])]) {
  const schemas = database === 'SQLite' ? [] : await Promise.all(ROLES.map(() => freshSchema(server ?? '')))
  const parties = ROLES.map((role, n) => ({ role, child: start(role, schemas[n]?.url) }))
  for (const { child } of parties) await round(child, 32)
  for (const connections of [1, 32] as const) {
    const rounds: Record<Role, Round>[] = []
    for (let n = 0; n < ROUNDS; n++) {
      const figures = new Map<Role, Round>()
      for (const { role, child } of n % 2 === 0 ? parties : parties.toReversed())
        figures.set(role, await round(child, connections))
      rounds.push(Object.fromEntries(figures) as Record<Role, Round>)
    }
    report(database, connections, rounds)
  }
  for (const { child } of parties) {
    child.disconnect()
    await once(child, 'exit')
  }
  for (const { drop } of schemas) await drop()
}

function start(role: Role, database: string | undefined): ChildProcess {
  const options = database === undefined ? [role] : [role, database]
  return fork(new URL('exchange-party.ts', import.meta.url), options)
}

async function round(child: ChildProcess, connections: Connections): Promise<Round> {
  const count = LOADS[connections]
  const { url, bodies } = await ask<Prepared>(child, { prepare: count })
  const before = await ask<number>(child, 'cpu')
  const { milliseconds, elapsed } = await askAll(url, bodies, connections)
  const used = (await ask<number>(child, 'cpu')) - before
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? NaN
  return {
    perSecond: (count / elapsed) * 1000,
    p50: at(0.5),
    p99: at(0.99),
    cpuMicroseconds: used / count,
  }
}

function report(database: string, connections: Connections, rounds: readonly Record<Role, Round>[]): void {
  const median = (of: (round: Record<Role, Round>) => number) => {
    const sorted = rounds.map(of).toSorted((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? NaN
  }
  for (const role of ROLES) {
    const figure = (name: keyof Round, digits: number) => median((it) => it[role][name]).toFixed(digits)
    console.log(
      `${database.padEnd(11)}${connections} connections`.padEnd(27),
      role.padEnd(9),
      `${figure('perSecond', 0).padStart(5)}/s   p50 ${figure('p50', 2)} ms   p99 ${figure('p99', 2)} ms   CPU ${figure('cpuMicroseconds', 0)} µs`,
    )
  }
  const ratio = median(({ tetrapod, bare }) => tetrapod.perSecond / bare.perSecond)
  const cpu = median(({ tetrapod, bare }) => tetrapod.cpuMicroseconds / bare.cpuMicroseconds)
  console.log(' '.repeat(27), `ratio of the rates ${ratio.toFixed(2)}, of processor time ${cpu.toFixed(2)}`)
}

async function ask<Answer>(child: ChildProcess, asked: Asked): Promise<Answer> {
  child.send(asked)
  const [answer] = (await once(child, 'message')) as [Answer]
  return answer
}
